use proptest::prelude::*;
use wheelhouse_core::{Effect, ErrorKind};
use wheelhouse_ratelimit::{LimitClass, LimitRequest, LimitScope, Limiter, Priority, Quota};

use crate::{Bench, ONE, TEN, bench, millis, seconds};

/// Returns how many calls got through in `time` if they come as fast as they can.
async fn saturate(bench: &Bench, class: LimitClass, time: std::time::Duration) -> u32 {
    let until = bench.now() + time;
    let mut calls = 0;
    loop {
        let request = bench.request(class).with_max_wait(seconds(60));
        bench.limiter.acquire(&request).await.unwrap();
        if bench.now() > until {
            return calls;
        }
        calls += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn one_a_second_is_one_a_second() {
    let bench = bench();
    let calls = saturate(&bench, ONE, seconds(60)).await;
    assert!((50..=60).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn ten_a_second_is_never_more_and_not_much_less() {
    let bench = bench();
    let calls = saturate(&bench, TEN, seconds(60)).await;
    assert!((350..=600).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_wait_too_long_is_refused_with_the_time_to_come_back() {
    let bench = bench();
    let request = bench.request(ONE).with_max_wait(millis(500));
    bench.limiter.acquire(&request).await.unwrap();
    let before = bench.now();
    let error = bench.limiter.acquire(&request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::RateLimited, Effect::None)
    );
    assert_eq!(bench.now(), before, "it is refused at once");
    let wait = error.retry_after().unwrap();
    assert!(wait > millis(1000) && wait <= millis(1100), "{wait:?}");
    bench.sleep(wait).await;
    bench
        .limiter
        .acquire(&request.with_max_wait(seconds(0)))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_published_quota_replaces_the_default_and_keeps_the_count() {
    let bench = bench();
    bench.limiter.acquire(&bench.request(ONE)).await.unwrap();
    bench
        .limiter
        .configure(&bench.user, ONE, Quota::per_second(2))
        .await;
    assert!(bench.limiter.check(&bench.request(ONE)).is_err());
    bench.sleep(millis(1100)).await;
    let calls = saturate(&bench, ONE, seconds(60)).await;
    assert!((100..=120).contains(&calls), "{calls}");

    bench
        .limiter
        .configure(&bench.user, ONE, Quota::per_minute(6))
        .await;
    let calls = saturate(&bench, ONE, seconds(600)).await;
    assert!((40..=60).contains(&calls), "{calls}");

    let other = LimitScope::new("test:other");
    let usage = bench.limiter.usage(&other).await;
    assert!(usage.is_empty(), "{usage:?}");
}

#[tokio::test(start_paused = true)]
async fn f49_a_quota_that_turns_out_lower_slows_calls_down_and_recovers() {
    let bench = bench();
    let class = LimitClass::new("test.assumed", Quota::per_second(4));
    let before = saturate(&bench, class, seconds(20)).await;
    // Three calls that were under way together are refused together: one step.
    for _ in 0..3 {
        bench.limiter.observe_rejection(&bench.user, class).await;
    }
    assert!(bench.limiter.usage(&bench.user).await[0].slowed);
    let slowed = saturate(&bench, class, seconds(20)).await;
    assert!(
        slowed * 4 < before * 3 && slowed * 2 > before,
        "{slowed} after {before}"
    );
    for _ in 0..20 {
        bench.sleep(seconds(2)).await;
        bench.limiter.observe_rejection(&bench.user, class).await;
    }
    let slowest = saturate(&bench, class, seconds(20)).await;
    assert!(
        slowest >= 4 && slowest * 5 < before,
        "{slowest} after {before}"
    );

    bench.sleep(seconds(10)).await;
    for _ in 0..10 {
        saturate(&bench, class, seconds(60)).await;
    }
    assert!(!bench.limiter.usage(&bench.user).await[0].slowed);
    let recovered = saturate(&bench, class, seconds(20)).await;
    assert!(recovered + 2 >= before, "{recovered} after {before}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_every_class_and_priority_of_its_scope() {
    let bench = bench();
    bench.limiter.pause(&bench.user, seconds(30)).await;
    bench.limiter.pause(&bench.user, seconds(5)).await;
    for class in [ONE, TEN] {
        for priority in [Priority::Normal, Priority::Reserved] {
            let request = bench.request(class).with_priority(priority);
            let error = bench.limiter.acquire(&request).await.unwrap_err();
            assert_eq!(error.retry_after(), Some(seconds(30)));
        }
    }
    let other = LimitScope::new("test:other");
    bench
        .limiter
        .acquire(&LimitRequest::new(&other, ONE))
        .await
        .unwrap();

    let before = bench.now();
    bench
        .limiter
        .acquire(&bench.request(ONE).with_max_wait(seconds(31)))
        .await
        .unwrap();
    assert!(bench.now() - before >= seconds(30));
}

#[tokio::test(start_paused = true)]
async fn usage_tells_limit_used_remaining_and_reset() {
    let bench = bench();
    bench
        .limiter
        .configure(&bench.user, ONE, Quota::per_second(3))
        .await;
    bench.sleep(seconds(10)).await;
    for _ in 0..3 {
        bench
            .limiter
            .check(&bench.request(TEN).with_priority(Priority::Reserved))
            .unwrap();
    }
    let usage = bench.limiter.usage(&bench.user).await;
    let figures: Vec<_> = usage
        .iter()
        .map(|u| (u.class.name(), u.limit, u.used, u.remaining))
        .collect();
    assert_eq!(figures, [("test.one", 3, 0, 3), ("test.ten", 10, 3, 7)]);
    let reset = usage[1].reset;
    assert!(reset > millis(0) && reset <= seconds(1), "{reset:?}");
    bench.sleep(reset).await;
    assert_eq!(bench.limiter.usage(&bench.user).await[1].used, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_stretch_of_time_holds_more_than_the_quota(
        limit in 1_u32..40,
        per in 1_u64..5,
        gaps in proptest::collection::vec(0_u64..900, 100..200),
        reserved in proptest::collection::vec(any::<bool>(), 200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let quota = Quota::every(limit, seconds(per));
        let times = runtime.block_on(async {
            let bench = bench();
            bench.limiter.configure(&bench.user, TEN, quota).await;
            let mut times = Vec::new();
            for (gap, reserved) in gaps.iter().zip(&reserved) {
                bench.sleep(millis(*gap / u64::from(limit))).await;
                let priority = if *reserved { Priority::Reserved } else { Priority::Normal };
                let request = bench.request(TEN).with_priority(priority).with_max_wait(seconds(600));
                bench.limiter.acquire(&request).await.unwrap();
                times.push(bench.now());
            }
            times
        });
        for start in &times {
            let end = *start + seconds(per);
            let calls = times.iter().filter(|time| (*start..end).contains(*time)).count();
            prop_assert!(calls <= limit as usize, "{} calls within {} of {:?}", calls, quota, start);
        }
    }
}
