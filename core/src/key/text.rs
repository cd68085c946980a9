use thiserror::Error;

use crate::task::TaskDefinition;

/// A key that can't be stored.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// It is too long.
    #[error("the key has {length} characters, the limit is {limit}", limit = TaskDefinition::MAX_KEY_LENGTH)]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
    /// Not every database can store that character.
    #[error("the key has a NUL character, which not every database can store")]
    Nul,
}

/// Checks the key of a dispatch; a blank one is none. Everything else is taken exactly as it is.
///
/// # Errors
///
/// Refuses what no storage could tell from other keys.
pub fn check_key(key: &str) -> Result<Option<&str>, InvalidKey> {
    if key.trim().is_empty() {
        return Ok(None);
    }
    if key.contains('\0') {
        return Err(InvalidKey::Nul);
    }
    let length = key.chars().count();
    if length > TaskDefinition::MAX_KEY_LENGTH {
        return Err(InvalidKey::TooLong { length });
    }
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Core edge case 60.
    #[test]
    fn a_blank_key_is_none_and_any_other_is_taken_as_it_is() {
        for blank in ["", " ", "\t\r\n", "\u{a0}\u{2003}"] {
            assert_eq!(check_key(blank), Ok(None), "{blank:?}");
        }
        for key in ["k", " k ", "K", "日本語 🚀 'q' \"%_", "-"] {
            assert_eq!(check_key(key), Ok(Some(key)));
        }
    }

    /// Core edge case 60: the limit counts characters, not bytes.
    #[test]
    fn a_key_of_200_characters_fits_and_one_of_201_does_not() {
        for character in ["k", "é", "🚀"] {
            let fits = character.repeat(200);
            assert_eq!(check_key(&fits), Ok(Some(fits.as_str())));
            let long = character.repeat(201);
            assert_eq!(check_key(&long), Err(InvalidKey::TooLong { length: 201 }));
        }
        assert_eq!(check_key("a\0b"), Err(InvalidKey::Nul));
    }
}
