use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Errors that have something in common, to be named in a list of what is retried or is not.
///
/// An error belongs to a class if it, or one of those that caused it, does: a wrapped error is still
/// what it is.
///
/// ```
/// use std::io;
/// use evertask_core::retry::{ErrorClass, transient_network};
///
/// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
/// assert!(ErrorClass::of::<io::Error>().contains(&refused));
/// assert!(transient_network().contains(&refused));
/// ```
#[derive(Clone)]
pub struct ErrorClass {
    name: &'static str,
    belongs: Arc<Belongs>,
}

type Belongs = dyn Fn(&(dyn Error + 'static)) -> bool + Send + Sync;

/// More causes than an error can be expected to have.
const DEPTH: usize = 64;

impl ErrorClass {
    /// The errors of a type.
    pub fn of<E: Error + 'static>() -> Self {
        Self::new(type_name::<E>(), <dyn Error>::is::<E>)
    }

    /// The errors of which that is true; the name is for logs.
    pub fn new(
        name: &'static str,
        belongs: impl Fn(&(dyn Error + 'static)) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            belongs: Arc::new(belongs),
        }
    }

    /// Whether the error or one of its causes belongs to the class.
    pub fn contains(&self, error: &(dyn Error + 'static)) -> bool {
        let mut next = Some(error);
        for _ in 0..DEPTH {
            let Some(error) = next else {
                return false;
            };
            if (self.belongs)(error) {
                return true;
            }
            next = cause(error);
        }
        false
    }
}

impl fmt::Debug for ErrorClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ErrorClass({})", self.name)
    }
}

/// What a network does and later does not: connections that are refused, reset or cut off, hosts out
/// of reach, silence.
///
/// It is found in any error that a [`std::io::Error`] has caused, as those of HTTP clients are.
pub fn transient_network() -> ErrorClass {
    ErrorClass::new("transient network errors", |error| {
        let found = error.downcast_ref::<io::Error>();
        found.is_some_and(|error| is_transient(error.kind()))
    })
}

/// The cause of an error. An `io::Error` that wraps another one says what caused that one, and not
/// that one itself.
fn cause<'error>(error: &'error (dyn Error + 'static)) -> Option<&'error (dyn Error + 'static)> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(|error| error.get_ref());
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn is_transient(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        kind,
        Kind::BrokenPipe
            | Kind::ConnectionAborted
            | Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::HostUnreachable
            | Kind::Interrupted
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::NotConnected
            | Kind::TimedOut
            | Kind::UnexpectedEof
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("it is wrapped")]
    struct Wrapped(#[source] io::Error);

    /// An error that is its own cause.
    #[derive(Debug, thiserror::Error)]
    #[error("it has no end")]
    struct Endless;

    fn reset() -> io::Error {
        io::ErrorKind::ConnectionReset.into()
    }

    /// Core edge case 120: sub-kinds match, which for errors in Rust are those that others wrap.
    #[test]
    fn an_error_is_found_behind_those_that_wrap_it() {
        let network = transient_network();
        assert!(network.contains(&reset()));
        assert!(network.contains(&Wrapped(reset())));
        let twice = io::Error::other(Wrapped(reset()));
        assert!(network.contains(&twice));
        assert!(ErrorClass::of::<Wrapped>().contains(&twice));
        assert!(!ErrorClass::of::<Endless>().contains(&twice));
    }

    #[test]
    fn what_another_attempt_can_not_mend_is_no_transient_error() {
        let network = transient_network();
        for kind in [
            io::ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::InvalidData,
            io::ErrorKind::AddrInUse,
        ] {
            assert!(!network.contains(&io::Error::from(kind)), "{kind}");
            assert!(!network.contains(&Wrapped(kind.into())), "{kind}");
        }
    }

    #[test]
    fn a_class_says_what_it_is() {
        let class = transient_network();
        assert_eq!(format!("{class:?}"), "ErrorClass(transient network errors)");
    }
}
