//! What actix does, where our design depends on it: a new version that changes a fact fails here.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "the actors of these tests are here to crash"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the forbidden methods are what is looked at"
)]

use std::env;
use std::process::{Command, Stdio};
use std::time::Duration;

use actix::{
    Actor, AsyncContext, Context, Handler, MailboxError, Message, SpawnHandle, Supervised,
    Supervisor,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::stage::{Stage, soon};

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

#[derive(Message)]
#[rtype(result = "()")]
struct Ping;

/// An actor that does nothing but crash on request.
struct Plain;

impl Actor for Plain {
    type Context = Context<Self>;
}

impl Supervised for Plain {}

impl Handler<Crash> for Plain {
    type Result = ();

    fn handle(&mut self, Crash: Crash, _: &mut Context<Self>) {
        panic!("asked to");
    }
}

impl Handler<Ping> for Plain {
    type Result = ();

    fn handle(&mut self, Ping: Ping, _: &mut Context<Self>) {}
}

/// design actix.md 3.8 probe 1: this is why we have a supervision of our own.
#[actix::test]
async fn the_supervisor_of_actix_does_not_restart_after_a_panic() {
    let addr = Supervisor::start(|_| Plain);
    let queued = addr.send(Crash);
    let behind = addr.send(Ping);
    assert_eq!(soon(queued).await, Err(MailboxError::Closed));
    assert_eq!(soon(behind).await, Err(MailboxError::Closed));
    assert!(!addr.connected());
    assert_eq!(soon(addr.send(Ping)).await, Err(MailboxError::Closed));
}

/// design actix.md 3.8 probe 5 (actix#329): a mailbox's capacity is no bound.
#[actix::test]
async fn try_send_through_a_fresh_clone_is_never_refused() {
    let addr = Plain.start();
    let mut accepted = 0;
    while addr.try_send(Ping).is_ok() {
        accepted += 1;
        assert!(
            accepted < 1_000,
            "the address itself is expected to be refused"
        );
    }
    for _ in 0..1_000 {
        assert!(addr.clone().try_send(Ping).is_ok());
    }
}

/// An actor that notes what it handles, across its lives.
struct Notes {
    notes: UnboundedSender<&'static str>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Note(&'static str);

/// Asks the actor to notify itself and crash in the same breath.
#[derive(Message)]
#[rtype(result = "()")]
struct NotifyAndCrash;

impl Actor for Notes {
    type Context = Context<Self>;
}

impl Supervised for Notes {}

impl Handler<Note> for Notes {
    type Result = ();

    fn handle(&mut self, Note(note): Note, _: &mut Context<Self>) {
        self.notes.send(note).unwrap();
    }
}

impl Handler<NotifyAndCrash> for Notes {
    type Result = ();

    fn handle(&mut self, NotifyAndCrash: NotifyAndCrash, ctx: &mut Context<Self>) {
        ctx.notify(Note("notified"));
        ctx.address().do_send(Note("sent to itself"));
        panic!("asked to");
    }
}

/// design actix.md 3.8 probe 6: a notification is a spawned item of the context, not a message in
/// the mailbox.
#[actix::test]
async fn a_restart_loses_notifications_and_keeps_the_mailbox() {
    let mut stage = Stage::setup();
    let (notes, mut noted) = unbounded_channel();
    let addr = stage.start(Notes { notes });
    addr.do_send(NotifyAndCrash);
    addr.do_send(Note("queued"));
    stage.crash_and_backoff().await;
    soon(addr.send(Note("asked afterwards"))).await.unwrap();
    // A notification is handled after the mailbox, so it gets one more turn to turn up.
    soon(addr.send(Note("last"))).await.unwrap();
    assert_eq!(
        drain(&mut noted),
        ["queued", "sent to itself", "asked afterwards", "last"]
    );
    stage.assert_no_more_crashes();
}

/// An actor that arms two timers in each life, the first due before the second.
struct Timers {
    fired: UnboundedSender<&'static str>,
    first: Option<SpawnHandle>,
}

/// Asks the actor to crash, after cancelling its first timer or not.
#[derive(Message)]
#[rtype(result = "()")]
struct CancelAndCrash(bool);

impl Actor for Timers {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let first = ctx.run_later(Duration::ZERO, |actor, _| {
            actor.fired.send("first").unwrap();
        });
        ctx.run_later(Duration::from_millis(5), |actor, _| {
            actor.fired.send("second").unwrap();
        });
        self.first = Some(first);
    }
}

impl Supervised for Timers {}

impl Handler<CancelAndCrash> for Timers {
    type Result = ();

    fn handle(&mut self, CancelAndCrash(cancel): CancelAndCrash, ctx: &mut Context<Self>) {
        if cancel {
            ctx.cancel_future(self.first.unwrap());
        }
        panic!("asked to");
    }
}

/// design actix.md 3.8 probe 7: a cancellation outlives the crash and hits the next life's timer
/// of the same number. This is why `cancel_future` is not used.
#[actix::test]
async fn a_cancellation_just_before_a_crash_cancels_a_timer_of_the_next_life() {
    for (cancel, expected) in [(false, vec!["first", "second"]), (true, vec!["second"])] {
        let mut stage = Stage::setup();
        let (fired, mut firings) = unbounded_channel();
        let addr = stage.start(Timers { fired, first: None });
        // In the mailbox before the first poll, so the crash comes before any timer is looked at.
        addr.do_send(CancelAndCrash(cancel));
        stage.crash_and_backoff().await;
        let mut seen = Vec::new();
        while seen.last() != Some(&"second") {
            seen.push(soon(firings.recv()).await.unwrap());
        }
        assert_eq!(seen, expected, "cancelled: {cancel}");
        stage.assert_no_more_crashes();
    }
}

/// An actor whose last hook panics as well.
struct PanicsTwice;

impl Actor for PanicsTwice {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Context<Self>) {
        panic!("and again");
    }
}

impl Supervised for PanicsTwice {}

impl Handler<Crash> for PanicsTwice {
    type Result = ();

    fn handle(&mut self, Crash: Crash, _: &mut Context<Self>) {
        panic!("asked to");
    }
}

/// design actix.md 3.8 probe 8, first half: without a guard the last hooks run while the thread
/// unwinds. (That ours have no such hooks is checked in `source_rules`.)
#[actix::test]
async fn a_panic_in_stopped_after_a_panic_in_a_handler_aborts_the_process() {
    const THIS: &str =
        "actix_facts::a_panic_in_stopped_after_a_panic_in_a_handler_aborts_the_process";
    const CHILD: &str = "EVERTASK_PROBE_ABORTS";
    if env::var_os(CHILD).is_some() {
        soon(PanicsTwice.start().send(Crash)).await.ok();
        return;
    }
    // Run in a process of its own. Were the test renamed, that process would run nothing and
    // succeed, and this would fail.
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", THIS])
        .env(CHILD, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    #[cfg(unix)]
    {
        const SIGABRT: i32 = 6;
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(SIGABRT), "{status}");
    }
    assert!(!status.success(), "{status}");
}

fn drain(receiver: &mut UnboundedReceiver<&'static str>) -> Vec<&'static str> {
    std::iter::from_fn(|| receiver.try_recv().ok()).collect()
}
