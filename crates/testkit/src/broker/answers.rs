use std::{future::poll_fn, time::Duration};

use wheelhouse_core::{
    Broker, BrokerEvent, BrokerExt, ErrorKind, EventKind, EventStream, OrderQuery, Result,
    Submission, Subscription,
};

use super::{
    BrokerHarness, Trouble,
    stage::{Stage, skipped},
};
use crate::{TestFailure, TestResult, outcome::ensure};

/// A question is asked before the order is placed, and the answer places it once.
pub async fn questions_come_before_the_order(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    if !stage.broker.capabilities().asks_questions || !stage.cause(Trouble::Ask).await {
        return Ok(());
    }
    let request = stage.resting().await?;
    let asked = match stage.broker.place_order(&request).await? {
        Submission::NeedsConfirmation(asked) => asked,
        other => return Err(TestFailure::new(format!("nothing was asked: {other}"))),
    };
    ensure!(!asked.questions.is_empty(), "there is no question");
    let placed = stage.backstage.orders_placed(None).await;
    ensure!(
        placed.is_none_or(|placed| placed == 0),
        "it was placed before the answer"
    );
    let answered = stage.broker.confirm_order(&asked).await?;
    ensure!(
        matches!(answered, Submission::Accepted(_)),
        "after the answer: {answered}"
    );
    stage.really_placed(&answered, 1).await
}

/// A stream begins with a snapshot, catches up and then tells of an order.
pub async fn streams_catch_up_and_tell_of_orders(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(streaming) = stage.broker.streaming() else {
        skipped(format_args!("the broker has no streams"));
        return Ok(());
    };
    let before = stage.accepted(&stage.resting().await?).await?;
    let mut events = streaming.events(Subscription::account(&stage.account))?;
    let mut snapshot = Vec::new();
    loop {
        let event = next(&mut events).await?;
        match event.kind {
            EventKind::CaughtUp => break,
            kind => snapshot.push(kind),
        }
    }
    let has = |kind: &EventKind| matches!(kind, EventKind::Order(order) if order.id == before.id);
    ensure!(
        snapshot.iter().any(has),
        "the snapshot lacks a working order: {snapshot:?}"
    );
    let after = stage.accepted(&stage.resting().await?).await?;
    loop {
        let event = next(&mut events).await?;
        match event.kind {
            EventKind::Order(order) if order.id == after.id => break,
            _ => {}
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a stream that stays silent must fail the check"
)]
async fn next(events: &mut EventStream) -> Result<BrokerEvent, TestFailure> {
    let event = poll_fn(|context| events.as_mut().poll_next(context));
    match tokio::time::timeout(Duration::from_secs(20), event).await {
        Ok(Some(event)) => Ok(event),
        Ok(None) => Err(TestFailure::new("the stream ended")),
        Err(_) => Err(TestFailure::new("the stream is silent")),
    }
}

/// F10: a limit of the broker is waited for, or told together with how long to wait.
pub async fn f10_limits_are_waited_for_or_told(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let accepted = stage.accepted(&stage.resting().await?).await?;
    if !stage.cause(Trouble::LimitRead).await {
        return Ok(());
    }
    let (broker, account) = (&stage.broker, &stage.account);
    match broker.all_orders(account, OrderQuery::open()).await {
        Ok(open) => ensure!(
            open.iter().any(|it| it.id == accepted.id),
            "after the wait the order is missing"
        ),
        Err(error) => {
            let kind = error.kind();
            ensure!(
                kind == ErrorKind::RateLimited,
                "the limit is told as {error}"
            );
            ensure!(
                error.retry_after().is_some(),
                "it is not told how long to wait"
            );
        }
    }
    Ok(())
}

/// F1, F2, F31: what is not an answer of the API is an error, never an empty list.
pub async fn f31_broken_answers_are_never_taken_for_none(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    stage.accepted(&stage.resting().await?).await?;
    if !stage.cause(Trouble::BreakReads).await {
        return Ok(());
    }
    let (broker, account) = (&stage.broker, &stage.account);
    match broker.all_orders(account, OrderQuery::open()).await {
        Ok(open) => Err(TestFailure::new(format!(
            "a broken answer was read as {} orders",
            open.len()
        ))),
        Err(error) => {
            use ErrorKind::{
                BrokerFailure, CircuitOpen, Network, NotTheProtocol, UnexpectedAnswer,
            };
            let fit = [
                BrokerFailure,
                CircuitOpen,
                Network,
                NotTheProtocol,
                UnexpectedAnswer,
            ];
            ensure!(fit.contains(&error.kind()), "a broken answer is {error}");
            Ok(())
        }
    }
}
