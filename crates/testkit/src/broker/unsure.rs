use wheelhouse_core::{Broker, BrokerId, ErrorKind, Resolution, Submission, UnresolvedOrder};

use super::{BrokerHarness, Trouble, stage::Stage};
use crate::{TestFailure, TestResult, outcome::ensure};

/// A placement that was carried out and not answered is unknown, is found by reading, and was made
/// once.
pub async fn lost_answers_are_unknown_and_then_found(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let request = stage.resting().await?;
    if !stage.cause(Trouble::LoseAnswer).await {
        return Ok(());
    }
    let submission = stage.broker.place_order(&request).await?;
    let open = unknown(&submission)?;
    stage.really_placed(&submission, 1).await?;
    let Resolution::Found(order) = stage.broker.resolve(&open).await? else {
        return Err(TestFailure::new("the order is there and was not found"));
    };
    ensure!(order.account == stage.account, "found in {}", order.account);
    ensure!(
        order.size == request.size && order.side == request.side,
        "found {order:?}"
    );
    let echoed = stage
        .broker
        .capabilities()
        .client_order_id
        .echoed
        .is_there();
    ensure!(
        !echoed || order.client_order_id.as_ref() == Some(&open.client_order_id),
        "found {:?} instead of {}",
        order.client_order_id,
        open.client_order_id
    );
    stage.really_placed(&submission, 1).await?;
    let all = stage.backstage.orders_placed(None).await;
    ensure!(
        all.is_none_or(|all| all == 1),
        "one placement made {all:?} orders"
    );
    Ok(())
}

/// A filled order whose answer got lost is found too.
pub async fn lost_answers_of_filled_orders_are_found(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let request = stage.at_market(1);
    if !stage.cause(Trouble::LoseAnswer).await {
        return Ok(());
    }
    let submission = stage.broker.place_order(&request).await?;
    let open = unknown(&submission)?;
    match stage.broker.resolve(&open).await? {
        Resolution::Found(order) => {
            ensure!(
                order.order_type == request.kind.order_type(),
                "found {order:?}"
            );
        }
        other => {
            return Err(TestFailure::new(format!(
                "it was filled, but {}",
                other.report()
            )));
        }
    }
    stage.really_placed(&submission, 1).await
}

/// A placement that got lost on its way is unknown, and resolved as not placed, with the evidence.
pub async fn lost_requests_are_resolved_as_not_placed(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let request = stage.resting().await?;
    if !stage.cause(Trouble::LoseRequest).await {
        return Ok(());
    }
    let submission = stage.broker.place_order(&request).await?;
    let open = unknown(&submission)?;
    match stage.broker.resolve(&open).await? {
        Resolution::NotFound(evidence) => {
            ensure!(
                evidence.complete_reads >= 1,
                "it was never read: {evidence}"
            );
            ensure!(
                evidence.last_read_at >= Some(evidence.window_ends_at),
                "the last reading, {:?}, was before the window ended, {}",
                evidence.last_read_at,
                evidence.window_ends_at
            );
        }
        other => {
            return Err(TestFailure::new(format!(
                "it was not placed, but {}",
                other.report()
            )));
        }
    }
    stage.really_placed(&submission, 0).await
}

/// What is unknown can be stored and resolved by a broker of another process.
pub async fn unknown_placements_outlive_the_process(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let request = stage.resting().await?;
    if !stage.cause(Trouble::LoseAnswer).await {
        return Ok(());
    }
    let submission = stage.broker.place_order(&request).await?;
    let open = unknown(&submission)?;
    ensure!(open.broker == stage.broker.id(), "it is at {}", open.broker);
    ensure!(
        open.request.account == stage.account,
        "it is in {}",
        open.request.account
    );
    ensure!(
        open.cause_code != 0 && !open.cause.is_empty(),
        "it does not say why: {open}"
    );
    let copy = UnresolvedOrder::clone(&open);
    let resolved = stage.broker.resolve(&copy).await?;
    ensure!(
        matches!(resolved, Resolution::Found(_)),
        "{}",
        resolved.report()
    );
    Ok(())
}

/// What is unknown at another broker is not resolved here.
pub async fn placements_at_other_brokers_are_not_resolved(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let cause = wheelhouse_core::Error::new(ErrorKind::Timeout, "no answer in time");
    let open = UnresolvedOrder::new(
        BrokerId::new("another-broker")?,
        wheelhouse_core::ClientOrderId::new("NEVER-USED")?,
        stage.resting().await?,
        stage.quote().await?.received_at,
        &cause,
    );
    let resolved = stage.broker.resolve(&open);
    stage
        .refused(
            "another broker's placement",
            ErrorKind::InvalidInput,
            resolved,
        )
        .await?;
    Ok(())
}

fn unknown(submission: &Submission) -> Result<UnresolvedOrder, TestFailure> {
    match submission {
        Submission::Unknown(open) => Ok(open.clone()),
        other => Err(TestFailure::new(format!(
            "without an answer it was {other}"
        ))),
    }
}
