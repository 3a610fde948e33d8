use time::Duration as Span;
use wheelhouse_core::{Clock, TokenSource};
use wheelhouse_session::SessionPolicy;
use wheelhouse_testkit::SeededRandom;

use crate::support::{HOUR, MINUTE, World};

/// Asks for tokens for an hour of true time, and checks that none is used after its end.
async fn use_for_an_hour(world: &World, session: &wheelhouse_session::Session) -> u32 {
    let before = world.broker.posts();
    for _ in 0..60 {
        for _ in 0..10 {
            if let Ok(token) = session.token().await {
                assert!(world.broker.takes(&token), "a token was used after its end");
            }
        }
        world.clock.advance(MINUTE);
    }
    world.broker.posts() - before
}

#[tokio::test]
async fn tok_6_a_clock_set_back_an_hour_uses_no_dead_token() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(MINUTE * 10);
    world.clock.jump_wall(-Span::HOUR);
    assert_eq!(use_for_an_hour(&world, &session).await, 1);
    assert!(session.token().await.is_ok());
}

#[tokio::test]
async fn tok_6_a_clock_set_forward_an_hour_asks_once_and_says_why() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(MINUTE * 10);
    world.clock.jump_wall(Span::HOUR);
    let mut errors = 0;
    for _ in 0..100 {
        match session.token().await {
            Ok(token) => assert!(world.broker.takes(&token)),
            Err(error) => {
                assert_eq!(error.code(), 3006);
                assert!(error.to_string().contains("clock"), "{error}");
                errors += 1;
            }
        }
    }
    assert_eq!((world.broker.posts(), errors), (1, 100));
    // Put right again, the session goes on.
    world.clock.jump_wall(-Span::HOUR);
    world.clock.advance(MINUTE * 5);
    let token = session.token().await.unwrap();
    assert!(world.broker.takes(&token));
    assert_eq!((world.broker.posts(), world.broker.alarms()), (2, 0));
}

#[tokio::test]
async fn tok_6_a_clock_set_forward_25_hours_ends_the_session_without_a_refresh() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.jump_wall(Span::hours(25));
    for _ in 0..100 {
        assert_eq!(session.token().await.unwrap_err().code(), 1003);
    }
    world.clock.jump_wall(-Span::hours(25));
    assert_eq!(session.token().await.unwrap_err().code(), 1003);
    assert_eq!(world.broker.posts(), 0);
}

#[tokio::test]
async fn tok_6_a_machine_that_slept_13_hours_has_no_session_left() {
    let world = World::new();
    let session = world.log_in().await;
    // Monotonic time stands still meanwhile.
    world.clock.jump_wall(Span::hours(13));
    world.broker.sleep_through(Span::hours(13));
    assert_eq!(session.token().await.unwrap_err().code(), 1003);
    assert_eq!(world.broker.posts(), 0);
}

#[tokio::test]
async fn tok_6_a_machine_that_slept_two_hours_refreshes_once_on_waking() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.jump_wall(Span::hours(2));
    world.broker.sleep_through(Span::hours(2));
    for _ in 0..100 {
        let token = session.token().await.unwrap();
        assert!(world.broker.takes(&token));
    }
    assert_eq!(world.broker.posts(), 1);
}

#[tokio::test]
async fn tok_6_daylight_saving_is_nothing_to_a_clock_in_utc() {
    let world = World::new();
    let session = world.log_in().await;
    // From two hours before the change in Central Europe to two after it.
    let change = time::macros::datetime!(2026-03-29 01:00 UTC);
    assert!(world.clock.now() < change);
    let before = use_for_an_hour(&world, &session).await;
    assert_eq!(before, 1);
    assert_eq!(use_for_an_hour(&world, &session).await, 1);
}

#[tokio::test]
async fn tok_6_no_walk_of_time_and_jumps_uses_a_dead_token_or_asks_too_often() {
    let mut total = 0;
    for seed in 0..300 {
        let world = World::new();
        let random = SeededRandom::new(seed);
        let session = world.log_in().await;
        let mut used = 0;
        for _ in 0..40 {
            let seconds = random.below(1800);
            // Set back for as long as it slept, a machine cannot tell that time has passed: a run
            // has the one or the other.
            match random.below(8) {
                0 if seed % 2 == 0 => world.clock.jump_wall(-Span::seconds(seconds as i64 * 3)),
                1 => world.clock.jump_wall(Span::seconds(seconds as i64 * 3)),
                2 if seed % 2 == 1 => {
                    world.clock.jump_wall(Span::seconds(seconds as i64));
                    world.broker.sleep_through(Span::seconds(seconds as i64));
                }
                _ => world.clock.advance(std::time::Duration::from_secs(seconds)),
            }
            let before = world.broker.posts();
            for _ in 0..3 {
                if let Ok(token) = session.token().await {
                    assert!(
                        world.broker.takes(&token),
                        "seed {seed}: a dead token was used"
                    );
                    used += 1;
                }
            }
            assert!(world.broker.posts() - before <= 1, "seed {seed}: a storm");
        }
        assert_eq!(world.broker.alarms(), 0, "seed {seed}");
        total += used;
    }
    // Of 36,000 askings; after a jump forward there is no token until the clock is put right.
    assert!(total > 10_000, "only {total} tokens were had");
}

#[tokio::test]
async fn a_session_resumed_after_the_clock_was_set_back_is_no_longer_than_the_policy() {
    let world = World::new();
    let session = world.log_in().await;
    let identity = session.identity().clone();
    world.clock.jump_wall(-Span::hours(48));
    let other = world.other_process();
    let resumed = other
        .resume(world.authenticator(), &identity)
        .await
        .unwrap()
        .unwrap();
    assert!(resumed.ends_at() <= world.clock.now() + HOUR * 12);
}

#[tokio::test]
async fn tok_7_five_hundred_sessions_spread_their_refreshes() {
    let world = World::new();
    *world.broker.policy.lock().unwrap() = SessionPolicy::new();
    let start = world.clock.now();
    let mut buckets = std::collections::HashMap::<i64, u32>::new();
    let (mut first, mut last) = (i64::MAX, 0);
    for number in 0..500 {
        let session = world.log_in_as(&format!("user-{number}")).await;
        let due = (session.refresh_due_at().unwrap() - start).whole_seconds();
        *buckets.entry(due / 10).or_default() += 1;
        (first, last) = (first.min(due), last.max(due));
    }
    assert!((2430..=2970).contains(&first) && (2430..=2970).contains(&last));
    assert!(last - first > 500, "only {} s apart", last - first);
    let fullest = buckets.values().max().copied().unwrap();
    assert!(fullest <= 25, "{fullest} refreshes in ten seconds");
}
