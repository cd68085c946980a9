use serde::{Deserialize, Serialize};

use super::level::LogLevel;
use crate::task::DeliveryId;
use crate::time::Timestamp;

/// One line that was logged while a task ran.
///
/// The task, the delivery and the sequence number identify a line: written again, it is stored once.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LogLine {
    /// The delivery that logged it.
    pub delivery: DeliveryId,
    /// Which run of a series it belongs to, from 1; 1 for a task that runs once.
    pub run: u32,
    /// Which attempt it belongs to, from 1.
    pub attempt: u32,
    /// Its place in the delivery, from 0 and without gaps.
    pub sequence: u32,
    /// When it was logged.
    pub at: Timestamp,
    /// How serious it is.
    pub level: LogLevel,
    /// Where in the program it comes from, usually the path of a module.
    pub target: String,
    /// What it says.
    pub message: String,
    /// Its other fields as a JSON object.
    pub fields: Option<String>,
}

impl LogLine {
    /// About how many bytes of memory the line takes.
    pub fn size(&self) -> usize {
        let fields = self.fields.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.target.len() + self.message.len() + fields
    }
}
