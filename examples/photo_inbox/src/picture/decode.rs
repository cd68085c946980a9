use std::io::Cursor;

use image::error::{ImageError, ImageResult};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use thiserror::Error;

use super::{Dimensions, Encoding};

/// The largest picture that is decoded. A few kilobytes of a PNG can claim to be gigabytes of
/// pixels; this is beyond what cameras make and within what a small server has.
const MAX_PIXELS: u64 = 64_000_000;

/// The most a decoder may hold at once: that many pixels with four channels of 16 bits.
const MAX_ALLOCATION: u64 = MAX_PIXELS * 8;

const FORMATS: [ImageFormat; 3] = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];

/// Why a file yields no thumbnails.
#[derive(Debug, Error)]
pub(crate) enum NoPicture {
    /// It begins like no picture at all.
    #[error("the file is not a picture: it is neither JPEG, PNG nor WebP")]
    Unrecognized,
    /// It is a picture of another format.
    #[error("{0:?} pictures are not supported, only JPEG, PNG and WebP")]
    Unsupported(ImageFormat),
    /// It has more pixels than are decoded.
    #[error(
        "the picture is too large to decode: it has {} x {} pixels, the limit is {MAX_PIXELS} in all",
        .0.width, .0.height
    )]
    TooLarge(Dimensions),
    /// It begins like a picture, but can't be decoded.
    #[error("the {format:?} picture is damaged")]
    Damaged {
        /// What it began like.
        format: ImageFormat,
        /// What the decoder said.
        source: ImageError,
    },
}

/// A decoded picture, the right way up.
pub(crate) struct Picture {
    pixels: DynamicImage,
    original: Dimensions,
    encoding: Encoding,
    profile: Option<Vec<u8>>,
}

impl Picture {
    /// Decodes a file, whatever its name says it is, and applies its EXIF orientation.
    ///
    /// # Errors
    ///
    /// Fails if it is no picture, or one that would take too much memory.
    pub(crate) fn decode(file: &[u8]) -> Result<Self, NoPicture> {
        let format = image::guess_format(file).map_err(|_| NoPicture::Unrecognized)?;
        if !FORMATS.contains(&format) {
            return Err(NoPicture::Unsupported(format));
        }
        let damaged = |source| NoPicture::Damaged { format, source };

        let mut decoder = decoder(file, format).map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        let claimed = Dimensions { width, height };
        if claimed.pixels() > MAX_PIXELS {
            return Err(NoPicture::TooLarge(claimed));
        }
        // Broken metadata is no reason to refuse a picture that can be shown without it.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let profile = decoder.icc_profile().unwrap_or_default();
        let mut pixels = pixels(decoder).map_err(damaged)?;
        pixels.apply_orientation(orientation);

        Ok(Self {
            original: dimensions(&pixels),
            pixels,
            encoding: Encoding::of_thumbnails(format),
            profile: profile.filter(|profile| is_for_rgb(profile)),
        })
    }

    /// How thumbnails of this picture are written.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Shrinks the picture so that its longest side is at most `longest`.
    ///
    /// Called with shorter and shorter sides, each step starts from the one before, which costs a
    /// fraction of starting from the original. The dimensions are those of the original scaled
    /// once, so that roundings don't add up.
    pub(crate) fn shrink(&mut self, longest: u32) -> Dimensions {
        let target = self.original.fit(longest);
        if target != dimensions(&self.pixels) {
            let filter = FilterType::CatmullRom;
            self.pixels = self
                .pixels
                .resize_exact(target.width, target.height, filter);
        }
        target
    }

    /// Writes the picture, as small as it has become, as a file.
    ///
    /// # Errors
    ///
    /// Fails if the encoder does not take the pixels.
    pub(crate) fn encode(&self) -> ImageResult<Vec<u8>> {
        self.encoding.encode(&self.pixels, self.profile.as_deref())
    }
}

fn decoder(file: &[u8], format: ImageFormat) -> ImageResult<impl ImageDecoder + '_> {
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits());
    reader.into_decoder()
}

fn pixels(mut decoder: impl ImageDecoder) -> ImageResult<DynamicImage> {
    let mut limits = limits();
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    DynamicImage::from_decoder(decoder)
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_ALLOCATION);
    limits
}

fn dimensions(pixels: &DynamicImage) -> Dimensions {
    Dimensions {
        width: pixels.width(),
        height: pixels.height(),
    }
}

/// Whether a colour profile fits what is written. A profile for ink or for grey says nothing about
/// the RGB that the decoder made of the picture.
fn is_for_rgb(profile: &[u8]) -> bool {
    profile.get(16..20) == Some(b"RGB ")
}
