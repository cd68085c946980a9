//! What the runtimes of a run are asked to do, and in which order.

use std::time::Duration;

use evertask::task::IdSource;
use evertask::time::Clock;
use evertask::{
    AuditLevel, BatchError, Cancel, CancelOutcome, Client, Dispatch, DispatchError, ManageOutcome,
    ManageTask, RetryPolicy, TaskId,
};
use tokio::task::JoinHandle;

use super::errand::{Errand, RETRIES, Rarity};
use super::wishes::{Told, Wish};
use super::world::World;
use crate::dice::Dice;

/// One step of a program.
#[derive(Clone, Copy, Debug)]
enum Step {
    Dispatch { tasks: u32 },
    DispatchBatch { tasks: u32, is_whole: bool },
    DispatchAgain,
    Cancel,
    Manage { tasks: u32 },
    Pause { moves: u32 },
    ShutDown { at_once: bool },
    Crash,
    StartAnother,
}

impl Step {
    fn random(dice: &mut Dice) -> Self {
        match dice.throw(100) {
            0..30 => Self::Dispatch { tasks: 1 },
            30..39 => Self::Dispatch {
                tasks: 2 + dice.throw(9),
            },
            39..44 => Self::DispatchBatch {
                tasks: 2 + dice.throw(9),
                is_whole: dice.throw(2) == 0,
            },
            44..50 => Self::DispatchAgain,
            50..63 => Self::Cancel,
            63..75 => Self::Manage {
                tasks: 1 + dice.throw(6),
            },
            75..89 => Self::Pause {
                moves: 1 + dice.throw(6),
            },
            89..93 => Self::ShutDown {
                at_once: dice.throw(2) == 0,
            },
            93..97 => Self::Crash,
            _ => Self::StartAnother,
        }
    }
}

/// A task that was asked for, and how, so that it can be asked for again.
struct Known {
    id: TaskId,
    dispatch: Dispatch,
}

/// The tasks known so far, and what is under way.
#[derive(Default)]
pub(super) struct Program {
    known: Vec<Known>,
    under_way: Vec<JoinHandle<()>>,
}

impl Program {
    /// Plays so many random steps.
    pub(super) async fn play(&mut self, world: &mut World, steps: u32) {
        for _ in 0..steps {
            let step = Step::random(&mut world.dice);
            world.witness.trace(format!("{step:?}"));
            match step {
                Step::Dispatch { tasks } => {
                    for _ in 0..tasks {
                        self.dispatch(world);
                    }
                }
                Step::DispatchBatch { tasks, is_whole } => {
                    self.dispatch_batch(world, tasks, is_whole);
                }
                Step::DispatchAgain => self.dispatch_again(world),
                Step::Cancel => self.cancel(world),
                Step::Manage { tasks } => {
                    for _ in 0..tasks {
                        self.manage(world);
                    }
                }
                Step::Pause { moves } => world.pause(moves).await,
                Step::ShutDown { at_once } => {
                    let evertask = world.runtimes.remove(0);
                    world.shut_down(evertask, at_once).await;
                    world.start(false).await;
                }
                Step::Crash => {
                    let evertask = world.runtimes.remove(0);
                    world.crash(evertask).await;
                    world.start(false).await;
                }
                Step::StartAnother if world.runtimes.len() < 2 => world.start(false).await,
                Step::StartAnother => {}
            }
        }
    }

    /// Waits until every dispatch and every cancel is answered.
    pub(super) async fn finish(&mut self, world: &World) {
        for answered in self.under_way.drain(..) {
            let answered = world.pass("an answer", answered).await;
            answered.expect("nothing panics on the way to an answer");
        }
    }

    fn dispatch(&mut self, world: &mut World) {
        let (id, dispatch) = self.ask(world);
        self.send(world, id, dispatch);
    }

    /// Asks for several at once. Of a batch that is stored whole, either every task is or none.
    fn dispatch_batch(&mut self, world: &mut World, tasks: u32, is_whole: bool) {
        let asked = (0..tasks).map(|_| self.ask(world));
        let (ids, dispatches): (Vec<_>, Vec<_>) = asked.unzip();
        let (client, ledger) = (client(world), world.ledger.clone());
        self.under_way.push(tokio::spawn(async move {
            let answers = if is_whole {
                let stored = client.dispatch_all_or_nothing(dispatches).await;
                let stored = stored.map(|stored| stored.into_iter().map(Ok).collect());
                stored.map_err(reason)
            } else {
                client.dispatch_all(dispatches).await
            };
            let of_all = |error: DispatchError| ids.iter().map(|_| Err(error.clone())).collect();
            let answers: Vec<_> = answers.unwrap_or_else(of_all);
            assert_eq!(answers.len(), ids.len(), "each is answered");
            for (id, answer) in ids.into_iter().zip(answers) {
                ledger.answered(id, answer);
            }
        }));
    }

    /// Thinks of a task and notes that it is asked for.
    fn ask(&mut self, world: &mut World) -> (TaskId, Dispatch) {
        let id = TaskId(world.ids.next(world.clock.now()));
        let mut errand = random_errand(&mut world.dice);
        let level = AuditLevel::ALL[[0, 0, 0, 1, 2, 3][world.dice.throw(6) as usize]];
        let runs = (world.dice.throw(8) == 0).then(|| 1 + world.dice.throw(3));
        // One that is late would end a series with its first run.
        errand.deadline = errand.deadline.filter(|_| runs.is_none());
        let is_rare = world.dice.throw(6) == 0;
        let mut dispatch = if is_rare {
            Dispatch::new(Rarity(errand.clone()))
        } else {
            Dispatch::new(errand.clone())
        };
        let delay = [200, 5_000][world.dice.throw(2) as usize];
        dispatch = dispatch.id(id).audit(level).retry(RetryPolicy::Linear {
            retries: RETRIES,
            delay: Duration::from_millis(delay),
        });
        if world.dice.throw(4) == 0 {
            dispatch = dispatch.queue("side");
        }
        if world.dice.throw(4) == 0 {
            let seconds = world.dice.throw(90);
            dispatch = dispatch.after(Duration::from_secs(seconds.into()));
        }
        if let Some(deadline) = errand.deadline {
            dispatch = dispatch.start_within(deadline);
        }
        if let Some(runs) = runs {
            let seconds = 1 + world.dice.throw(60);
            dispatch = dispatch
                .every(Duration::from_secs(seconds.into()))
                .max_runs(runs);
        }
        world.ledger.ask(id, &errand, level, runs);
        let known = dispatch.clone();
        self.known.push(Known {
            id,
            dispatch: known,
        });
        (id, dispatch)
    }

    fn dispatch_again(&mut self, world: &mut World) {
        let Some(index) = self.pick(world) else {
            return;
        };
        let (id, dispatch) = (self.known[index].id, self.known[index].dispatch.clone());
        world.ledger.ask_again(id);
        self.send(world, id, dispatch);
    }

    fn send(&mut self, world: &mut World, id: TaskId, dispatch: Dispatch) {
        let (client, ledger) = (client(world), world.ledger.clone());
        self.under_way.push(tokio::spawn(async move {
            let answer = client.send(dispatch).await;
            ledger.answered(id, answer);
        }));
    }

    fn cancel(&mut self, world: &mut World) {
        let Some(index) = self.pick(world) else {
            return;
        };
        let id = self.known[index].id;
        let (client, ledger) = (client(world), world.ledger.clone());
        self.under_way.push(tokio::spawn(async move {
            let was_stored = ledger.wish(id, Wish::Cancel);
            let cancel = Cancel::new(id).by(Wish::Cancel.actor());
            let told = match client.send_cancel(cancel).await {
                Ok(CancelOutcome::Cancelled | CancelOutcome::CancelledWhileRunning) => Told::Done,
                Ok(CancelOutcome::Unknown) => Told::NoSuchTask,
                Ok(_) => Told::Refused,
                Err(_) => Told::Nothing,
            };
            ledger.told(id, Wish::Cancel, told, was_stored);
        }));
    }

    /// Wants one thing of a task after the other; most of them fit only where the one before has led it.
    fn manage(&mut self, world: &mut World) {
        let Some(mut index) = self.pick(world) else {
            return;
        };
        // Most tasks that are not over yet are young.
        if world.dice.throw(2) == 0 {
            index = self.known.len() - 1 - index % self.known.len().min(20);
        }
        let id = self.known[index].id;
        let wishes = 1 + world.dice.throw(3);
        let messages: Vec<_> = (0..wishes).map(|_| random_wish(world, id)).collect();
        let (client, ledger) = (client(world), world.ledger.clone());
        self.under_way.push(tokio::spawn(async move {
            for (wish, message) in messages {
                let was_stored = ledger.wish(id, wish);
                let told = match client.manage(message.by(wish.actor())).await {
                    Ok(ManageOutcome::Done) => Told::Done,
                    Ok(ManageOutcome::Unknown) => Told::NoSuchTask,
                    Ok(_) => Told::Refused,
                    Err(_) => Told::Nothing,
                };
                ledger.told(id, wish, told, was_stored);
            }
        }));
    }

    fn pick(&self, world: &mut World) -> Option<usize> {
        let count = u32::try_from(self.known.len())
            .ok()
            .filter(|count| *count > 0)?;
        Some(world.dice.throw(count) as usize)
    }
}

/// Why nothing of a batch is stored, or why nobody knows.
fn reason(error: BatchError) -> DispatchError {
    match error {
        BatchError::Refused { refused } => {
            let first = refused.into_iter().next();
            first.expect("a batch is refused because of a task").1
        }
        BatchError::Whole(error) => error,
        other => panic!("{other}"),
    }
}

/// One of the runtimes.
fn client(world: &mut World) -> Client {
    let count = u32::try_from(world.runtimes.len()).expect("there are few");
    let index = world.dice.throw(count) as usize;
    world.runtimes[index].client().clone()
}

fn random_wish(world: &mut World, id: TaskId) -> (Wish, ManageTask) {
    match world.dice.throw(3) {
        0 => (Wish::Retry, ManageTask::retry(id)),
        1 => (Wish::RunNow, ManageTask::run_now(id)),
        _ => {
            let seconds = world.dice.throw(60);
            let at = world.now() + Duration::from_secs(seconds.into());
            (Wish::Reschedule, ManageTask::reschedule(id, at))
        }
    }
}

fn random_errand(dice: &mut Dice) -> Errand {
    Errand {
        fails: [0, 0, 0, 1, 2, RETRIES, RETRIES + 1][dice.throw(7) as usize],
        is_hopeless: dice.throw(12) == 0,
        snoozes: [0, 0, 0, 0, 0, 1, 3][dice.throw(7) as usize],
        takes: Duration::from_millis([0, 0, 50, 700, 20_000][dice.throw(5) as usize]),
        deadline: (dice.throw(10) == 0).then(|| Duration::from_secs(dice.throw(60).into())),
        heeds: dice.throw(3) > 0,
    }
}
