//! What can be wrong with a dispatch by itself.

use std::sync::Arc;

use super::error::DispatchError;
use super::message::Dispatch;

/// The longest tag and correlation id, and the longest trace header, in bytes.
const MAX_LABEL: usize = 200;
const MAX_TRACE: usize = 512;

/// Answers the encoded payload of a dispatch that can be stored.
pub(super) fn check(dispatch: &Dispatch, max_payload: usize) -> Result<Arc<str>, DispatchError> {
    let task = || dispatch.task.to_owned();
    let encoded = dispatch
        .encoded
        .clone()
        .map_err(|reason| DispatchError::Encoding {
            task: task(),
            reason: reason.to_string(),
        })?;
    if encoded.len() > max_payload {
        return Err(DispatchError::PayloadTooLarge {
            task: task(),
            size: encoded.len(),
            limit: max_payload,
        });
    }
    if let Some(retry) = &dispatch.retry {
        retry.validate()?;
    }
    let bounded = |option, text: &str, limit| {
        let length = text.len();
        let error = DispatchError::OptionTooLong {
            option,
            length,
            limit,
        };
        if length > limit { Err(error) } else { Ok(()) }
    };
    for tag in &dispatch.tags {
        bounded("tag", tag, MAX_LABEL)?;
    }
    let correlation = dispatch.correlation_id.as_deref().unwrap_or_default();
    bounded("correlation id", correlation, MAX_LABEL)?;
    if let Some(trace) = &dispatch.trace {
        bounded("trace parent", &trace.parent, MAX_TRACE)?;
        bounded(
            "trace state",
            trace.state.as_deref().unwrap_or_default(),
            MAX_TRACE,
        )?;
    }
    Ok(encoded)
}
