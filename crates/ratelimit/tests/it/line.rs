use std::sync::{Arc, Mutex};

use wheelhouse_ratelimit::{LimitRequest, Limiter, Priority};

use crate::{ONE, TEN, bench, millis, seconds};

#[tokio::test(start_paused = true)]
async fn who_waits_is_served_in_the_order_of_coming() {
    let bench = bench();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (limiter, user, order) = (bench.limiter.clone(), bench.user.clone(), order.clone());
        tasks.spawn(async move {
            let request = LimitRequest::new(&user, ONE).with_max_wait(seconds(60));
            limiter.acquire(&request).await.unwrap();
            order.lock().unwrap().push(number);
        });
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
    assert_eq!(*order.lock().unwrap(), (0..8).collect::<Vec<_>>());
    assert!(
        bench.now() >= seconds(7) && bench.now() <= seconds(8),
        "{:?}",
        bench.now()
    );
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_longer_than_the_wait_is_not_joined() {
    let bench = bench();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (limiter, user) = (bench.limiter.clone(), bench.user.clone());
        tasks.spawn(async move {
            let request = LimitRequest::new(&user, ONE).with_max_wait(seconds(5));
            limiter
                .acquire(&request)
                .await
                .map_err(|error| error.retry_after().unwrap())
        });
    }
    let results = tasks.join_all().await;
    let through = results.iter().filter(|result| result.is_ok()).count();
    assert!((4..=6).contains(&through), "{through}");
    assert!(bench.now() <= seconds(6), "{:?}", bench.now());
    for wait in results.into_iter().filter_map(Result::err) {
        assert!(wait > seconds(1) && wait <= seconds(10), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reserved_call_goes_before_every_normal_call_that_waits() {
    let bench = bench();
    bench.limiter.acquire(&bench.request(ONE)).await.unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let (limiter, user) = (bench.limiter.clone(), bench.user.clone());
        waiting.spawn(async move {
            limiter
                .acquire(&LimitRequest::new(&user, ONE).with_max_wait(seconds(60)))
                .await
        });
    }
    tokio::task::yield_now().await;
    let cancel = bench
        .request(ONE)
        .with_priority(Priority::Reserved)
        .with_max_wait(millis(2200));
    bench.limiter.acquire(&cancel).await.unwrap();
    assert!(bench.now() <= millis(2200), "{:?}", bench.now());
    assert!(waiting.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn normal_calls_never_use_the_reserved_share() {
    let bench = bench();
    for _ in 0..200 {
        let busy = bench.request(TEN).with_max_wait(seconds(60));
        bench.limiter.acquire(&busy).await.unwrap();
        let reserved = bench.request(TEN).with_priority(Priority::Reserved);
        bench.sleep(seconds(1)).await;
        while bench.limiter.check(&bench.request(TEN)).is_ok() {}
        for _ in 0..2 {
            bench.limiter.check(&reserved).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_leaves_the_line() {
    let bench = bench();
    bench.limiter.acquire(&bench.request(ONE)).await.unwrap();
    for _ in 0..50 {
        let (limiter, user) = (bench.limiter.clone(), bench.user.clone());
        let waiter = tokio::spawn(async move {
            limiter
                .acquire(&LimitRequest::new(&user, ONE).with_max_wait(seconds(60)))
                .await
        });
        tokio::task::yield_now().await;
        waiter.abort();
        assert!(waiter.await.unwrap_err().is_cancelled());
    }
    bench
        .limiter
        .acquire(&bench.request(ONE).with_max_wait(millis(1200)))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_get_no_more_than_one_would() {
    let bench = bench();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (limiter, user) = (bench.limiter.clone(), bench.user.clone());
        tasks.spawn(async move {
            let request = LimitRequest::new(&user, TEN).with_priority(Priority::Reserved);
            (0..20_000)
                .filter(|_| limiter.check(&request).is_ok())
                .count()
        });
    }
    let through: usize = tasks.join_all().await.into_iter().sum();
    // A burst of four, and one for every seventh of 1.1 s that it took.
    let most = 4 + 1 + bench.now().as_millis() as usize / 157;
    assert!(through >= 4 && through <= most, "{through} of {most}");
}
