//! Everything at once, killed at random times: core acceptance scenario 48.
//!
//! With each test run it is short. `EVERTASK_TEST_SOAK_MINUTES` makes it go on for that long, as the
//! scenario says: with a kill every 20 to 40 seconds.

mod account;
mod child;
mod promises;
mod work;

use std::time::Duration;

use evertask::time::SystemClock;

use super::report::{Assignment, How, Report, What};
use super::scene::Scene;
use crate::dice::Dice;
use account::Account;
use child::ENTRY;

/// How many handlers run at once in each of the two queues.
const PARALLELISM: usize = 6;

/// Far fewer than what is open under load, so that most of it is spilled.
const CAPACITY: usize = 6;

/// How many callers a child has. Each waits for its task, so this is also how much is open.
const CALLERS: u32 = 40;

/// How many kills there are if nobody says how long it is to go on.
const KILLS: u32 = 6;

/// When a child is killed: right after something of that kind was reported.
#[derive(Clone, Copy, Debug)]
enum Moment {
    OnceEntered,
    SeriesEntered,
    /// An end is not committed yet.
    Left,
    Updated,
    Cancelled,
    Over,
}

impl Moment {
    const ALL: [Self; KILLS as usize] = [
        Self::OnceEntered,
        Self::SeriesEntered,
        Self::Left,
        Self::Updated,
        Self::Cancelled,
        Self::Over,
    ];

    fn is_now(self, report: &Report) -> bool {
        match (self, report.what) {
            (Self::OnceEntered, What::Entered(run)) => run.occurrence.is_none(),
            (Self::SeriesEntered, What::Entered(run)) => run.occurrence.is_some(),
            (Self::Updated, What::Answered(answered)) => answered.how == How::Updated,
            (Self::Left, What::Left(_))
            | (Self::Cancelled, What::Cancelled(_))
            | (Self::Over, What::Over(_)) => true,
            _ => false,
        }
    }
}

/// How long the soak is.
#[derive(Clone, Copy, Debug)]
enum Length {
    Short,
    Full(Duration),
}

impl Length {
    fn wanted() -> Self {
        match std::env::var("EVERTASK_TEST_SOAK_MINUTES") {
            Ok(minutes) => Self::Full(Duration::from_mins(minutes.parse().unwrap())),
            Err(_) => Self::Short,
        }
    }

    fn assignment(self) -> Assignment {
        let longest_delay = match self {
            Self::Short => 200,
            // Fewer tasks and longer waits: the database is read after each kill.
            Self::Full(_) => 3_000,
        };
        Assignment {
            tasks: CALLERS,
            longest_delay,
            ..Assignment::default()
        }
    }

    /// Lets a child work until it is its time.
    fn work(self, scene: &mut Scene, dice: &mut Dice) {
        match self {
            Self::Short => {
                for _ in 0..20 + dice.throw(80) {
                    scene.until(|report| matches!(report.what, What::Left(_)));
                }
            }
            Self::Full(_) => {
                let milliseconds = 20_000 + dice.throw(20_000);
                scene.listen(Duration::from_millis(milliseconds.into()));
            }
        }
    }
}

/// Core acceptance scenario 48.
///
/// What the ledger checks at every report and every look at the rows is part of it, as in the tests
/// beside it; what is more is in the [`Account`].
#[actix::test]
async fn nothing_of_a_mix_of_everything_is_lost_or_doubled_by_kills_at_random_times() {
    let length = Length::wanted();
    let mut scene = Scene::new();
    let mut account = Account::default();
    let mut dice = Dice::new(48);
    let clock = SystemClock::shared();
    let mut moments = dice.shuffle(Moment::ALL.to_vec()).into_iter().cycle();
    let goes_on = |kills: u32| match length {
        Length::Short => kills < KILLS,
        Length::Full(span) => clock.elapsed() < span,
    };
    while goes_on(account.kills()) {
        let child = scene.start_with(ENTRY, length.assignment());
        let number = child.number;
        length.work(&mut scene, &mut dice);
        let moment = moments.next().unwrap();
        // One that never comes is found by the account; it need not be waited for.
        let mut left = 0..2_000;
        scene.until(|report| {
            let is_left = matches!(report.what, What::Left(_));
            moment.is_now(report) || (is_left && left.next().is_none())
        });
        scene.kill(child);
        let rows = scene.look().await;
        account.note_kill(&scene, number, &rows).await;
    }
    let last = scene.start_with(ENTRY, length.assignment());
    length.work(&mut scene, &mut dice);
    let rows = scene.finish(vec![last]).await;
    println!("{}", account.summary(&scene, &rows).await);
    account.check_the_end(&scene, &rows);
    account.check_that_it_was_a_mix(&scene);
}
