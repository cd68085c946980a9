use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, Rgba, RgbaImage};

/// EXIF data that says the camera was turned by a quarter.
const SIDEWAYS: &[u8] = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    file(&painted(width, height).to_rgb8().into(), ImageFormat::Jpeg)
}

/// A picture that is stored with this width and height and shown with them swapped.
pub(crate) fn sideways_jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new(&mut file);
    encoder.set_exif_metadata(SIDEWAYS.to_vec()).unwrap();
    DynamicImage::from(painted(width, height).to_rgb8())
        .write_with_encoder(encoder)
        .unwrap();
    file
}

/// A picture whose upper left quarter is clear.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    file(&painted(width, height), ImageFormat::Png)
}

/// A picture whose upper left quarter is clear.
pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
    file(&painted(width, height), ImageFormat::WebP)
}

/// A small file with so many pixels that its thumbnails take a while.
pub(crate) fn large_png() -> Vec<u8> {
    file(&DynamicImage::new_luma8(7900, 7900), ImageFormat::Png)
}

fn painted(width: u32, height: u32) -> DynamicImage {
    let shade = |part: u32, whole: u32| u8::try_from(part * 255 / whole).unwrap();
    let pixels = RgbaImage::from_fn(width, height, |x, y| {
        let clear = x < width / 2 && y < height / 2;
        Rgba([
            shade(x, width),
            shade(y, height),
            90,
            if clear { 0 } else { 255 },
        ])
    });
    pixels.into()
}

fn file(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner()
}
