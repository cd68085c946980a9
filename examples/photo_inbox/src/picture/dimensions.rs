/// The width and height of a picture in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Dimensions {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Dimensions {
    /// How many pixels there are.
    pub(crate) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Shrinks both sides alike so that the longest is at most `longest`; never enlarges.
    ///
    /// The other side is rounded to the nearest pixel, but there is always one.
    pub(crate) fn fit(self, longest: u32) -> Self {
        let long = self.width.max(self.height);
        if long <= longest {
            return self;
        }
        let shrink = |side: u32| {
            let rounded = u64::from(side) * u64::from(longest) + u64::from(long) / 2;
            let side = rounded / u64::from(long);
            // It is at most `longest`, because no side is longer than `long`.
            u32::try_from(side).unwrap_or(longest).max(1)
        };
        Self {
            width: shrink(self.width),
            height: shrink(self.height),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::LONGEST_SIDES;
    use super::*;

    #[test]
    fn thumbnails_keep_the_aspect_and_are_never_enlarged() {
        let sides = (1..=40).chain((41..2_000).step_by(37)).chain([
            159,
            160,
            161,
            479,
            480,
            481,
            1279,
            1280,
            1281,
            12_345,
            u32::MAX,
        ]);
        for width in sides.clone() {
            for height in sides.clone() {
                for longest in LONGEST_SIDES {
                    check(Dimensions { width, height }, longest);
                }
            }
        }
    }

    fn check(picture: Dimensions, longest: u32) {
        let thumbnail = picture.fit(longest);
        let long = picture.width.max(picture.height);
        let scale = (f64::from(longest) / f64::from(long)).min(1.0);
        let off = |side: u32, of: u32| (f64::from(side) - f64::from(of) * scale).abs();
        let told = format!("{picture:?} became {thumbnail:?} for {longest}");

        assert_eq!(
            thumbnail.width.max(thumbnail.height),
            long.min(longest),
            "{told}"
        );
        assert!(
            thumbnail.width <= picture.width && thumbnail.height <= picture.height,
            "{told}"
        );
        assert!(thumbnail.width >= 1 && thumbnail.height >= 1, "{told}");
        assert!(off(thumbnail.width, picture.width) < 1.0, "{told}");
        assert!(off(thumbnail.height, picture.height) < 1.0, "{told}");
    }
}
