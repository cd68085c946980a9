//! A storage that watches what really reaches the rows, whatever their writers are told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use evertask::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask::storage::query::TaskQueries;
use evertask::storage::{
    Answer, AuditEntry, CancelAnswer, ChangeAnswer, InsertAllAnswer, InsertAnswer, ProcessStart,
    QueueSelector, RowChange, StorageBackend, TaskStorage, Write, WriteGroup, coalesce,
};
use evertask::task::{Generation, ProcessId};
use evertask::{AttemptRecord, RunRecord, StorageError, TaskId, TaskRecord};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::transitions::{Cause, Place, Taken};

/// A storage that notes what is committed; clones share everything.
#[derive(Clone)]
pub(super) struct Witness {
    backend: Arc<dyn StorageBackend>,
    book: Arc<Mutex<Book>>,
    /// Groups are applied one at a time, so that they are noted in their order.
    turn: Arc<tokio::sync::Mutex<()>>,
    stirs: watch::Sender<u64>,
    open: watch::Sender<Open>,
    sessions: watch::Sender<usize>,
}

#[derive(Default)]
struct Book {
    rows: BTreeMap<TaskId, Seen>,
    inserted: BTreeSet<TaskId>,
    stale: Vec<String>,
    taken: Taken,
    trace: Vec<String>,
    /// A group was dropped on its way, with its process, and may be committed or not: the rows have
    /// to be read.
    is_unsure: bool,
}

/// A row as it is after the latest group.
#[derive(Clone, Copy, Debug)]
struct Seen {
    generation: Generation,
    place: Place,
}

/// How many rows are not over.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Open {
    /// Those that may run.
    pub(super) runnable: usize,
    /// Those that wait for a reason.
    pub(super) waiting: usize,
}

impl Witness {
    pub(super) fn of(backend: Arc<dyn StorageBackend>) -> Self {
        Self {
            backend,
            book: Arc::default(),
            turn: Arc::default(),
            stirs: watch::Sender::new(0),
            open: watch::Sender::default(),
            sessions: watch::Sender::default(),
        }
    }

    /// Something happens.
    pub(super) fn stir(&self) {
        self.stirs.send_modify(|stirs| *stirs += 1);
    }

    /// Changes whenever something happens.
    pub(super) fn stirs(&self) -> watch::Receiver<u64> {
        self.stirs.subscribe()
    }

    /// How many rows are not over.
    pub(super) fn open_rows(&self) -> watch::Receiver<Open> {
        self.open.subscribe()
    }

    /// How many processes have it open.
    pub(super) fn sessions(&self) -> watch::Receiver<usize> {
        self.sessions.subscribe()
    }

    /// Where a task is.
    pub(super) fn place(&self, id: TaskId) -> Place {
        self.book.lock().place(id)
    }

    /// Every task that was stored.
    pub(super) fn ids(&self) -> Vec<TaskId> {
        self.book.lock().rows.keys().copied().collect()
    }

    /// Writes that reached a row they were not made for, or led it where it can't go.
    pub(super) fn stale(&self) -> Vec<String> {
        self.book.lock().stale.clone()
    }

    /// The steps from place to place that were seen; what was only found afterwards is none.
    pub(super) fn taken(&self) -> Taken {
        self.book.lock().taken.clone()
    }

    /// Adds a line to what is printed if the run fails.
    pub(super) fn trace(&self, line: String) {
        self.book.lock().trace.push(line);
    }

    /// What happened, line by line.
    pub(super) fn traced(&self) -> String {
        self.book.lock().trace.join("\n")
    }

    /// Answers whether the group before was dropped on its way; so may be this one.
    fn begin(&self, group: &WriteGroup) -> bool {
        let mut book = self.book.lock();
        for write in &group.writes {
            match write {
                Write::Insert(new) => _ = book.inserted.insert(new.record.id()),
                Write::InsertAll(tasks) => {
                    let ids = tasks.iter().map(|new| new.record.id());
                    book.inserted.extend(ids);
                }
                _ => {}
            }
        }
        std::mem::replace(&mut book.is_unsure, true)
    }

    /// Learns from the rows themselves what they say: a group that was dropped with its process may
    /// be committed all the same.
    pub(super) async fn look(&self, reader: &dyn TaskStorage) -> Result<(), StorageError> {
        let _turn = self.turn.lock().await;
        self.read_again(reader).await
    }

    async fn read_again(&self, inner: &dyn TaskStorage) -> Result<(), StorageError> {
        self.find(inner, Book::set).await
    }

    /// Reads every row and notes it so.
    async fn find(
        &self,
        inner: &dyn TaskStorage,
        note: fn(&mut Book, &TaskRecord),
    ) -> Result<(), StorageError> {
        let ids = self.book.lock().inserted.clone();
        for id in ids {
            if let Some(record) = inner.task(id).await? {
                note(&mut self.book.lock(), &record);
            }
        }
        let open = self.book.lock().open();
        self.open.send_replace(open);
        Ok(())
    }

    fn note(&self, process: ProcessId, group: &WriteGroup, answers: &[Answer], was_unsure: bool) {
        let mut book = self.book.lock();
        let mut pairs: Vec<_> = group.writes.iter().zip(answers).collect();
        pairs.sort_by_key(|(write, _)| write.kind());
        let lines = pairs
            .iter()
            .map(|(write, answer)| line(process, write, answer));
        book.trace.extend(lines);
        if was_unsure {
            return;
        }
        let mut changes = Vec::new();
        for (write, answer) in pairs {
            match (write, answer) {
                (Write::Insert(new), Answer::Insert(InsertAnswer::Stored)) => {
                    book.insert(&new.record);
                }
                (Write::InsertAll(tasks), Answer::InsertAll(InsertAllAnswer::Stored(answers))) => {
                    let pairs = tasks.iter().zip(answers);
                    for (new, _) in pairs.filter(|(_, answer)| **answer == InsertAnswer::Stored) {
                        book.insert(&new.record);
                    }
                }
                (Write::Change(change), Answer::Change(ChangeAnswer::Applied)) => {
                    changes.push(change.as_ref());
                }
                (Write::Redefine(redefined), Answer::Redefine(ChangeAnswer::Applied)) => {
                    book.change(&mut changes);
                    book.set(&redefined.record);
                }
                (Write::Cancel(cancel), Answer::Cancel(CancelAnswer::Cancelled(_))) => {
                    book.change(&mut changes);
                    book.cancel(cancel.id);
                }
                (_, Answer::Claim(claimed)) => {
                    book.change(&mut changes);
                    for task in &claimed.tasks {
                        book.claim(&task.record);
                    }
                }
                _ => {}
            }
        }
        book.change(&mut changes);
        self.open.send_replace(book.open());
    }
}

impl Book {
    fn place(&self, id: TaskId) -> Place {
        self.rows.get(&id).map_or(Place::Nowhere, |seen| seen.place)
    }

    fn set(&mut self, record: &TaskRecord) {
        let seen = Seen {
            generation: record.generation,
            place: Place::of(&record.state),
        };
        self.rows.insert(record.definition.id, seen);
    }

    fn step(&mut self, id: TaskId, cause: Cause, to: Place) {
        let from = self.place(id);
        if !self.taken.note((from, cause, to)) {
            let text = format!("{id} went from {from:?} to {to:?} by {cause:?}");
            self.stale.push(text);
        }
        if let Some(seen) = self.rows.get_mut(&id) {
            seen.place = to;
        }
    }

    fn insert(&mut self, record: &TaskRecord) {
        let place = Place::of(&record.state);
        self.step(record.definition.id, Cause::Insert, place);
        self.set(record);
    }

    /// Notes changes that were applied, or recognised as applied before.
    fn change(&mut self, changes: &mut Vec<&RowChange>) {
        let changes = std::mem::take(changes);
        let (merged, fates) = coalesce(changes.iter().copied());
        for (index, whole) in merged.iter().enumerate() {
            let Some(seen) = self.rows.get_mut(&whole.id) else {
                self.stale.push(format!("{} is not stored", whole.id));
                continue;
            };
            if seen.generation == whole.generation {
                continue;
            }
            let to = Place::of(&whole.state);
            let was_over = seen.place.is_over() && seen.place != to;
            if seen.generation != whole.expected || was_over {
                let text = format!("{seen:?} was changed by {whole:?}");
                self.stale.push(text);
            }
            seen.generation = whole.generation;
            let parts = changes.iter().zip(&fates);
            for (part, _) in parts.filter(|(_, fate)| **fate == index) {
                self.step(part.id, Cause::Delivery, Place::of(&part.state));
            }
        }
    }

    fn cancel(&mut self, id: TaskId) {
        self.step(id, Cause::Cancel, Place::Cancelled);
        if let Some(seen) = self.rows.get_mut(&id) {
            seen.generation = seen.generation.superseded();
        }
    }

    fn claim(&mut self, record: &TaskRecord) {
        let place = Place::of(&record.state);
        self.step(record.definition.id, Cause::Claim, place);
        self.set(record);
    }

    /// What a start looked at is as it was, or may run again.
    fn reconsider(&mut self, record: &TaskRecord) {
        let place = Place::of(&record.state);
        if place != self.place(record.definition.id) {
            self.step(record.definition.id, Cause::Reconsideration, place);
        }
        self.set(record);
    }

    fn open(&self) -> Open {
        let open = self.rows.values().filter(|seen| !seen.place.is_over());
        let waiting = open.clone().filter(|seen| seen.place == Place::Aside);
        let waiting = waiting.count();
        Open {
            runnable: open.count() - waiting,
            waiting,
        }
    }
}

fn is_reconsideration(write: &Write) -> bool {
    matches!(write, Write::Reconsider(_))
}

fn line(process: ProcessId, write: &Write, answer: &Answer) -> String {
    match (write, answer) {
        (Write::Insert(new), answer) => {
            let (id, state) = (new.record.definition.id, &new.record.state);
            let owner = state.owner.is_some();
            let kind = match answer {
                Answer::Insert(InsertAnswer::Stored) => "stored",
                _ => "exists",
            };
            format!(
                "{process} insert {id} {:?} owned={owner}: {kind}",
                state.status
            )
        }
        (Write::InsertAll(tasks), answer) => {
            format!("{process} insert {} tasks: {answer:?}", tasks.len())
        }
        (Write::Change(change), answer) => {
            let (id, from, to) = (change.id, change.expected.0, change.generation.0);
            let (status, owner) = (change.state.status, change.state.owner.is_some());
            let answer = match answer {
                Answer::Change(ChangeAnswer::Applied) => "applied".to_owned(),
                Answer::Change(ChangeAnswer::Refused(found)) => {
                    format!("refused at {} {:?}", found.generation.0, found.state.status)
                }
                other => format!("{other:?}"),
            };
            let attempts = change.state.attempts;
            format!(
                "{process} change {id} {from}->{to} {status:?} owned={owner} attempts={attempts}: {answer}"
            )
        }
        (Write::Redefine(redefined), answer) => {
            format!("{process} redefine {}: {answer:?}", redefined.record.id())
        }
        (Write::Claim(_), Answer::Claim(claimed)) => {
            let taken: Vec<_> = claimed
                .tasks
                .iter()
                .map(|task| {
                    let record = &task.record;
                    format!("{}@{}", record.definition.id, record.generation.0)
                })
                .collect();
            let (exhausted, next) = (claimed.exhausted, claimed.next_available_at);
            format!("{process} claim {taken:?} exhausted={exhausted} next={next:?}")
        }
        (Write::Cancel(cancel), answer) => format!("{process} cancel {}: {answer:?}", cancel.id),
        (Write::Delete(delete), answer) => {
            format!("{process} delete {}: {answer:?}", delete.deletion.id)
        }
        (Write::Reconsider(known), _) => format!("{process} reconsider {:?}", known.known_tasks),
        (Write::Claim(_), answer) => format!("{process} claim: {answer:?}"),
        (Write::ChangeQueue(change), answer) => {
            format!(
                "{process} {} of {}: {answer:?}",
                change.change, change.queue
            )
        }
        (Write::AppendLogs(logs), answer) => {
            format!("{process} logs of {}: {answer:?}", logs.id)
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Witness").finish_non_exhaustive()
    }
}

#[async_trait]
impl StorageBackend for Witness {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let inner = self.backend.open(start).await?;
        self.trace(format!("{} opened", start.id));
        self.sessions.send_modify(|sessions| *sessions += 1);
        Ok(Arc::new(WitnessSession {
            inner: Some(inner),
            process: start.id,
            witness: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct WitnessSession {
    /// There until dropped.
    inner: Option<Arc<dyn TaskStorage>>,
    process: ProcessId,
    witness: Witness,
}

impl WitnessSession {
    fn inner(&self) -> &dyn TaskStorage {
        self.inner.as_deref().expect("it is not dropped yet")
    }
}

impl Drop for WitnessSession {
    fn drop(&mut self) {
        // First the process dies, then the test is told.
        self.inner = None;
        self.witness.sessions.send_modify(|sessions| *sessions -= 1);
        self.witness.stir();
        self.witness.trace(format!("{} let go", self.process));
    }
}

#[async_trait]
impl TaskStorage for WitnessSession {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        self.witness.stir();
        let _turn = self.witness.turn.lock().await;
        let was_unsure = self.witness.begin(group);
        let applied = self.inner().apply(group).await;
        if let Ok(answers) = &applied {
            self.witness.note(self.process, group, answers, was_unsure);
        }
        if was_unsure {
            self.witness.read_again(self.inner()).await?;
        } else if applied.is_ok() && group.writes.iter().any(is_reconsideration) {
            // Its answer does not say which rows it changed.
            self.witness.find(self.inner(), Book::reconsider).await?;
        }
        self.witness.book.lock().is_unsure = false;
        self.witness.stir();
        applied
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        self.witness.stir();
        self.inner().task(id).await
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        self.witness.stir();
        self.inner().attempts(id).await
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        self.inner().audit(id).await
    }

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        self.inner().runs(id).await
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        self.witness.stir();
        let rows = self.inner().owned(owner, queues).await?;
        self.witness.trace(format!("{owner} owns {rows:?}"));
        Ok(rows)
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        self.inner().retain(step, from, limit).await
    }

    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        self.inner().preview(step, from).await
    }

    fn queries(&self) -> &dyn TaskQueries {
        self.inner().queries()
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.witness.trace(format!("{} closes", self.process));
        self.inner().close().await
    }
}
