use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use super::decode::NoPicture;
use super::{Dimensions, Encoding, LONGEST_SIDES, Picture};

const UPRIGHT: Dimensions = Dimensions {
    width: 96,
    height: 64,
};

#[test]
fn every_orientation_is_undone_in_every_format() {
    for orientation in 1..=8 {
        let pixels = stored_as(orientation).into();
        let exif = exif(orientation);
        let mut files = [Vec::new(), Vec::new(), Vec::new()];
        let [jpeg, png, webp] = &mut files;
        write(&pixels, &exif, JpegEncoder::new_with_quality(jpeg, 95));
        write(&pixels, &exif, PngEncoder::new(png));
        write(&pixels, &exif, WebPEncoder::new_lossless(webp));
        for file in files {
            let format = image::guess_format(&file).unwrap();
            let mut picture = Picture::decode(&file).unwrap();
            let thumbnail = shrink(&mut picture, 48);
            let told = format!("{format:?} with orientation {orientation}");
            assert_eq!((thumbnail.width(), thumbnail.height()), (48, 32), "{told}");
            for (x, y) in [(12, 8), (36, 8), (12, 24), (36, 24)] {
                let expected = colour(x * 2, y * 2);
                let found = thumbnail.get_pixel(x, y);
                let off = (0..3).map(|channel| found.0[channel].abs_diff(expected.0[channel]));
                assert!(off.max() < Some(25), "{told}: {found:?} at {x}, {y}");
            }
        }
    }
}

#[test]
fn a_picture_shrinks_step_by_step_and_never_grows() {
    let original = Dimensions {
        width: 700,
        height: 301,
    };
    let pixels = DynamicImage::new_rgb8(original.width, original.height);
    let mut picture = Picture::decode(&file(&pixels, ImageFormat::Png)).unwrap();
    for longest in LONGEST_SIDES.into_iter().rev() {
        let thumbnail = shrink(&mut picture, longest);
        let expected = original.fit(longest);
        assert_eq!(thumbnail.dimensions(), (expected.width, expected.height));
    }
}

#[test]
fn transparency_is_kept() {
    let clear = RgbaImage::from_pixel(400, 300, Rgba([10, 20, 30, 0]));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let mut picture = Picture::decode(&file(&clear.clone().into(), format)).unwrap();
        assert_eq!(picture.encoding(), Encoding::Png);
        picture.shrink(160);
        let thumbnail = image::load_from_memory(&picture.encode().unwrap()).unwrap();
        assert_eq!(thumbnail.to_rgba8().get_pixel(80, 60).0[3], 0, "{format:?}");
    }
}

#[test]
fn every_kind_of_pixels_can_be_written() {
    let pixels = [
        DynamicImage::new_luma8(300, 200),
        DynamicImage::new_luma_a8(300, 200),
        DynamicImage::new_luma16(300, 200),
        DynamicImage::new_rgb16(300, 200),
        DynamicImage::new_rgba16(300, 200),
    ];
    for pixels in pixels {
        let mut picture = Picture::decode(&file(&pixels, ImageFormat::Png)).unwrap();
        assert_eq!(shrink(&mut picture, 160).dimensions(), (160, 107));
    }
    let grey = file(&DynamicImage::new_luma8(300, 200), ImageFormat::Jpeg);
    assert_eq!(
        shrink(&mut Picture::decode(&grey).unwrap(), 160).dimensions(),
        (160, 107)
    );
}

#[test]
fn a_file_that_is_no_picture_is_told_apart_from_a_damaged_one() {
    for file in [
        &b""[..],
        b"hello",
        &[0; 4096],
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ] {
        assert!(matches!(refused(file), NoPicture::Unrecognized), "{file:?}");
    }
    assert!(matches!(
        refused(b"GIF89a\x01\0\x01\0"),
        NoPicture::Unsupported(ImageFormat::Gif)
    ));

    let whole = DynamicImage::from(stored_as(1));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let file = file(&whole, format);
        assert!(matches!(
            refused(&file[..file.len() / 2]),
            NoPicture::Damaged { .. }
        ));
    }
    for start in [
        &b"\xff\xd8\xff\xe0"[..],
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x10\0\0\0WEBPVP8 ",
    ] {
        let file = [start, &[7; 600]].concat();
        assert!(
            matches!(refused(&file), NoPicture::Damaged { .. }),
            "{start:?}"
        );
    }
}

#[test]
fn a_small_file_that_claims_a_huge_picture_is_refused_before_it_is_decoded() {
    let pixel = DynamicImage::new_luma8(1, 1);
    let huge = 60_000_u32;

    let mut png = file(&pixel, ImageFormat::Png);
    png[16..20].copy_from_slice(&huge.to_be_bytes());
    png[20..24].copy_from_slice(&huge.to_be_bytes());
    let checksum = crc(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&checksum);

    let mut jpeg = file(&pixel, ImageFormat::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|marker| marker == [0xff, 0xc0])
        .unwrap();
    let side = u16::try_from(huge).unwrap().to_be_bytes();
    jpeg[frame + 5..frame + 7].copy_from_slice(&side);
    jpeg[frame + 7..frame + 9].copy_from_slice(&side);

    for file in [png, jpeg] {
        let NoPicture::TooLarge(claimed) = refused(&file) else {
            panic!("refused for another reason: {}", refused(&file));
        };
        assert_eq!((claimed.width, claimed.height), (huge, huge));
    }
}

/// The colour of a picture that shows at a glance which way up it is.
fn colour(x: u32, y: u32) -> Rgb<u8> {
    match (x < UPRIGHT.width / 2, y < UPRIGHT.height / 2) {
        (true, true) => Rgb([200, 30, 30]),
        (false, true) => Rgb([30, 200, 30]),
        (true, false) => Rgb([30, 30, 200]),
        (false, false) => Rgb([220, 220, 220]),
    }
}

/// The picture as a camera stores it that was held so; after the table of the EXIF standard, which
/// says for each orientation where the first row and the first column are.
fn stored_as(orientation: u8) -> RgbImage {
    let Dimensions { width, height } = UPRIGHT;
    let (right, bottom) = (width - 1, height - 1);
    let (wide, high) = if orientation < 5 {
        (width, height)
    } else {
        (height, width)
    };
    RgbImage::from_fn(wide, high, |x, y| match orientation {
        1 => colour(x, y),
        2 => colour(right - x, y),
        3 => colour(right - x, bottom - y),
        4 => colour(x, bottom - y),
        5 => colour(y, x),
        6 => colour(right - y, x),
        7 => colour(right - y, bottom - x),
        _ => colour(y, bottom - x),
    })
}

/// EXIF data with nothing but an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let header = b"II\x2a\0\x08\0\0\0";
    let entry = [1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [&header[..], &entry, &[0; 4]].concat()
}

fn write(pixels: &DynamicImage, exif: &[u8], mut encoder: impl ImageEncoder) {
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    pixels.write_with_encoder(encoder).unwrap();
}

fn file(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn shrink(picture: &mut Picture, longest: u32) -> RgbImage {
    let size = picture.shrink(longest);
    let thumbnail = image::load_from_memory(&picture.encode().unwrap())
        .unwrap()
        .to_rgb8();
    assert_eq!(thumbnail.dimensions(), (size.width, size.height));
    thumbnail
}

fn refused(file: &[u8]) -> NoPicture {
    Picture::decode(file).err().unwrap()
}

/// The checksum of a PNG chunk.
fn crc(chunk: &[u8]) -> u32 {
    !chunk.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}
