//! What a crash costs an actor of ours, and what it does not.

#![allow(clippy::panic, reason = "the actors of these tests are here to crash")]

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, Running,
    Supervised, WrapFuture,
};
use actix_rt::task::JoinHandle;
use evertask_actors::supervision::{
    AskError, CrashReport, Exit, GuardedSlot, RestartBudget, Verdict, ask, tell,
};
use evertask_core::time::Timestamp;
use parking_lot::Mutex;

use crate::stage::{Stage, soon};

/// Where an actor can crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Message,
    Timer,
    SpawnedFuture,
    Started,
    Restarting,
}

const PLACES: [Place; 5] = [
    Place::Message,
    Place::Timer,
    Place::SpawnedFuture,
    Place::Started,
    Place::Restarting,
];

/// The crashes still to come and the hooks that ran: what stays true across the lives.
#[derive(Clone, Default)]
struct Script {
    crashes: Arc<Mutex<Vec<Place>>>,
    hooks: Arc<Mutex<Vec<&'static str>>>,
}

impl Script {
    fn of(crashes: impl Into<Vec<Place>>) -> Self {
        let script = Self::default();
        *script.crashes.lock() = crashes.into();
        script
    }

    /// Crashes if that is what comes next.
    fn reach(&self, place: Place) {
        let mut crashes = self.crashes.lock();
        if crashes.first() == Some(&place) {
            crashes.remove(0);
            drop(crashes);
            panic!("crashed in {place:?}");
        }
    }

    fn hook(&self, name: &'static str) {
        self.hooks.lock().push(name);
    }
}

/// An actor that counts, and crashes as scripted.
struct Fragile {
    script: Script,
    count: u32,
}

impl Fragile {
    fn new(script: Script) -> Self {
        Self { script, count: 0 }
    }
}

impl Actor for Fragile {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.script.hook("started");
        self.script.reach(Place::Started);
    }

    fn stopping(&mut self, _: &mut Context<Self>) -> Running {
        self.script.hook("stopping");
        Running::Stop
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.script.hook("stopped");
    }
}

impl Supervised for Fragile {
    fn restarting(&mut self, ctx: &mut Context<Self>) {
        self.script.hook("restarting");
        // Half of the work is done when this panics: what it has set going must not survive.
        let future = async {}.into_actor(self);
        ctx.spawn(future.map(|(), actor, _| actor.script.hook("set going by restarting")));
        self.script.reach(Place::Restarting);
        *self = Self::new(self.script.clone());
    }
}

/// Reaches a message handler, a timer, and a future of the actor.
#[derive(Message)]
#[rtype(result = "()")]
struct Poke;

/// Adds one and answers the sum.
#[derive(Message)]
#[rtype(result = "u32")]
struct Count;

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

impl Handler<Poke> for Fragile {
    type Result = ();

    fn handle(&mut self, Poke: Poke, ctx: &mut Context<Self>) {
        self.script.reach(Place::Message);
        ctx.run_later(Duration::ZERO, |actor, _| actor.script.reach(Place::Timer));
        let future = async {}.into_actor(self);
        ctx.spawn(future.map(|(), actor, _| actor.script.reach(Place::SpawnedFuture)));
    }
}

impl Handler<Count> for Fragile {
    type Result = u32;

    fn handle(&mut self, Count: Count, _: &mut Context<Self>) -> u32 {
        self.count += 1;
        self.count
    }
}

impl Handler<Stop> for Fragile {
    type Result = ();

    fn handle(&mut self, Stop: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// design actix.md 3.8 probe 2.
#[actix::test]
async fn a_crash_costs_the_message_at_hand_and_the_state_and_nothing_else() {
    let mut stage = Stage::setup();
    let addr = stage.start(Fragile::new(Script::of([Place::Message])));
    let before: Vec<_> = (0..3).map(|_| ask(&addr, Count)).collect();
    let poison = ask(&addr, Poke);
    let behind: Vec<_> = (0..5).map(|_| ask(&addr, Count)).collect();

    for (answer, expected) in before.into_iter().zip(1..) {
        assert_eq!(soon(answer).await, Ok(expected));
    }
    assert_eq!(soon(poison).await, Err(AskError::OutcomeUnknown));
    for (answer, expected) in behind.into_iter().zip(1..) {
        assert_eq!(soon(answer).await, Ok(expected), "the count starts over");
    }
    assert_eq!(
        soon(ask(&addr, Count)).await,
        Ok(6),
        "the same address answers"
    );

    let report = stage.crash().await;
    assert_eq!(report.actor.as_str(), "probe");
    assert_eq!(report.life, 1);
    assert_eq!(report.panic, "crashed in Message");
    assert_eq!(report.verdict, Verdict::RestartAfter(Duration::ZERO));
    assert_eq!(report.at, Timestamp::UNIX_EPOCH);
    stage.assert_no_more_crashes();
}

/// design actix.md 3.8 probe 3: every place, once and twice.
#[actix::test]
async fn a_crash_in_any_place_is_reported_once_and_followed_by_a_restart() {
    for place in PLACES {
        for times in [1, 2] {
            crash_and_go_on(place, times).await;
        }
    }
}

async fn crash_and_go_on(place: Place, times: usize) {
    let case = format!("{place:?}, {times} times");
    let mut stage = Stage::setup();
    let mut crashes = vec![place; times];
    if place == Place::Restarting {
        // It takes another crash to get there.
        crashes.insert(0, Place::Message);
    }
    let addr = stage.start(Fragile::new(Script::of(crashes.clone())));
    let mut queued = Vec::new();

    for (crash, life) in crashes.into_iter().zip(1..) {
        tell(&addr, Poke);
        queued.push(ask(&addr, Count));
        let report = stage.crash().await;
        assert_eq!(
            (report.life, report.panic),
            (life, format!("crashed in {crash:?}")),
            "{case}"
        );
        assert!(addr.connected(), "{case}");
        queued.push(ask(&addr, Count));
        let Verdict::RestartAfter(backoff) = report.verdict else {
            panic!("{case}: given up");
        };
        stage.clock.advance(backoff);
    }

    for answer in queued {
        assert!(soon(answer).await.is_ok(), "{case}: lost a queued message");
    }
    assert!(soon(ask(&addr, Count)).await.is_ok(), "{case}");
    stage.assert_no_more_crashes();
}

/// Goes with design actix.md 3.8 probe 3: the context is clean when `restarting` is tried again.
#[actix::test]
async fn what_a_failed_restarting_has_set_going_is_thrown_away() {
    let mut stage = Stage::setup();
    let script = Script::of([Place::Message, Place::Restarting]);
    let addr = stage.start(Fragile::new(script.clone()));
    tell(&addr, Poke);
    stage.crash_and_backoff().await;
    stage.crash_and_backoff().await;
    soon(ask(&addr, Count)).await.unwrap();
    let expected = [
        "started",
        "restarting",
        "restarting",
        "started",
        "set going by restarting",
    ];
    assert_eq!(*script.hooks.lock(), expected);
    stage.assert_no_more_crashes();
}

/// design actix.md 3.8 probe 4, first half.
#[actix::test]
async fn one_crash_more_than_the_budget_allows_is_the_end() {
    let mut stage = Stage::setup();
    let (addr, exit) = start(&stage, Fragile::new(Script::of([Place::Message; 6])));
    let mut backoffs = Vec::new();
    for _ in 0..5 {
        tell(&addr, Poke);
        backoffs.push(stage.crash_and_backoff().await.1.as_millis());
    }
    assert_eq!(backoffs, [0, 100, 200, 400, 800]);

    tell(&addr, Poke);
    let queued = ask(&addr, Count);
    let last = stage.crash().await;
    assert_eq!((last.life, last.verdict), (6, Verdict::GiveUp));
    assert_eq!(soon(queued).await, Err(AskError::OutcomeUnknown));
    assert_eq!(soon(ask(&addr, Count)).await, Err(AskError::OutcomeUnknown));
    assert_eq!(soon(exit).await.unwrap(), Exit::GaveUp);
    stage.assert_no_more_crashes();
}

/// design actix.md 3.8 probe 4, second half: the same number of crashes, just far enough apart.
#[actix::test]
async fn crashes_spread_over_more_than_the_window_are_never_the_end() {
    let apart = Duration::from_secs(6);
    for (apart, survives) in [(apart, true), (Duration::from_millis(5_999), false)] {
        let mut stage = Stage::setup();
        let addr = stage.start(Fragile::new(Script::of([Place::Message; 6])));
        for _ in 0..5 {
            tell(&addr, Poke);
            let (_, backoff) = stage.crash_and_backoff().await;
            stage.clock.advance(apart.saturating_sub(backoff));
        }
        tell(&addr, Poke);
        assert_eq!(
            stage.crash().await.verdict != Verdict::GiveUp,
            survives,
            "{apart:?} apart"
        );
    }
}

/// A `restarting` that never works is a crash like any other, so it comes to an end.
#[actix::test]
async fn a_restart_that_keeps_failing_is_given_up_without_running_any_hook() {
    let mut stage = Stage::setup();
    let mut crashes = vec![Place::Restarting; 6];
    crashes[0] = Place::Message;
    let script = Script::of(crashes);
    let (addr, exit) = start(&stage, Fragile::new(script.clone()));
    tell(&addr, Poke);
    for _ in 0..5 {
        stage.crash_and_backoff().await;
    }
    assert_eq!(stage.crash().await.verdict, Verdict::GiveUp);
    assert_eq!(soon(exit).await.unwrap(), Exit::GaveUp);
    let hooks = script.hooks.lock();
    assert_eq!(hooks[0], "started");
    assert_eq!(hooks[1..], ["restarting"; 5]);
}

/// The mailbox fills during a backoff and is handled after it, not before.
#[actix::test]
async fn a_message_sent_during_a_backoff_waits_for_its_end() {
    let mut stage = Stage::setup();
    let addr = stage.start(Fragile::new(Script::of([Place::Message; 2])));
    tell(&addr, Poke);
    stage.crash_and_backoff().await;
    tell(&addr, Poke);
    let Verdict::RestartAfter(backoff) = stage.crash().await.verdict else {
        panic!("given up");
    };
    let mut answer = Box::pin(ask(&addr, Count));
    let last = Duration::from_millis(1);
    stage.clock.advance(backoff.saturating_sub(last));
    tokio::task::yield_now().await;
    assert!(futures::poll!(&mut answer).is_pending());
    stage.clock.advance(last);
    assert_eq!(soon(answer).await, Ok(1));
}

/// The guard passes reports on to code it does not know.
#[actix::test]
async fn a_panic_of_the_report_sink_does_not_keep_the_actor_from_restarting() {
    let slot = GuardedSlot::new("probe".into(), 16);
    let addr = slot.addr();
    let fragile = Fragile::new(Script::of([Place::Message]));
    let sink = Arc::new(|_| panic!("no report today"));
    slot.start(
        fragile,
        RestartBudget::default(),
        Stage::setup().clock(),
        sink,
    );
    tell(&addr, Poke);
    assert_eq!(soon(ask(&addr, Count)).await, Ok(1));
}

/// Stopping is a decision, not a failure.
#[actix::test]
async fn an_actor_that_stops_itself_stays_stopped() {
    let mut stage = Stage::setup();
    let script = Script::default();
    let (addr, exit) = start(&stage, Fragile::new(script.clone()));
    tell(&addr, Stop);
    assert_eq!(soon(exit).await.unwrap(), Exit::Stopped);
    assert!(!addr.connected());
    assert_eq!(*script.hooks.lock(), ["started", "stopping", "stopped"]);
    stage.assert_no_more_crashes();
}

/// The decision is carried out before it is reported.
#[actix::test]
async fn whoever_hears_that_an_actor_was_given_up_finds_its_mailbox_closed() {
    let slot = GuardedSlot::new("probe".into(), 16);
    let addr = slot.addr();
    let (heard, verdict) = tokio::sync::oneshot::channel();
    let heard = Mutex::new(Some(heard));
    let own_addr = addr.clone();
    let sink = Arc::new(move |report: CrashReport| {
        let heard = heard.lock().take().unwrap();
        heard.send((report.verdict, own_addr.connected())).unwrap();
    });
    let fragile = Fragile::new(Script::of([Place::Message]));
    let budget = RestartBudget::new(0, Duration::from_secs(1));
    slot.start(fragile, budget, Stage::setup().clock(), sink);
    tell(&addr, Poke);
    assert_eq!(soon(verdict).await, Ok((Verdict::GiveUp, false)));
}

/// Nobody can miss an actor that nobody can reach.
#[actix::test]
async fn an_actor_that_crashes_without_anybody_holding_its_address_ends() {
    let mut stage = Stage::setup();
    let (addr, exit) = start(&stage, Fragile::new(Script::of([Place::Message])));
    tell(&addr, Poke);
    drop(addr);
    assert_eq!(soon(exit).await.unwrap(), Exit::Unreferenced);
    stage.crash().await;
    stage.assert_no_more_crashes();
}

/// An arbiter that stops drops its tasks wherever they are; no hook may run on what is left.
#[actix::test]
async fn an_aborted_guard_runs_no_hook_and_closes_the_mailbox() {
    let stage = Stage::setup();
    let script = Script::default();
    let (addr, exit) = start(&stage, Fragile::new(script.clone()));
    soon(ask(&addr, Count)).await.unwrap();
    exit.abort();
    assert!(soon(exit).await.unwrap_err().is_cancelled());
    assert!(!addr.connected());
    assert_eq!(*script.hooks.lock(), ["started"]);
}

/// An actor that cannot even be dropped in peace.
struct Venomous;

impl Actor for Venomous {
    type Context = Context<Self>;
}

impl Supervised for Venomous {}

impl Drop for Venomous {
    fn drop(&mut self) {
        panic!("bitten");
    }
}

impl Handler<Poke> for Venomous {
    type Result = ();

    fn handle(&mut self, Poke: Poke, _: &mut Context<Self>) {
        std::panic::panic_any(Fangs);
    }
}

/// What a panic carries, which may panic itself.
struct Fangs;

impl Drop for Fangs {
    fn drop(&mut self) {
        std::panic::panic_any(Self);
    }
}

#[actix::test]
async fn a_panic_while_dropping_the_actor_or_the_panic_does_not_keep_the_report_back() {
    let mut stage = Stage::setup();
    let slot = GuardedSlot::new("venomous".into(), 16);
    let addr = slot.addr();
    let budget = RestartBudget::new(0, Duration::from_secs(1));
    let exit = slot.start(Venomous, budget, stage.clock(), Arc::clone(&stage.sink));
    tell(&addr, Poke);
    assert_eq!(soon(exit).await.unwrap(), Exit::GaveUp);
    let report = stage.crash().await;
    assert_eq!(
        (report.panic.as_str(), report.verdict),
        ("non-text panic", Verdict::GiveUp)
    );
}

/// Starts an actor like the stage does, and keeps hold of its end.
fn start(stage: &Stage, actor: Fragile) -> (Addr<Fragile>, JoinHandle<Exit>) {
    let slot = GuardedSlot::new("probe".into(), 16);
    let addr = slot.addr();
    let sink = Arc::clone(&stage.sink);
    let exit = slot.start(actor, RestartBudget::default(), stage.clock(), sink);
    (addr, exit)
}
