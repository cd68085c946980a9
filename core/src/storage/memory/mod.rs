//! Tasks in memory: the contract of a storage as a program to read.
//!
//! It serves tests, and applications that don't mind losing their tasks with the process. Every
//! rule of [`TaskStorage`] is spelt out here without SQL, so where another storage and this one
//! disagree, the conformance suite decides, and this one is where to look for what was meant.
//!
//! Clones share their rows. Each [`open`](StorageBackend::open) stands for a process of its own,
//! alive until its session is dropped: a test has several processes, and kills and restarts them,
//! without leaving its own. One lock guards everything; nothing waits while holding it.

mod audit;
mod claim;
mod group;
mod insert;
mod logs;
mod queries;
mod queues;
mod ready;
mod retention;
mod session;
mod statistics;
mod table;
mod update;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::RwLock;

use self::queues::Queues;
use self::session::MemorySession;
use self::table::Table;
use super::{Deletion, ProcessStart, StorageBackend, StorageError, StorageErrorKind, TaskStorage};
use crate::task::{ProcessId, TaskId};

/// A storage that keeps its tasks in memory.
#[derive(Clone, Default)]
pub struct MemoryStorage {
    shared: Arc<RwLock<Shared>>,
}

/// What the clones and the sessions of one storage share.
#[derive(Default)]
struct Shared {
    table: Table,
    queues: Queues,
    deletions: HashMap<TaskId, Deletion>,
    living: HashSet<ProcessId>,
}

impl MemoryStorage {
    /// Creates an empty storage.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryStorage {
    /// Counts the rows instead of printing them, and does not wait for whoever holds the lock.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.shared.try_read().map(|shared| shared.table.len());
        formatter
            .debug_struct("MemoryStorage")
            .field("rows", &rows)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl StorageBackend for MemoryStorage {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let is_new = self.shared.write().living.insert(start.id);
        if !is_new {
            let doing = format!("open for process {}, which is alive already", start.id);
            return Err(StorageError::new(StorageErrorKind::Unusable, doing));
        }
        Ok(Arc::new(MemorySession::new(self.clone(), start.id)))
    }

    fn is_durable(&self) -> bool {
        false
    }
}
