//! What a task logs: the lines, which of them are kept, and how they are found again.
//!
//! Lines come from code of the application and of its libraries, so nothing here trusts them: text
//! of any length and content becomes a line of bounded size that every database can store.

mod buffer;
mod fields;
mod level;
mod line;
mod options;
mod search;
mod text;

pub use buffer::LineBuffer;
pub use fields::LogFields;
pub use level::{LogLevel, UnknownLogLevel};
pub use line::LogLine;
pub use options::LogOptions;
pub use search::{InvalidLogSearch, LevelRange, LogCursor, LogPage, LogSearch};
pub use text::LogText;
