//! How much memory a tracked key takes; how long decisions take is measured by `evertask-bench limits`.

use uuid::Uuid;

use crate::limit::{Decision, Demand, KeyedLimiter, RateLimit, Request, Scope};
use crate::task::TaskId;
use crate::time::Timestamp;

const KEYS: u32 = 10_000;

/// A tracked key of 20 bytes of a type whose name has 15, with what lists and the allocator leave unused.
#[test]
fn a_tracked_key_takes_fewer_than_200_bytes() {
    let mut limiter = KeyedLimiter::default();
    fill(&mut limiter, Timestamp::UNIX_EPOCH);
    let text = 35_usize.next_multiple_of(16) + 16;
    let bytes = limiter.table.list_bytes() / usize::try_from(KEYS).unwrap() + text;
    assert!(bytes < 200, "{bytes}");
}

fn key(number: u32) -> String {
    format!("tenant-{number:013}")
}

fn fill(limiter: &mut KeyedLimiter, now: Timestamp) {
    let limit = RateLimit::per_minute(15);
    for number in 0..KEYS {
        let key = key(number);
        let scope = Scope::key("partner.deliver", &key).unwrap().unwrap();
        let demands = [Demand::new(scope, &limit).unwrap()];
        let request = Request::new(TaskId(Uuid::from_u128(number.into())), &demands).unwrap();
        let decision = limiter.acquire(&request, now);
        assert_eq!(decision, Decision::Granted { untracked: 0 });
    }
    assert_eq!(limiter.tracked(), usize::try_from(KEYS).unwrap());
}
