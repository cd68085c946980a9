//! Whatever goes wrong between the runtime and its storage, nothing is lost and nothing is doubled.
//!
//! Each run follows from a number: what is asked of the runtimes, in which windows, when they are
//! shut down, crash and start again, and which calls of their storage fail, are late or lose their
//! reply. Then the faults end, everything settles, and the invariants are checked.
//!
//! The plan of a run is the same every time; which thread is faster is not, so a run that failed may
//! have to be repeated a few times. `EVERTASK_TEST_FAULT_SEED` runs one seed only, and
//! `EVERTASK_TEST_FAULT_SEEDS` says how many are run.

mod errand;
mod invariants;
mod ledger;
mod play;
mod program;
mod witness;
mod world;

use std::any::Any;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use parking_lot::Mutex;

use self::play::play;
use self::world::Home;

/// How many runs go on at once: most of their time they wait for each other's threads.
const AT_ONCE: usize = 8;

/// How many failures are worth printing.
const PRINTED: usize = 3;

/// Issue 3, must show 7.
#[test]
fn whatever_goes_wrong_the_invariants_hold_in_memory() {
    play_seeds(2_000, Home::memory);
}

/// Issue 3, must show 7.
#[test]
fn whatever_goes_wrong_the_invariants_hold_on_sqlite() {
    play_seeds(100, Home::sqlite);
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("a seed is a number"))
}

fn play_seeds(count: u64, home: fn() -> Home) {
    let seeds = match number("EVERTASK_TEST_FAULT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("EVERTASK_TEST_FAULT_SEEDS").unwrap_or(count),
    };
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || failures.lock().len() >= PRINTED {
                        return;
                    }
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed, home()))) {
                        failures.lock().push((seed, text(&*panic)));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner();
    for (seed, failure) in &failures {
        println!("seed {seed}: {failure}\n");
    }
    let failed: Vec<_> = failures.iter().map(|(seed, _)| seed).collect();
    assert!(failed.is_empty(), "these seeds failed: {failed:?}");
}

fn run(seed: u64, home: Home) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the operating system gives a reactor")
        .block_on(play(seed, home));
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}
