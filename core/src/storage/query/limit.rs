use super::InvalidQuery;

/// How many rows a page has at most: 1 to [`MAX`](Self::MAX).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The longest page.
    pub const MAX: u32 = 200;

    /// Checks the length of a page.
    ///
    /// # Errors
    ///
    /// Zero and more than [`MAX`](Self::MAX) are refused.
    pub fn new(rows: u32) -> Result<Self, InvalidQuery> {
        match u16::try_from(rows) {
            Ok(fits) if (1..=Self::MAX).contains(&rows) => Ok(Self(fits)),
            Ok(_) | Err(_) => Err(InvalidQuery::Limit(rows)),
        }
    }

    /// How many rows that is.
    pub fn rows(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for PageLimit {
    /// Twenty rows.
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = InvalidQuery;

    fn try_from(rows: u32) -> Result<Self, Self::Error> {
        Self::new(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Storage edge case 123: the size of a page is checked.
    #[test]
    fn a_page_has_one_to_two_hundred_rows() {
        for bad in [0, 201, u32::from(u16::MAX) + 2, u32::MAX] {
            assert_eq!(PageLimit::new(bad), Err(InvalidQuery::Limit(bad)));
        }
        for good in [1, 20, 200] {
            let rows = PageLimit::new(good).unwrap().rows();
            assert_eq!(u32::try_from(rows), Ok(good));
        }
    }
}
