use std::time::Duration;

use evertask_core::storage::query::nearest_rank;

use super::memory::Memory;

/// How long everything took that was measured.
#[derive(Debug, Default)]
pub(super) struct Figures {
    lines: Vec<Line>,
    /// What was found, for those who read the figures.
    notes: Vec<String>,
}

/// One thing that was measured.
#[derive(Debug)]
struct Line {
    what: String,
    limit: Duration,
    /// The shortest first; never empty.
    spans: Vec<Duration>,
}

impl Line {
    fn percentile(&self, percent: usize) -> Duration {
        let place = nearest_rank(self.spans.len(), percent);
        self.spans.get(place).copied().unwrap_or_default()
    }

    fn is_within_limit(&self) -> bool {
        self.percentile(95) < self.limit
    }
}

impl Figures {
    pub(super) fn keep(&mut self, what: &str, limit: Duration, mut spans: Vec<Duration>) {
        spans.sort_unstable();
        self.lines.push(Line {
            what: what.to_owned(),
            limit,
            spans,
        });
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(super) fn are_within_limits(&self) -> bool {
        self.lines.iter().all(Line::is_within_limit)
    }

    /// Prints a table in Markdown; a limit is one of the 95th percentile.
    #[expect(
        clippy::print_stdout,
        reason = "the figures are what the command is for"
    )]
    pub(super) fn print(&self, database: &str, tasks: u32, memory: Memory) {
        println!(
            "{database}, {tasks} tasks, {} lines of audit\n",
            u64::from(tasks) * 5
        );
        println!("| in milliseconds | n | median | p95 | max | limit | |");
        println!("|---|--:|--:|--:|--:|--:|---|");
        for line in &self.lines {
            println!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                line.what,
                line.spans.len(),
                milliseconds(line.percentile(50)),
                milliseconds(line.percentile(95)),
                milliseconds(line.percentile(100)),
                line.limit.as_millis(),
                verdict(line.is_within_limit()),
            );
        }
        println!();
        for note in &self.notes {
            println!("- {note}");
        }
        println!("- {memory}: {}", verdict(memory.is_within_limit()));
    }
}

fn verdict(is_within_limit: bool) -> &'static str {
    if is_within_limit { "ok" } else { "over" }
}

fn milliseconds(span: Duration) -> String {
    format!("{:.1}", span.as_secs_f64() * 1_000.0)
}
