use std::time::Duration;

use wheelhouse_core::TokenSource;
use wheelhouse_testkit::SeededRandom;

use crate::{
    processes::in_two_processes,
    support::{Fault, HOUR, MINUTE, World, settle},
};

#[tokio::test]
async fn tok_4_of_a_thousand_refreshes_with_a_fifth_of_the_answers_lost_none_loops() {
    let world = World::new();
    let random = SeededRandom::new(20);
    let (mut refreshed, mut refused, mut lost) = (0, 0, 0);
    let mut session = world.log_in().await;
    for _ in 0..1000 {
        let fault = match random.below(10) {
            0 => Some(Fault::AnswerLost),
            1 => Some(Fault::RequestLost),
            _ => None,
        };
        lost += u32::from(fault.is_some());
        world.broker.fail(fault.as_slice());
        let before = world.broker.posts();
        let result = session.refresh().await;
        let posts = world.broker.posts() - before;
        assert!((1..=2).contains(&posts), "{posts} posts");
        match result {
            Ok(()) => refreshed += 1,
            Err(error) => {
                assert_eq!(error.code(), 1006, "{error}");
                assert_eq!(fault, Some(Fault::AnswerLost));
                refused += 1;
                // Nothing more is tried; only a new login helps.
                assert_eq!(session.refresh().await.unwrap_err().code(), 1006);
                assert_eq!(world.broker.posts() - before, posts);
                session = world.log_in().await;
            }
        }
    }
    assert_eq!(refreshed + refused, 1000);
    assert!(
        refused > 50 && lost > 150 && refreshed > 700,
        "{refused} {lost} {refreshed}"
    );
}

#[tokio::test]
async fn a_request_that_was_lost_twice_is_not_sent_a_third_time() {
    let world = World::new();
    let session = world.log_in().await;
    world.broker.fail(&[Fault::RequestLost; 10]);
    world.clock.advance(MINUTE * 46);
    // The present token still lives and is used to its end.
    assert_eq!(session.token().await.unwrap().generation(), 1);
    assert_eq!(world.broker.posts(), 2);
    world.clock.advance(MINUTE * 10);
    assert_eq!(session.token().await.unwrap().generation(), 1);
    assert_eq!(session.refresh().await.unwrap_err().code(), 1006);
    world.clock.advance(MINUTE * 5);
    assert_eq!(session.token().await.unwrap_err().code(), 1006);
    assert_eq!(world.broker.posts(), 2);
    assert!(!session.is_alive());
}

#[tokio::test]
async fn a_doubt_is_remembered_over_an_attempt_that_was_not_sent() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(HOUR);
    world
        .broker
        .fail(&[Fault::RequestLost, Fault::NotSent, Fault::RequestLost]);
    let error = session.token().await.unwrap_err();
    assert_eq!(error.code(), 2001, "{error}");
    world.clock.advance(MINUTE);
    assert_eq!(session.token().await.unwrap_err().code(), 1006);
    assert_eq!(world.broker.posts(), 3);
}

#[tokio::test]
async fn an_answer_that_tells_nothing_counts_as_lost() {
    let world = World::new();
    let session = world.log_in().await;
    world.broker.fail(&[Fault::Failure]);
    session.refresh().await.unwrap();
    assert_eq!(world.broker.posts(), 2);
}

#[tokio::test]
async fn a_second_attempt_extends_the_lease_of_the_first() {
    let world = World::new();
    let (here, there) = in_two_processes(&world).await;
    world.clock.advance(HOUR);
    world.broker.fail(&[Fault::RequestLost]);
    world.broker.close_gate();
    let one = tokio::spawn(async move { here.token().await });
    world.clock.walk(Duration::from_secs(40)).await;
    world.broker.let_one_through();
    settle().await;
    assert_eq!(world.broker.posts(), 2);
    let two = tokio::spawn(async move { there.token().await });
    world.clock.walk(Duration::from_secs(30)).await;
    assert_eq!(world.broker.posts(), 2, "two processes refreshed at once");
    world.broker.open_gate();
    settle().await;
    world.clock.walk(Duration::from_secs(2)).await;
    let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
    assert_eq!(one.expose(), two.expose());
    assert_eq!((world.broker.posts(), world.broker.alarms()), (2, 0));
}

#[tokio::test]
async fn a_second_attempt_waits_for_a_process_that_took_the_lease_meanwhile() {
    let world = World::new();
    let (here, there) = in_two_processes(&world).await;
    world.clock.advance(HOUR);
    world.broker.fail(&[Fault::RequestLost]);
    world.broker.close_gate();
    let one = tokio::spawn(async move { here.token().await });
    settle().await;
    let two = tokio::spawn(async move { there.token().await });
    world.clock.walk(Duration::from_secs(62)).await;
    assert_eq!(world.broker.posts(), 2, "the lease was not handed over");
    world.broker.let_one_through();
    settle().await;
    assert_eq!(world.broker.posts(), 2, "two processes refreshed at once");
    world.broker.open_gate();
    settle().await;
    world.clock.walk(Duration::from_secs(2)).await;
    let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
    assert_eq!(one.expose(), two.expose());
    assert_eq!((world.broker.posts(), world.broker.alarms()), (2, 0));
}
