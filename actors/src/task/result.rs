//! What handlers return, and what is stored of it.

use serde::Serialize;

use super::error::{TaskError, TaskResult};

/// A value that a handler may return: stored as JSON together with the outcome of its task.
///
/// Whatever serde can write is one; `()` is nothing, and nothing is stored of it.
pub trait TaskOutput: Serialize + Send + 'static {}

impl<O: Serialize + Send + 'static> TaskOutput for O {}

/// What a function that handles tasks may return: nothing, or a result of which any error will do.
#[diagnostic::on_unimplemented(
    message = "a handler can't return `{Self}`",
    label = "this is neither nothing nor a `Result`",
    note = "a handler returns nothing, or a `Result` whose value serde can write and whose error is \
            a `TaskError` or can be turned into one by `?`"
)]
pub trait IntoTaskResult {
    /// The value.
    type Output: TaskOutput;

    /// The same as a [`TaskResult`].
    ///
    /// # Errors
    ///
    /// The error it was.
    fn into_task_result(self) -> TaskResult<Self::Output>;
}

impl IntoTaskResult for () {
    type Output = ();

    fn into_task_result(self) -> TaskResult {
        Ok(())
    }
}

impl<O: TaskOutput, E: Into<TaskError>> IntoTaskResult for Result<O, E> {
    type Output = O;

    fn into_task_result(self) -> TaskResult<O> {
        self.map_err(Into::into)
    }
}

/// Writes a value as JSON of at most `max` bytes; `None` if it is nothing.
///
/// It runs code of the application, so it belongs into the body of a handler.
pub(super) fn encode<O: TaskOutput>(value: &O, max: usize) -> Result<Option<String>, TaskError> {
    let json = serde_json::to_string(value)
        .map_err(|error| TaskError::unstorable(format!("the result can't be encoded: {error}")))?;
    if json.len() > max {
        let long = json.len();
        return Err(TaskError::unstorable(format!(
            "the result has {long} bytes, {max} are allowed (`max_result`)"
        )));
    }
    // Reading nothing back as JSON reads `null`, so the two need not be told apart.
    Ok(Some(json).filter(|json| json != "null"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use evertask_core::task::FailureKind;

    use super::*;

    #[test]
    fn nothing_is_stored_of_nothing() {
        assert_eq!(encode(&(), 4).unwrap(), None);
        assert_eq!(encode(&None::<u32>, 4).unwrap(), None);
        assert_eq!(encode(&"null", 6).unwrap().as_deref(), Some("\"null\""));
    }

    #[test]
    fn a_value_is_stored_up_to_the_limit() {
        assert_eq!(encode(&[1, 2], 5).unwrap().as_deref(), Some("[1,2]"));
        let error = encode(&[1, 20], 5).unwrap_err();
        assert_eq!(error.kind(), FailureKind::UnstorableResult);
        let text = error.to_string();
        assert_eq!(text, "the result has 6 bytes, 5 are allowed (`max_result`)");
    }

    #[test]
    fn a_value_that_is_no_json_is_a_failure() {
        let no_key = HashMap::from([((1, 2), 3)]);
        let error = encode(&no_key, 100).unwrap_err();
        assert_eq!(error.kind(), FailureKind::UnstorableResult);
    }
}
