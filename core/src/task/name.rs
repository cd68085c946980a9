use thiserror::Error;

/// The longest name of a task or a queue, in bytes.
pub const MAX_NAME_LENGTH: usize = 200;

/// A name that can't be stored, with the reason.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidName {
    /// Nothing but white space.
    #[error("a name must not be blank")]
    Blank,
    /// Over [`MAX_NAME_LENGTH`].
    #[error("the name {start:?}… has {length} bytes, the limit is {MAX_NAME_LENGTH}")]
    TooLong {
        /// How the name begins.
        start: String,
        /// How long it is, in bytes.
        length: usize,
    },
}

/// Checks the name of a task or a queue.
///
/// # Errors
///
/// A blank name and one of more than [`MAX_NAME_LENGTH`] bytes are refused.
pub fn check_name(name: &str) -> Result<(), InvalidName> {
    if name.trim().is_empty() {
        return Err(InvalidName::Blank);
    }
    if name.len() > MAX_NAME_LENGTH {
        return Err(InvalidName::TooLong {
            start: name.chars().take(20).collect(),
            length: name.len(),
        });
    }
    Ok(())
}
