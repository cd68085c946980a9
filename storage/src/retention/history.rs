use evertask_core::retention::HistoryCutoffs;
use evertask_core::task::{AttemptOutcome, Status};
use evertask_core::time::Timestamp;
use evertask_migration::TablePrefix;
use sea_orm::ExprTrait;
use sea_orm::sea_query::{Alias, Expr};

use super::instant::Instants;
use super::walk::Key;

/// A table of what happened to tasks.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) table: String,
    pub(super) key: Key,
    /// The column that says when it happened.
    at: &'static str,
    /// Where it says that something failed, and in which word, even without a failure beside it.
    failed: (&'static str, &'static str),
}

impl History {
    pub(super) fn status_audit(prefix: &TablePrefix) -> Self {
        Self {
            table: prefix.status_audit(),
            key: Key::Number,
            at: "at",
            failed: ("status", Status::Failed.as_str()),
        }
    }

    pub(super) fn runs(prefix: &TablePrefix) -> Self {
        Self {
            table: prefix.runs(),
            key: Key::Id,
            at: "at",
            failed: ("status", Status::Failed.as_str()),
        }
    }

    pub(super) fn attempts(prefix: &TablePrefix) -> Self {
        Self {
            table: prefix.attempts(),
            key: Key::Id,
            at: "started_at",
            failed: ("outcome", AttemptOutcome::Failed.as_str()),
        }
    }

    /// Which lines have passed their window.
    pub(super) fn goes(&self, instants: Instants, cutoffs: &HistoryCutoffs) -> Expr {
        self.split(cutoffs, |cutoff| self.at().lt(instants.value(cutoff)))
    }

    /// Which lines have not: the very opposite.
    pub(super) fn stays(&self, instants: Instants, cutoffs: &HistoryCutoffs) -> Expr {
        self.split(cutoffs, |cutoff| self.at().gte(instants.value(cutoff)))
    }

    /// Asks about lines that tell of a failure and about all others, each by its own window.
    fn split(&self, cutoffs: &HistoryCutoffs, ask: impl Fn(Timestamp) -> Expr) -> Expr {
        if cutoffs.errors == cutoffs.successes {
            return ask(cutoffs.errors);
        }
        let error = self.is_error().and(ask(cutoffs.errors));
        let success = self.is_error().not().and(ask(cutoffs.successes));
        error.or(success)
    }

    fn is_error(&self) -> Expr {
        let (column, word) = self.failed;
        let says_so = self.column(column).eq(word);
        self.column("error_kind").is_not_null().or(says_so)
    }

    fn at(&self) -> Expr {
        self.column(self.at)
    }

    pub(super) fn column(&self, name: &'static str) -> Expr {
        Expr::col((Alias::new(&self.table), Alias::new(name)))
    }
}
