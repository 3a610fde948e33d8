//! A check of the limiter against one of governor alone, on the same clock of the machine.

#![allow(clippy::print_stdout, reason = "it reports")]

use std::{hint::black_box, num::NonZeroU32, sync::Arc};

use governor::{Quota as GovernorQuota, RateLimiter, clock::MonotonicClock};
use wheelhouse_benches::{Compared, Took, report, rounds};
use wheelhouse_core::SystemClock;
use wheelhouse_ratelimit::{LimitClass, LimitRequest, LimitScope, LocalLimiter, Quota};

const CHECKS: u32 = 200_000;
const ROUNDS: usize = 41;
const CLASS: LimitClass = LimitClass::new("bench.class", Quota::per_second(u32::MAX));

fn main() {
    let many = NonZeroU32::MAX;
    let bare = RateLimiter::direct(GovernorQuota::per_second(many));
    let same_clock =
        RateLimiter::direct_with_clock(GovernorQuota::per_second(many), MonotonicClock);
    let keyed = RateLimiter::keyed(GovernorQuota::per_second(many));
    let limiter = LocalLimiter::new(Arc::new(SystemClock::new()));
    let scope = LimitScope::new("bench:user-1");
    for other in 0..1_000 {
        let other = LimitScope::new(format!("bench:other-{other}"));
        let _ = limiter.check(&LimitRequest::new(&other, CLASS));
        let _ = keyed.check_key(&format!("bench:other-{other}"));
    }
    let request = LimitRequest::new(&scope, CLASS);
    let key = "bench:user-1".to_owned();

    let mut against_bare = Compared::default();
    let mut against_same_clock = Compared::default();
    let mut against_keyed = Compared::default();
    for _ in 0..rounds(ROUNDS) {
        let ours = Took::of(|| repeat(|| limiter.check(black_box(&request)).is_ok()));
        let floor = Took::of(|| repeat(|| black_box(&bare).check().is_ok()));
        let same_clock = Took::of(|| repeat(|| black_box(&same_clock).check().is_ok()));
        let keyed = Took::of(|| repeat(|| keyed.check_key(black_box(&key)).is_ok()));
        against_bare.add(ours, floor);
        against_same_clock.add(ours, same_clock);
        against_keyed.add(ours, keyed);
    }
    let (ours, floor) = against_bare.medians();
    println!(
        "a check takes {:?}, bare governor {:?}",
        ours / CHECKS,
        floor / CHECKS
    );
    report(
        "limiter check / bare governor check",
        against_bare.wall(),
        2.0,
        "x",
    );
    let wall = against_same_clock.wall();
    report(
        "limiter check / bare governor check on the machine's clock",
        wall,
        2.0,
        "x",
    );
    report(
        "limiter check / keyed governor check",
        against_keyed.wall(),
        2.0,
        "x",
    );
}

fn repeat(mut check: impl FnMut() -> bool) {
    for _ in 0..CHECKS {
        assert!(check(), "the quota of the bench is too small");
    }
}
