use std::time::Duration;

use proptest::prelude::*;
use wheelhouse_core::{Effect, ErrorKind};
use wheelhouse_ratelimit::{LimitClass, LimitRequest, LimitScope, Limiter, Priority, Quota};

use crate::{Bench, ONE, TEN, bench, millis, seconds};

/// Returns how many calls got through in `time` if they come as fast as they can.
async fn saturate(bench: &Bench, class: LimitClass, time: Duration) -> u32 {
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

/// A bucket of 300 that 100 a minute refill.
const BUCKET: Quota = Quota::per_minute(100).with_burst(300);

#[tokio::test(start_paused = true)]
async fn a_burst_goes_out_at_once_and_the_rest_at_the_pace_of_the_quota() {
    let bench = bench();
    let class = LimitClass::new("test.bucket", BUCKET);
    let reserved = bench.request(class).with_priority(Priority::Reserved);
    let mut at_once = 0;
    while bench.limiter.check(&bench.request(class)).is_ok() {
        at_once += 1;
    }
    assert!((235..=240).contains(&at_once), "{at_once}");
    let mut kept = 0;
    while bench.limiter.check(&reserved).is_ok() {
        kept += 1;
    }
    assert!((55..=60).contains(&kept), "{kept}");
    assert!(at_once + kept >= 298 && at_once + kept <= 300);
    // What reserved calls took comes back before normal calls go on.
    bench.sleep(seconds(36)).await;
    let calls = saturate(&bench, class, seconds(600)).await;
    assert!((980..=1_000).contains(&calls), "{calls}");
    // A quiet time fills it again, and no further.
    bench.sleep(seconds(24 * 3_600)).await;
    let mut again = 0;
    while bench.limiter.check(&bench.request(class)).is_ok() {
        again += 1;
    }
    assert_eq!(again, at_once);
}

#[tokio::test(start_paused = true)]
async fn a_burst_leaves_room_for_cancels_however_busy_normal_calls_are() {
    let bench = bench();
    let class = LimitClass::new("test.reads", Quota::per_second(4).with_burst(10));
    for _ in 0..200 {
        let busy = bench.request(class).with_max_wait(seconds(60));
        bench.limiter.acquire(&busy).await.unwrap();
        while bench.limiter.check(&bench.request(class)).is_ok() {}
        bench.sleep(seconds(1)).await;
        while bench.limiter.check(&bench.request(class)).is_ok() {}
        let reserved = bench.request(class).with_priority(Priority::Reserved);
        for _ in 0..2 {
            bench.limiter.check(&reserved).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f49_a_refused_call_empties_the_bucket_and_slows_it_down_until_calls_go_well() {
    let bench = bench();
    let class = LimitClass::new("test.bucket", BUCKET);
    for _ in 0..50 {
        bench.limiter.check(&bench.request(class)).unwrap();
    }
    let before = bench.limiter.usage(&bench.user).await.remove(0);
    assert_eq!(
        (before.used, before.remaining, before.slowed),
        (50, 250, false)
    );
    // Somebody else has used up the broker's bucket: this side's is worth nothing either.
    bench.limiter.observe_rejection(&bench.user, class).await;
    let wait = bench.limiter.check(&bench.request(class)).unwrap_err();
    assert!(wait <= seconds(1), "{wait:?}");
    let reserved = bench.request(class).with_priority(Priority::Reserved);
    bench.limiter.check(&reserved).unwrap();
    let slowed = saturate(&bench, class, seconds(60)).await;
    assert!((50..=70).contains(&slowed), "{slowed} in a minute");
    // The bucket is smaller too, however long nobody calls: it filled up to what was refused.
    for _ in 0..5 {
        bench.sleep(seconds(120)).await;
        bench.limiter.observe_rejection(&bench.user, class).await;
    }
    bench.sleep(seconds(590)).await;
    let mut at_once = 0;
    while bench.limiter.check(&bench.request(class)).is_ok() {
        at_once += 1;
    }
    assert!((10..=60).contains(&at_once), "{at_once} at once");

    for _ in 0..14 {
        bench.sleep(seconds(601)).await;
        bench.limiter.check(&bench.request(class)).unwrap();
    }
    bench.sleep(seconds(601)).await;
    assert!(!bench.limiter.usage(&bench.user).await[0].slowed);
    let mut recovered = 0;
    while bench.limiter.check(&bench.request(class)).is_ok() {
        recovered += 1;
    }
    assert!((235..=240).contains(&recovered), "{recovered}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_a_bucket_that_is_full() {
    let bench = bench();
    let class = LimitClass::new("test.bucket", BUCKET);
    bench.limiter.check(&bench.request(class)).unwrap();
    bench.limiter.pause(&bench.user, seconds(30)).await;
    for priority in [Priority::Normal, Priority::Reserved] {
        let request = bench.request(class).with_priority(priority);
        let error = bench.limiter.acquire(&request).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(seconds(30)));
    }
    bench.sleep(seconds(30)).await;
    bench.limiter.check(&bench.request(class)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn usage_of_a_bucket_tells_what_is_in_it() {
    let bench = bench();
    let class = LimitClass::new("test.bucket", BUCKET);
    for _ in 0..30 {
        bench.limiter.check(&bench.request(class)).unwrap();
    }
    let usage = bench.limiter.usage(&bench.user).await.remove(0);
    assert_eq!(
        (usage.limit, usage.per, usage.burst),
        (100, seconds(60), Some(300))
    );
    assert_eq!((usage.used, usage.remaining), (30, 270));
    assert!(
        usage.reset > seconds(17) && usage.reset < seconds(19),
        "{:?}",
        usage.reset
    );
    bench.sleep(usage.reset / 2).await;
    let usage = bench.limiter.usage(&bench.user).await.remove(0);
    assert_eq!((usage.used, usage.remaining), (15, 285));
    bench.sleep(usage.reset).await;
    let usage = bench.limiter.usage(&bench.user).await.remove(0);
    assert_eq!(
        (usage.used, usage.remaining, usage.reset),
        (0, 300, seconds(0))
    );
    // Without a burst nothing has changed.
    bench.limiter.check(&bench.request(TEN)).unwrap();
    let usage = bench.limiter.usage(&bench.user).await;
    assert_eq!((usage[1].class.name(), usage[1].burst), ("test.ten", None));
}

#[tokio::test(start_paused = true)]
async fn a_burst_published_later_keeps_the_count() {
    let bench = bench();
    let class = LimitClass::new("test.bucket", Quota::per_minute(100));
    while bench.limiter.check(&bench.request(class)).is_ok() {}
    bench.limiter.configure(&bench.user, class, BUCKET).await;
    let mut more = 0;
    while bench.limiter.check(&bench.request(class)).is_ok() {
        more += 1;
    }
    assert!((215..=235).contains(&more), "{more}");
    bench
        .limiter
        .configure(&bench.user, class, Quota::per_minute(100))
        .await;
    assert!(bench.limiter.check(&bench.request(class)).is_err());
}

/// Calls with gaps between them, which are the shorter the higher the limit is, and returns when each
/// was let through.
fn let_through(quota: Quota, limit: u32, gaps: &[u64], reserved: &[bool]) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let bench = bench();
        bench.limiter.configure(&bench.user, TEN, quota).await;
        let mut times = Vec::new();
        for (gap, reserved) in gaps.iter().zip(reserved) {
            bench.sleep(millis(*gap / u64::from(limit))).await;
            let priority = match reserved {
                true => Priority::Reserved,
                false => Priority::Normal,
            };
            let request = bench.request(TEN).with_priority(priority);
            let request = request.with_max_wait(seconds(600));
            bench.limiter.acquire(&request).await.unwrap();
            times.push(bench.now());
        }
        times
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_stretch_of_any_length_holds_more_than_the_burst_and_what_comes_back_in_it(
        limit in 1_u32..40,
        per in 1_u64..5,
        burst in 1_u32..60,
        gaps in proptest::collection::vec(0_u64..900, 100..200),
        reserved in proptest::collection::vec(any::<bool>(), 200),
        delays in proptest::collection::vec(0_u64..=100, 200),
    ) {
        let quota = Quota::every(limit, seconds(per)).with_burst(burst);
        let times = let_through(quota, limit, &gaps, &reserved);
        // A broker's bucket of that size is never found empty, though calls are under way for up to
        // a tenth of a second. A bucket of one call has no room to make up for that.
        let arrivals = |late: bool| {
            let delay = |at: usize| if late { millis(delays[at]) } else { millis(0) };
            let mut times: Vec<_> = times.iter().enumerate().map(|(at, time)| *time + delay(at)).collect();
            times.sort_unstable();
            times
        };
        let slack = f64::from(limit) * 0.1 / per as f64;
        for late in [false, f64::from(burst) >= slack.ceil() + 1.0] {
            let (mut tokens, mut last) = (f64::from(burst), None::<Duration>);
            for time in arrivals(late) {
                let passed = last.map_or(0.0, |last| (time - last).as_secs_f64());
                tokens = f64::min(tokens + passed * f64::from(limit) / per as f64, f64::from(burst));
                last = Some(time);
                prop_assert!(tokens > 1.0 - 1e-6, "{} is overdrawn at {:?}", quota, time);
                tokens -= 1.0;
            }
        }
    }

    #[test]
    fn no_stretch_of_time_holds_more_than_the_quota(
        limit in 1_u32..40,
        per in 1_u64..5,
        gaps in proptest::collection::vec(0_u64..900, 100..200),
        reserved in proptest::collection::vec(any::<bool>(), 200),
    ) {
        let quota = Quota::every(limit, seconds(per));
        let times = let_through(quota, limit, &gaps, &reserved);
        for start in &times {
            let end = *start + seconds(per);
            let calls = times.iter().filter(|time| (*start..end).contains(*time)).count();
            prop_assert!(calls <= limit as usize, "{} calls within {} of {:?}", calls, quota, start);
        }
    }
}
