//! Tasks that are not allowed to wait as long as they would have to.

use std::time::Duration;

use super::Make;
use super::world::{Told, World, answer, at, demand, every, id, key, told};
use crate::limit::{Decision, Overflow, RefusalReason, Request};

/// Section 8.6: discard policy with no budget; the error has the key, the slot and the policy.
pub fn what_is_discarded_books_nothing(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(5_000).overflow(Overflow::Discard));
    assert_eq!(world.one(0, &limit, 0), Told::Go);
    for number in 1..4 {
        let demands = [demand("a", &limit)];
        let request = Request::new(id(number), &demands).unwrap();
        let decision = world.decide(&request, 1_000);
        let Decision::Refused(refusal) = decision else {
            panic!("{decision:?}");
        };
        assert_eq!(refusal.reason, RefusalReason::Discarded);
        assert_eq!(refusal.scope.as_scope(), key("a"));
        assert_eq!((refusal.slot, refusal.limit), (at(5_000), limit));
    }
    assert_eq!(world.overview(1_000).parked, 0);
    assert_eq!(world.one(4, &limit, 5_000), Told::Go);
}

/// Core edge case 153: slot == `run_until` is too late.
pub fn a_slot_at_the_end_of_its_series_is_too_late(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    world.one(0, &limit, 0);
    let demands = [demand("a", &limit)];
    let ask = |number, end| {
        let request = Request::new(id(number), &demands).unwrap().before(at(end));
        told(&world.decide(&request, 0))
    };
    assert_eq!(ask(1, 10_000), Told::Never(RefusalReason::PastEnd));
    assert_eq!(ask(1, 9_999), Told::Never(RefusalReason::PastEnd));
    assert_eq!(world.overview(0).parked, 0, "nothing is booked");
    assert_eq!(ask(1, 10_001), Told::At(10_000));
}

/// Section 8.3: the reservation is released.
pub fn an_owner_that_is_moved_past_the_end_gives_its_slot_up(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    let demands = [demand("a", &limit)];
    let ask = |now| {
        let request = Request::new(id(1), &demands).unwrap().before(at(15_000));
        told(&world.decide(&request, now))
    };
    world.one(0, &limit, 0);
    assert_eq!(ask(0), Told::At(10_000));
    assert!(answer(world.limiter.pause(&demands[0], at(20_000), at(0))));
    assert_eq!(ask(10_000), Told::Never(RefusalReason::PastEnd));
    assert_eq!(world.overview(10_000).parked, 0);
}

/// Core edge case 156 and the series of core scenario 43: an occurrence that is refused tells when there
/// will be budget, so the schedule can go on from there.
pub fn a_series_faster_than_the_refill_asks_once_per_refill(make: Make<'_>) {
    let limit = every(3_500).horizon(Duration::from_secs(1));
    let world = World::new(make);
    let demands = [demand("a", &limit)];
    let (mut now, mut asked, mut runs) = (0, 0, 0);
    while now < 350_000 {
        let number = u32::try_from(now).unwrap();
        let request = Request::new(id(number), &demands).unwrap();
        asked += 1;
        now = match world.decide(&request, now) {
            Decision::Granted { .. } => {
                runs += 1;
                now + 1_000
            }
            Decision::Deferred(deferral) => {
                let slot = (deferral.slot - at(0)).num_milliseconds();
                assert_eq!(world.ask(number, &demands, slot), Told::Go);
                runs += 1;
                (slot / 1_000 + 1) * 1_000
            }
            Decision::Refused(refusal) => {
                let slot = (refusal.slot - at(0)).num_milliseconds();
                (slot + 999) / 1_000 * 1_000
            }
        };
    }
    assert!(
        (88..=100).contains(&runs),
        "{runs} runs in 350 s, one every 3.5 to 4 s"
    );
    assert!(asked <= 2 * runs + 1, "{asked} questions for {runs} runs");
}
