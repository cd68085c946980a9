//! Issue must-show 4: every actor crashes in every way, once and twice.

use evertask::{Phase, Provocation, Target};

use super::storm::{EARLY, Storm};
use crate::ground::Ground;

async fn survive(ground: Ground, target: Target, phase: Phase, times: usize) {
    let storm = Storm {
        ground,
        provocations: &vec![Provocation::Actor(target, phase); times],
        crashes: match phase {
            Phase::Message | Phase::Timer | Phase::Future => 1,
            // It comes after a crash that causes it.
            Phase::Started | Phase::Restarting => 2,
        },
        after: match target {
            Target::Pool => EARLY,
            Target::Supervisor
            | Target::Persistence
            | Target::Scheduler
            | Target::Monitor
            | Target::Housekeeper => 0,
        },
    };
    let released = storm.survive().await;
    if target == Target::Pool {
        assert!(released > 0, "its window was empty when it crashed");
    } else {
        assert_eq!(released, 0, "a crash of it should cost no delivery");
    }
}

macro_rules! storm {
    ($target:ident, $phase:ident, $memory_once:ident, $memory_twice:ident, $sqlite_once:ident, $sqlite_twice:ident) => {
        storm!(@ $target, $phase, $memory_once, memory, 1);
        storm!(@ $target, $phase, $memory_twice, memory, 2);
        storm!(@ $target, $phase, $sqlite_once, sqlite, 1);
        storm!(@ $target, $phase, $sqlite_twice, sqlite, 2);
    };
    (@ $target:ident, $phase:ident, $name:ident, $storage:ident, $times:literal) => {
        #[actix::test]
        async fn $name() {
            survive(Ground::$storage(), Target::$target, Phase::$phase, $times).await;
        }
    };
}

macro_rules! storms {
    ($($module:ident: $target:ident, $phase:ident;)+) => {$(
        mod $module {
            use super::*;

            storm!(
                $target, $phase,
                once_on_memory_loses_nothing, twice_on_memory_loses_nothing,
                once_on_sqlite_loses_nothing, twice_on_sqlite_loses_nothing
            );
        }
    )+};
}

storms! {
    the_supervisor_crashing_in_a_message: Supervisor, Message;
    the_supervisor_crashing_in_a_timer: Supervisor, Timer;
    the_supervisor_crashing_in_a_future: Supervisor, Future;
    the_supervisor_crashing_in_started: Supervisor, Started;
    the_supervisor_crashing_in_restarting: Supervisor, Restarting;
    persistence_crashing_in_a_message: Persistence, Message;
    persistence_crashing_in_a_timer: Persistence, Timer;
    persistence_crashing_in_a_future: Persistence, Future;
    persistence_crashing_in_started: Persistence, Started;
    persistence_crashing_in_restarting: Persistence, Restarting;
    the_pool_crashing_in_a_message: Pool, Message;
    the_pool_crashing_in_a_timer: Pool, Timer;
    the_pool_crashing_in_a_future: Pool, Future;
    the_pool_crashing_in_started: Pool, Started;
    the_pool_crashing_in_restarting: Pool, Restarting;
    the_scheduler_crashing_in_a_message: Scheduler, Message;
    the_scheduler_crashing_in_a_timer: Scheduler, Timer;
    the_scheduler_crashing_in_a_future: Scheduler, Future;
    the_scheduler_crashing_in_started: Scheduler, Started;
    the_scheduler_crashing_in_restarting: Scheduler, Restarting;
    the_monitor_crashing_in_a_message: Monitor, Message;
    the_monitor_crashing_in_a_timer: Monitor, Timer;
    the_monitor_crashing_in_a_future: Monitor, Future;
    the_monitor_crashing_in_started: Monitor, Started;
    the_monitor_crashing_in_restarting: Monitor, Restarting;
}
