use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::error::{ImageError, ImageResult};
use image::{DynamicImage, ImageEncoder, ImageFormat};
use serde::{Deserialize, Serialize};

/// The quality of JPEG thumbnails, of 100.
const QUALITY: u8 = 85;

/// How a thumbnail is written.
///
/// A photograph stays a JPEG. Everything else becomes a PNG, which keeps transparency and the sharp
/// edges of drawings and screenshots.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    Jpeg,
    Png,
}

impl Encoding {
    /// How the thumbnails of a picture of that format are written.
    pub(super) fn of_thumbnails(format: ImageFormat) -> Self {
        if format == ImageFormat::Jpeg {
            Self::Jpeg
        } else {
            Self::Png
        }
    }

    /// The end of a file name.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// The media type of a file.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// Writes pixels as a file, with the colour profile they are meant in.
    pub(super) fn encode(
        self,
        pixels: &DynamicImage,
        profile: Option<&[u8]>,
    ) -> ImageResult<Vec<u8>> {
        let mut file = Vec::new();
        match self {
            Self::Jpeg => {
                let encoder = JpegEncoder::new_with_quality(&mut file, QUALITY);
                write(&pixels.to_rgb8().into(), profile, encoder)?;
            }
            Self::Png => {
                let encoder = PngEncoder::new(&mut file);
                let pixels = if pixels.color().has_alpha() {
                    pixels.to_rgba8().into()
                } else {
                    pixels.to_rgb8().into()
                };
                write(&pixels, profile, encoder)?;
            }
        }
        Ok(file)
    }
}

fn write(
    pixels: &DynamicImage,
    profile: Option<&[u8]>,
    mut encoder: impl ImageEncoder,
) -> ImageResult<()> {
    if let Some(profile) = profile {
        encoder
            .set_icc_profile(profile.to_vec())
            .map_err(ImageError::Unsupported)?;
    }
    pixels.write_with_encoder(encoder)
}
