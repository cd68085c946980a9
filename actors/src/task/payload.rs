//! From a stored payload to the value a handler is given.
//!
//! What is stored is never rewritten: a payload of an older version is brought to the present one
//! each time it is decoded, so a program that is rolled back finds it as it was.

use std::error::Error;

use thiserror::Error;

use super::definition::Task;

/// Why a stored payload can't be given to its handler.
#[derive(Debug, Error)]
pub(crate) enum DecodeError {
    #[error("the payload can't be decoded: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the payload has version {stored}, this program knows versions up to {known}")]
    Newer { stored: u32, known: u32 },
    #[error("the payload of version {from} can't be brought to version {}: {reason}", from + 1)]
    Upcast {
        from: u32,
        reason: Box<dyn Error + Send + Sync>,
    },
}

/// Decodes a payload that was stored with that version.
pub(super) fn decode<T: Task>(version: u32, json: &str) -> Result<T, DecodeError> {
    if version > T::VERSION {
        return Err(DecodeError::Newer {
            stored: version,
            known: T::VERSION,
        });
    }
    if version == T::VERSION {
        return Ok(serde_json::from_str(json)?);
    }
    let mut payload: serde_json::Value = serde_json::from_str(json)?;
    for from in version..T::VERSION {
        payload =
            T::upcast(from, payload).map_err(|reason| DecodeError::Upcast { from, reason })?;
    }
    Ok(serde_json::from_value(payload)?)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Greeting {
        names: Vec<String>,
        #[serde(default)]
        loud: bool,
    }

    impl Task for Greeting {
        const NAME: &'static str = "greeting";
        const VERSION: u32 = 3;

        fn upcast(version: u32, payload: Value) -> Result<Value, Box<dyn Error + Send + Sync>> {
            Ok(match version {
                1 => json!({ "name": payload }),
                2 => json!({ "names": [payload.get("name").ok_or("it has no name")?] }),
                other => return Err(format!("there was no version {other}").into()),
            })
        }
    }

    #[derive(Debug, Deserialize, Serialize)]
    struct Raised {}

    impl Task for Raised {
        const NAME: &'static str = "raised";
        const VERSION: u32 = 2;
    }

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Tick;

    impl Task for Tick {
        const NAME: &'static str = "tick";
    }

    fn refusal<T: Task + std::fmt::Debug>(version: u32, json: &str) -> String {
        decode::<T>(version, json).unwrap_err().to_string()
    }

    #[test]
    fn a_payload_passes_through_every_version_between() {
        let ada = Greeting {
            names: vec!["Ada".to_owned()],
            loud: false,
        };
        for (version, json) in [
            (1, r#""Ada""#),
            (2, r#"{"name":"Ada"}"#),
            (3, r#"{"names":["Ada"]}"#),
        ] {
            assert_eq!(decode::<Greeting>(version, json).unwrap(), ada, "{version}");
        }
    }

    #[test]
    fn a_refusal_says_which_version_stood_in_the_way() {
        assert_eq!(
            refusal::<Greeting>(2, "{}"),
            "the payload of version 2 can't be brought to version 3: it has no name"
        );
        assert_eq!(
            refusal::<Greeting>(0, "{}"),
            "the payload of version 0 can't be brought to version 1: there was no version 0"
        );
        assert_eq!(
            refusal::<Greeting>(4, "{}"),
            "the payload has version 4, this program knows versions up to 3"
        );
    }

    #[test]
    fn a_version_that_was_raised_without_an_upcast_says_what_to_do() {
        let text = refusal::<Raised>(1, "{}");
        assert!(text.contains("implement `Task::upcast`"), "{text}");
    }

    /// Storage edge case 18: `null` is the payload of a task without fields and of nothing else.
    #[test]
    fn null_is_a_payload_only_where_it_is_what_was_stored() {
        assert_eq!(serde_json::to_string(&Tick).unwrap(), "null");
        assert_eq!(decode::<Tick>(1, "null").unwrap(), Tick);
        for refused in [
            refusal::<Greeting>(3, "null"),
            refusal::<Greeting>(2, "null"),
            refusal::<Raised>(2, "null"),
        ] {
            assert!(refused.contains("can't be"), "{refused}");
        }
    }
}
