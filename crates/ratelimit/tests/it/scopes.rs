use std::sync::Arc;

use wheelhouse_core::SystemClock;
use wheelhouse_ratelimit::{LimitRequest, LimitScope, Limiter, LocalLimiter, Quota};

use crate::{ONE, TEN, bench, seconds};

#[tokio::test(start_paused = true)]
async fn thousands_of_users_do_not_wait_for_each_other() {
    let bench = bench();
    for user in 0..5_000 {
        let user = LimitScope::new(format!("user-{user}"));
        bench.limiter.check(&LimitRequest::new(&user, ONE)).unwrap();
        assert!(bench.limiter.check(&LimitRequest::new(&user, ONE)).is_err());
    }
    assert_eq!(bench.limiter.scopes(), 5_000);
}

#[tokio::test(start_paused = true)]
async fn idle_scopes_are_forgotten_without_being_asked() {
    let bench = bench();
    for user in 0..100_000 {
        let user = LimitScope::new(format!("user-{user}"));
        bench.limiter.check(&LimitRequest::new(&user, ONE)).unwrap();
        if user.as_str().ends_with("000") {
            bench.sleep(seconds(2)).await;
        }
    }
    let scopes = bench.limiter.scopes();
    assert!(scopes < 5_000, "{scopes} scopes are remembered");
    bench.sleep(seconds(2)).await;
    bench.limiter.retain_recent();
    assert_eq!(bench.limiter.scopes(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_still_counts_is_not_forgotten() {
    let bench = bench();
    let [counted, paused, configured, slowed] = ["a", "b", "c", "d"].map(LimitScope::new);
    bench
        .limiter
        .configure(&configured, ONE, Quota::per_minute(1))
        .await;
    bench.limiter.pause(&paused, seconds(100)).await;
    bench.limiter.observe_rejection(&slowed, TEN).await;
    bench.sleep(seconds(10)).await;
    bench
        .limiter
        .check(&LimitRequest::new(&counted, ONE))
        .unwrap();
    bench.limiter.retain_recent();
    assert_eq!(bench.limiter.scopes(), 4);
    assert!(
        bench
            .limiter
            .check(&LimitRequest::new(&counted, ONE))
            .is_err()
    );
    assert!(
        bench
            .limiter
            .check(&LimitRequest::new(&paused, ONE))
            .is_err()
    );
    assert_eq!(bench.limiter.usage(&configured).await[0].per, seconds(60));
    assert!(bench.limiter.usage(&slowed).await[0].slowed);

    bench.sleep(seconds(24 * 3600)).await;
    bench.limiter.retain_recent();
    assert_eq!(bench.limiter.usage(&configured).await[0].per, seconds(60));
    bench.sleep(seconds(3 * 3600)).await;
    bench.limiter.retain_recent();
    assert!(bench.limiter.usage(&configured).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_number_of_scopes_is_bounded() {
    let limiter = LocalLimiter::builder(Arc::new(SystemClock::new()))
        .max_scopes(320)
        .build();
    for user in 0..10_000 {
        let user = LimitScope::new(format!("user-{user}"));
        limiter.check(&LimitRequest::new(&user, ONE)).unwrap();
    }
    assert!(limiter.scopes() <= 320, "{}", limiter.scopes());
}
