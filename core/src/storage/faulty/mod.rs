//! A storage that fails on purpose.
//!
//! [`FaultyStorage`] wraps any storage. Before each call it asks a [`FaultPlan`] what goes wrong with
//! it: a call can fail with nothing stored, take its time, or be carried out while its reply is
//! lost. It breaks calls, never the contract: what it answers is what a database behind a bad line
//! may answer, so whoever uses a storage has to live with it.
//!
//! ```
//! use std::sync::Arc;
//! use evertask_core::storage::faulty::{Call, Fault, FaultyStorage, Method};
//! use evertask_core::storage::{MemoryStorage, StorageErrorKind, WriteKind};
//! use evertask_core::time::SystemClock;
//!
//! // The third group that holds an insert finds the database gone.
//! let inserts = std::sync::atomic::AtomicU32::new(0);
//! let plan = move |call: &Call<'_>| {
//!     let is_insert = call.method == Method::Apply && call.holds(WriteKind::Insert);
//!     let third = is_insert && inserts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2;
//!     third.then_some(Fault::Fail(StorageErrorKind::Transient))
//! };
//! let storage = FaultyStorage::new(MemoryStorage::new(), SystemClock::shared(), plan);
//! // … run something on a clone of it, then print `storage.log()` if it went wrong.
//! # assert!(storage.log().is_empty());
//! ```
//!
//! [`FaultScript`] is a plan that is a list; [`SeededFaults`] is one that follows from a number, for
//! runs by the thousand.

mod call;
mod log;
mod plan;
mod queries;
mod seeded;
mod session;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;

pub use self::call::{Call, Method};
pub use self::log::{FaultLog, FaultRecord};
pub use self::plan::{Fault, FaultPlan, FaultScript};
pub use self::seeded::{FaultRates, SeededFaults};
use self::session::FaultySession;
use super::{ProcessStart, StorageBackend, StorageError, TaskStorage, Write, WriteGroup};
use crate::time::Clock;

/// A storage around another one, of which calls fail as a plan says.
///
/// Clones share the storage, the plan and the log.
#[derive(Clone)]
pub struct FaultyStorage {
    backend: Arc<dyn StorageBackend>,
    faults: Arc<Faults>,
}

/// What the clones and the sessions of one storage share.
struct Faults {
    plan: Box<dyn FaultPlan>,
    clock: Arc<dyn Clock>,
    healed: AtomicBool,
    calls: [AtomicU64; Method::ALL.len()],
    log: FaultLog,
}

impl FaultyStorage {
    /// Wraps a storage; delays pass on that clock.
    pub fn new(backend: impl StorageBackend, clock: Arc<dyn Clock>, plan: impl FaultPlan) -> Self {
        Self {
            backend: Arc::new(backend),
            faults: Arc::new(Faults {
                plan: Box::new(plan),
                clock,
                healed: AtomicBool::new(false),
                calls: std::array::from_fn(|_| AtomicU64::new(0)),
                log: FaultLog::default(),
            }),
        }
    }

    /// Lets nothing go wrong any more; a reply that is lost already stays so until its group is
    /// repeated, but the line is up again.
    pub fn heal(&self) {
        self.faults.healed.store(true, Ordering::Release);
    }

    /// What went wrong so far.
    pub fn log(&self) -> FaultLog {
        self.faults.log.clone()
    }
}

impl Faults {
    /// Counts a call.
    fn count(&self, method: Method) -> u64 {
        self.calls[method.index()].fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Answers what goes wrong with a call, and notes it.
    fn strike(&self, call: &Call<'_>) -> Option<Fault> {
        if self.is_healed() {
            return None;
        }
        let fault = self.plan.fault(call)?;
        let kinds = |group: &WriteGroup| group.writes.iter().map(Write::kind).collect();
        self.log.note(FaultRecord {
            method: call.method,
            number: call.number,
            writes: call.group.map(kinds),
            fault,
        });
        Some(fault)
    }

    fn is_healed(&self) -> bool {
        self.healed.load(Ordering::Acquire)
    }
}

impl fmt::Debug for FaultyStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FaultyStorage")
            .field("backend", &self.backend)
            .field("faults", &self.faults)
            .finish()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Faults")
            .field("noted", &self.log.len())
            .field("healed", &self.is_healed())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl StorageBackend for FaultyStorage {
    /// Opens the storage behind. If the reply is lost, the process has been alive for a moment.
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let opened = async {
            let inner = self.backend.open(start).await?;
            let session: Arc<dyn TaskStorage> =
                Arc::new(FaultySession::new(inner, Arc::clone(&self.faults)));
            Ok(session)
        };
        self.faults.call(Method::Open, opened).await
    }

    fn is_durable(&self) -> bool {
        self.backend.is_durable()
    }
}
