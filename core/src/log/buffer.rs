use std::collections::VecDeque;

use super::level::LogLevel;
use super::line::LogLine;
use super::options::LogOptions;

/// The lines of one delivery that are not stored yet, numbered and bounded.
///
/// With a limit, the first half of the lines is given out as it comes; of the rest, the last half is
/// kept back until [`end`](Self::end), because it is not known before which lines are the last. What
/// is left out between is counted, and a line in its place says how much it was.
#[derive(Debug)]
pub struct LineBuffer {
    limit: Option<u32>,
    sequence: u32,
    /// How many lines can still be given out at once; `None` without a limit.
    head: Option<u32>,
    /// Numbered lines that are to be written; they stay until they are [`written`](Self::written).
    waiting: Bounded,
    /// The last lines, when the head is full; they have no numbers yet.
    tail: Bounded,
    left_out: u64,
    /// The line that was left out last: where and when the note about them belongs.
    last_left_out: Option<LogLine>,
}

/// Lines and about how many bytes they take.
#[derive(Debug, Default)]
struct Bounded {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

impl LineBuffer {
    /// How many bytes the lines take at most that wait to be written, and as many again the last
    /// lines: lines are left out sooner than that a delivery takes more.
    pub const MAX_BYTES: usize = 4 * 1024 * 1024;

    /// Creates the buffer of a delivery that has logged nothing.
    pub fn new(options: &LogOptions) -> Self {
        let limit = options.line_limit();
        Self {
            limit,
            sequence: 0,
            head: limit.map(|limit| limit.div_ceil(2)),
            waiting: Bounded::default(),
            tail: Bounded::default(),
            left_out: 0,
            last_left_out: None,
        }
    }

    /// Takes a line, whose number is decided here.
    pub fn push(&mut self, line: LogLine) {
        let is_in_order =
            self.tail.lines.is_empty() && (self.left_out == 0 || self.limit.is_none());
        let has_room = self.waiting.bytes + line.size() <= Self::MAX_BYTES;
        if is_in_order && has_room && self.head != Some(0) {
            self.head = self.head.map(|lines| lines - 1);
            self.note_left_out();
            self.number(line);
        } else {
            self.keep_back(line);
        }
    }

    /// Moves the last lines to those that are to be written: the delivery ends here, or another part
    /// of it begins, which is counted anew.
    pub fn end(&mut self) {
        self.note_left_out();
        for line in std::mem::take(&mut self.tail).lines {
            self.number(line);
        }
        self.head = self.limit.map(|limit| limit.div_ceil(2));
    }

    /// The lines to be written, in order.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &LogLine> {
        self.waiting.lines.iter()
    }

    /// Forgets the lines up to this number, because they are stored, or can't be.
    pub fn written(&mut self, through: u32) {
        while let Some(line) = self.waiting.lines.front()
            && line.sequence <= through
        {
            self.waiting.pop();
        }
    }

    fn number(&mut self, line: LogLine) {
        let sequence = self.sequence;
        self.sequence = sequence.saturating_add(1);
        self.waiting.push(LogLine { sequence, ..line });
    }

    fn keep_back(&mut self, line: LogLine) {
        let room = self.limit.map_or(0, |limit| limit / 2);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        self.tail.push(line);
        while self.tail.lines.len() > room || self.tail.bytes > Self::MAX_BYTES {
            self.last_left_out = self.tail.pop();
            self.left_out += 1;
        }
    }

    fn note_left_out(&mut self) {
        let Some(line) = self.last_left_out.take() else {
            return;
        };
        let count = std::mem::take(&mut self.left_out);
        let lines = if count == 1 { "line" } else { "lines" };
        let why = match self.limit {
            Some(limit) => format!("at most {limit} are kept"),
            None => "they came faster than they could be stored".to_owned(),
        };
        self.number(LogLine {
            level: LogLevel::Warn,
            target: "evertask".to_owned(),
            message: format!("{count} log {lines} truncated: {why}"),
            fields: None,
            ..line
        });
    }
}

impl Bounded {
    fn push(&mut self, line: LogLine) {
        self.bytes += line.size();
        self.lines.push_back(line);
    }

    fn pop(&mut self) -> Option<LogLine> {
        let line = self.lines.pop_front()?;
        self.bytes -= line.size();
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::task::DeliveryId;
    use crate::time::Timestamp;

    fn line(message: impl Into<String>) -> LogLine {
        LogLine {
            delivery: DeliveryId(Uuid::nil()),
            run: 1,
            attempt: 1,
            sequence: 0,
            at: Timestamp::UNIX_EPOCH,
            level: LogLevel::Info,
            target: "app".to_owned(),
            message: message.into(),
            fields: None,
        }
    }

    fn buffer(limit: u32, lines: u32) -> LineBuffer {
        let mut buffer = LineBuffer::new(&LogOptions::new().max_lines(limit));
        (0..lines).for_each(|number| buffer.push(line(number.to_string())));
        buffer
    }

    fn messages(buffer: &LineBuffer) -> Vec<&str> {
        let sequences = buffer.waiting().map(|line| line.sequence);
        let first = buffer.waiting().next().map_or(0, |line| line.sequence);
        assert!(sequences.eq((first..).take(buffer.waiting().len())));
        buffer.waiting().map(|line| line.message.as_str()).collect()
    }

    /// storage scenario S16, storage edge case 91.
    #[test]
    fn the_first_and_the_last_lines_are_kept_and_a_marker_between() {
        let mut buffer = buffer(10, 50);
        assert_eq!(messages(&buffer), ["0", "1", "2", "3", "4"]);
        buffer.end();
        let marker = "40 log lines truncated: at most 10 are kept";
        let kept = [
            "0", "1", "2", "3", "4", marker, "45", "46", "47", "48", "49",
        ];
        assert_eq!(messages(&buffer), kept);
        let levels: Vec<_> = buffer.waiting().map(|line| line.level).collect();
        assert_eq!(levels[5], LogLevel::Warn);
    }

    #[test]
    fn a_limit_that_is_just_enough_leaves_nothing_out() {
        for limit in 1..6 {
            let mut full = buffer(limit, limit);
            full.end();
            assert_eq!(full.waiting().len(), usize::try_from(limit).unwrap());
            let mut over = buffer(limit, limit + 1);
            over.end();
            let over = messages(&over);
            let marker = format!("1 log line truncated: at most {limit} are kept");
            assert!(over.contains(&marker.as_str()), "{over:?}");
        }
    }

    #[test]
    fn a_limit_of_none_keeps_the_marker() {
        let mut buffer = buffer(0, 3);
        buffer.end();
        assert_eq!(
            messages(&buffer),
            ["3 log lines truncated: at most 0 are kept"]
        );
    }

    #[test]
    fn what_is_written_is_forgotten_and_numbers_go_on() {
        let mut buffer = buffer(10, 3);
        buffer.written(1);
        buffer.push(line("3"));
        assert_eq!(messages(&buffer), ["2", "3"]);
        buffer.end();
        buffer.written(u32::MAX);
        buffer.push(line("after"));
        let numbers: Vec<_> = buffer.waiting().map(|line| line.sequence).collect();
        assert_eq!(numbers, [4]);
    }

    #[test]
    fn lines_after_the_end_are_counted_anew() {
        let mut buffer = buffer(4, 9);
        buffer.end();
        let before = buffer.waiting().len();
        for message in ["a", "b", "c", "d"] {
            buffer.push(line(message));
        }
        buffer.end();
        assert_eq!(buffer.waiting().len(), before + 4);
        assert_eq!(messages(&buffer)[before..], ["a", "b", "c", "d"]);
    }

    #[test]
    fn the_memory_of_a_buffer_is_bounded_with_and_without_a_limit() {
        for options in [
            LogOptions::new().max_lines(u32::MAX),
            LogOptions::new().unlimited(),
        ] {
            let mut buffer = LineBuffer::new(&options);
            for _ in 0..3_000 {
                buffer.push(line("x".repeat(8 * 1024)));
            }
            assert!(buffer.waiting.bytes <= LineBuffer::MAX_BYTES);
            assert!(buffer.tail.bytes <= LineBuffer::MAX_BYTES);
            let kept = buffer.waiting().len() + buffer.tail.lines.len();
            assert_eq!(buffer.left_out, 3_000 - u64::try_from(kept).unwrap());
        }
    }

    #[test]
    fn without_a_limit_lines_go_on_after_those_that_were_left_out() {
        let mut buffer = LineBuffer::new(&LogOptions::new().unlimited());
        for _ in 0..1_000 {
            buffer.push(line("x".repeat(8 * 1024)));
        }
        buffer.written(u32::MAX);
        buffer.push(line("on"));
        let [marker, on] = messages(&buffer)[..] else {
            panic!("a marker and a line");
        };
        assert!(marker.ends_with("they came faster than they could be stored"));
        assert_eq!(on, "on");
    }
}
