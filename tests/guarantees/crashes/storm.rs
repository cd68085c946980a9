//! A thousand dispatches, what crashes among them, and what must hold afterwards.

use std::sync::Arc;
use std::time::Duration;

use evertask::storage::{
    Answer, ClaimTasks, ProcessStart, QueueSelector, StorageBackend, TaskStorage, Write, WriteGroup,
};
use evertask::task::ProcessId;
use evertask::time::Timestamp;
use evertask::{
    DispatchError, Dispatched, EverTask, Provocation, Queue, Status, Task, TaskContext,
    TaskHandler, TaskId, TaskResult,
};
use futures::FutureExt;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use crate::ground::Ground;
use crate::stage::soon;

const TASKS: usize = 1_000;

/// So many runs pass while things crash; the others wait for the last crash. When they have passed,
/// the window is full or a claim is under way.
pub(crate) const EARLY: usize = 300;

#[derive(Debug, Deserialize, Serialize)]
struct Raindrop(usize);

impl Task for Raindrop {
    const NAME: &'static str = "storm.raindrop";
}

/// Counts the runs of each task and holds all but the early ones.
#[derive(Clone, Debug)]
struct Rain {
    seen: watch::Sender<Seen>,
    gate: Arc<Semaphore>,
}

#[derive(Debug)]
struct Seen {
    runs: Vec<usize>,
    running: Vec<usize>,
    overlapped: bool,
    returned: usize,
}

impl Rain {
    fn new() -> Self {
        let seen = Seen {
            runs: vec![0; TASKS],
            running: vec![0; TASKS],
            overlapped: false,
            returned: 0,
        };
        Self {
            seen: watch::Sender::new(seen),
            gate: Arc::new(Semaphore::new(EARLY)),
        }
    }
}

impl Rain {
    async fn wait_until(&self, wanted: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        soon(seen.wait_for(wanted)).await.unwrap();
    }

    fn nothing_ran_twice(&self) {
        let seen = self.seen.borrow();
        assert!(!seen.overlapped);
        let twice: Vec<_> = (0..TASKS).filter(|&index| seen.runs[index] != 1).collect();
        assert_eq!(twice, [0; 0], "ran more than once");
    }
}

impl TaskHandler<Raindrop> for Rain {
    async fn handle(&self, &Raindrop(index): &Raindrop, _: &TaskContext) -> TaskResult {
        self.seen.send_modify(|seen| {
            seen.runs[index] += 1;
            seen.running[index] += 1;
            seen.overlapped |= seen.running[index] > 1;
        });
        self.gate.acquire().await?.forget();
        self.seen.send_modify(|seen| {
            seen.running[index] -= 1;
            seen.returned += 1;
        });
        Ok(())
    }
}

/// What crashes, and when.
pub(crate) struct Storm<'a> {
    pub(crate) ground: Ground,
    /// Each comes once the one before has had its effect.
    pub(crate) provocations: &'a [Provocation],
    /// How many crashes of actors each of them brings about.
    pub(crate) crashes: u64,
    /// How many tasks are over before the first.
    pub(crate) after: usize,
}

impl Storm<'_> {
    /// Sends the dispatches, half of them before anything crashes and the others among the crashes,
    /// and checks that nobody can tell afterwards. Answers how many rows had to be let go of.
    pub(crate) async fn survive(self) -> usize {
        let rain = Rain::new();
        let evertask = EverTask::builder()
            .storage(self.ground.clone())
            // Far smaller than the storm: most tasks are spilled and claimed.
            .queue(Queue::new(Queue::DEFAULT).parallelism(4).capacity(60))
            .handler(rain.clone())
            .start()
            .await
            .unwrap();
        let address = evertask.supervisor().clone();
        let _events = evertask.events();

        let provoked = watch::Sender::new(0);
        let dispatches = join_all((0..TASKS).map(|index| {
            let evertask = &evertask;
            let mut provoked = provoked.subscribe();
            let turn = self.turn_of(index);
            async move {
                provoked
                    .wait_for(|provoked| *provoked >= turn)
                    .await
                    .unwrap();
                dispatch(evertask, index).await
            }
        }));
        let crashes = async {
            rain.wait_until(|seen| seen.returned >= self.after).await;
            for (turn, provocation) in (1..).zip(self.provocations) {
                evertask.provoke(*provocation);
                provoked.send_replace(turn);
                evertask
                    .crashed(self.crashes * u64::try_from(turn).unwrap())
                    .await;
            }
            // What waits in the window and in the slots has outlived all crashes of actors.
            rain.gate.add_permits(TASKS);
        };
        let (ids, ()) = soon(async { tokio::join!(dispatches, crashes) }).await;
        let ids: Vec<_> = ids.into_iter().map(|stored| stored.unwrap().id).collect();

        rain.wait_until(|seen| seen.returned >= TASKS && !seen.runs.contains(&0))
            .await;
        assert_eq!(evertask.armed(), 0, "not everything crashed that should");
        let expected = self.crashes * u64::try_from(self.provocations.len()).unwrap();
        assert_eq!(evertask.crashes(), expected);
        assert!(address.connected());
        assert_eq!(&address, evertask.supervisor());
        assert!(evertask.stopped().now_or_never().is_none());
        soon(evertask.shutdown()).await.unwrap();
        rain.nothing_ran_twice();
        drop(evertask);
        self.ground.unused().await;
        everything_is_over(&self.ground, &ids).await
    }

    /// After how many provocations a task is dispatched.
    fn turn_of(&self, index: usize) -> usize {
        let late = TASKS / 2;
        let portion = late / self.provocations.len();
        match index.checked_sub(late) {
            None => 0,
            Some(index) => (index / portion + 1).min(self.provocations.len()),
        }
    }
}

fn dispatch(
    evertask: &EverTask,
    index: usize,
) -> impl Future<Output = Result<Dispatched, DispatchError>> {
    let request = evertask.dispatch(Raindrop(index));
    let request = match index % 4 {
        0 => request.after(Duration::from_millis(1 + index as u64 % 40)),
        _ => request,
    };
    request.into_future()
}

/// Reads every row as the next process would; answers how many were let go of on their way.
async fn everything_is_over(ground: &Ground, ids: &[TaskId]) -> usize {
    let start = ProcessStart {
        id: ProcessId(Uuid::from_u128(1)),
        at: Timestamp::MAX_UTC,
    };
    let storage = ground.open(start).await.unwrap();
    let mut released = 0;
    for id in ids {
        let record = storage.task(*id).await.unwrap().unwrap();
        assert_eq!(record.state.status, Status::Completed, "{record:?}");
        assert_eq!(record.state.owner, None, "{record:?}");
        assert_eq!(storage.attempts(*id).await.unwrap().len(), 1);
        let audit = storage.audit(*id).await.unwrap();
        let times = |status| audit.iter().filter(|entry| entry.status == status).count();
        assert_eq!(times(Status::InProgress), 1, "{audit:?}");
        assert_eq!(times(Status::Completed), 1, "{audit:?}");
        released += times(Status::WaitingQueue);
    }
    nothing_is_open(&*storage).await;
    released
}

async fn nothing_is_open(storage: &dyn TaskStorage) {
    let claim = Write::Claim(ClaimTasks {
        limit: 1,
        ..ClaimTasks::everything(
            QueueSelector::AllExcept(Vec::new()),
            evertask::time::to_micros(Timestamp::from_timestamp(253_000_000_000, 0).unwrap()),
        )
    });
    let writes = vec![claim];
    let answers = storage.apply(&WriteGroup { writes }).await.unwrap();
    let [Answer::Claim(claim)] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(claim.tasks, []);
    assert!(claim.exhausted);
    assert_eq!(claim.next_available_at, None);
}
