use wheelhouse_core::TokenSource;
use wheelhouse_testkit::SeededRandom;

use crate::support::{Fault, HOUR, MINUTE, World};

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
