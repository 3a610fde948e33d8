use wheelhouse_core::{
    Broker, BrokerExt, BrokerOrderId, ClientOrderId, Decimal, ErrorKind, OrderKind, Price,
    RejectReason, StopLoss, Submission,
};

use super::{
    BrokerHarness, Trouble,
    stage::{Stage, skipped},
};
use crate::{TestFailure, TestResult, fixtures::size_of, outcome::ensure};

/// F50, F51: quantities that are not above zero, too large or off the grid are refused with the
/// nearest legal one, and nothing is sent.
pub async fn f50_f51_illegal_quantities_are_refused_unsent(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let good = stage.resting().await?;
    let least = stage.least();
    let rules = &stage.first.rules;
    let mut bad = vec![(Decimal::ZERO, None), (-least, None)];
    if let Some(step) = rules.quantity_step.map(|step| step.value()) {
        let below = (least + step).normalize().to_string();
        bad.push((least + step + step / Decimal::TEN, Some(below)));
    }
    if let Some(most) = rules.max_quantity.map(|most| most.value()) {
        let text = most.normalize().to_string();
        bad.push((most + least, Some(text)));
    }
    for (quantity, nearest) in bad {
        let mut request = good.clone();
        request.size = size_of(&stage.first, quantity);
        let placed = stage.broker.place_order(&request);
        let what = format!("the quantity {quantity}");
        let error = stage
            .refused(&what, ErrorKind::InvalidInput, placed)
            .await?;
        let named = nearest
            .as_ref()
            .is_none_or(|nearest| error.message().contains(nearest));
        ensure!(named, "{what} is refused without {nearest:?}: {error}");
    }
    Ok(())
}

/// F51: prices that are not above zero or off the grid are refused with the nearest legal one, and
/// nothing is sent.
pub async fn f51_illegal_prices_are_refused_unsent(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let good = stage.resting().await?;
    let Some(price) = good.kind.limit_price().map(Price::value) else {
        return Err(TestFailure::new("a limit order has no price"));
    };
    let mut bad = vec![(Decimal::ZERO, None), (-price, None)];
    if let Some(tick) = stage.first.rules.tick_at(price) {
        bad.push((
            price + tick / Decimal::TEN,
            Some(price.normalize().to_string()),
        ));
    }
    for (price, nearest) in bad {
        let mut request = good.clone();
        let price = Price::new(price);
        request.kind = OrderKind::Limit { price };
        let placed = stage.broker.place_order(&request);
        let what = format!("the price {price}");
        let error = stage
            .refused(&what, ErrorKind::InvalidInput, placed)
            .await?;
        let named = nearest
            .as_ref()
            .is_none_or(|nearest| error.message().contains(nearest));
        ensure!(named, "{what} is refused without {nearest:?}: {error}");
    }
    Ok(())
}

/// F52: a stop loss on the wrong side is refused, and nothing is sent.
pub async fn f52_brackets_on_the_wrong_side_are_refused_unsent(
    h: &impl BrokerHarness,
) -> TestResult {
    let stage = Stage::set(h).await?;
    if !stage.broker.capabilities().brackets.is_there() {
        skipped(format_args!("the broker has no brackets"));
        return Ok(());
    }
    let above = stage.price_at(Decimal::new(9, 1)).await?;
    let request = stage.resting().await?.stop_loss(StopLoss::at(above));
    let placed = stage.broker.place_order(&request);
    stage
        .refused("a stop loss above a buy", ErrorKind::InvalidInput, placed)
        .await?;
    Ok(())
}

/// A client order id that is too long for the broker is refused, and nothing is sent.
pub async fn client_order_ids_that_are_too_long_are_refused_unsent(
    h: &impl BrokerHarness,
) -> TestResult {
    let stage = Stage::set(h).await?;
    let support = stage.broker.capabilities().client_order_id;
    if !support.echoed.is_there() || support.max_len >= wheelhouse_core::MAX_ID_LEN {
        skipped(format_args!("the broker sets no limit to client order ids"));
        return Ok(());
    }
    let id = ClientOrderId::new("X".repeat(support.max_len + 1))?;
    let request = stage.resting().await?.client_order_id(id);
    let placed = stage.broker.place_order(&request);
    stage
        .refused("a long client order id", ErrorKind::InvalidInput, placed)
        .await?;
    let id = ClientOrderId::new("X".repeat(support.max_len))?;
    stage
        .accepted(&stage.resting().await?.client_order_id(id))
        .await?;
    Ok(())
}

/// What the broker refuses is a rejection, not an error, and leaves no order.
pub async fn refusals_of_the_broker_are_rejections(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    if !stage.cause(Trouble::RefuseOrder).await {
        return Ok(());
    }
    let submission = stage.broker.place_order(&stage.resting().await?).await?;
    let Submission::Rejected(rejection) = &submission else {
        return Err(TestFailure::new(format!(
            "a refused order was {submission}"
        )));
    };
    ensure!(!rejection.message.is_empty(), "the broker's words are lost");
    ensure!(
        submission.to_string().contains("3008"),
        "the code is missing: {submission}"
    );
    let known = !matches!(rejection.reason, RejectReason::Other) || !rejection.message.is_empty();
    ensure!(known, "neither reason nor words");
    stage.really_placed(&submission, 0).await
}

/// F8: an order that the broker does not know is not found; that is neither a cancel nor an order.
pub async fn f8_unknown_orders_are_not_found(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let (broker, account) = (&stage.broker, &stage.account);
    let id = BrokerOrderId::new("123456789012")?;
    stage
        .refused(
            "an unknown order",
            ErrorKind::NotFound,
            broker.order(account, &id),
        )
        .await?;
    let cancel = broker.cancel_order(account, &id).await;
    let kind = cancel.as_ref().err().map(wheelhouse_core::Error::kind);
    ensure!(
        kind == Some(ErrorKind::NotFound),
        "cancelling an unknown order gives {cancel:?}"
    );
    if broker.capabilities().client_order_id.echoed.is_there() {
        let id = ClientOrderId::new("NEVER-USED")?;
        let found = broker.order_by_client_id(account, &id).await?;
        ensure!(found.is_none(), "an unused client order id finds {found:?}");
    }
    Ok(())
}

/// Every error names the broker and the operation, carries its code, and is one sentence.
pub async fn errors_name_broker_and_operation(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let (broker, account) = (&stage.broker, &stage.account);
    let id = BrokerOrderId::new("123456789012")?;
    let mut bad = stage.resting().await?;
    bad.size = size_of(&stage.first, Decimal::ZERO);
    let foreign = wheelhouse_core::AccountId::new("99999999")?;
    for (call, error) in [
        (
            "instrument",
            broker.find_instrument(account, "NOSUCHTHING").await.err(),
        ),
        ("order", broker.order(account, &id).await.err()),
        (
            "cancel_order",
            broker.cancel_order(account, &id).await.err(),
        ),
        ("place_order", broker.place_order(&bad).await.err()),
        (
            "account_summary",
            broker.account_summary(&foreign).await.err(),
        ),
    ] {
        let Some(error) = error else {
            return Err(TestFailure::new(format!("{call} did not fail")));
        };
        ensure!(
            error.broker() == Some(&broker.id()),
            "{call} names broker {:?}",
            error.broker()
        );
        ensure!(
            error.operation() == Some(call),
            "{call} is called {:?}",
            error.operation()
        );
        let text = error.to_string();
        ensure!(
            text.contains(&error.code().to_string()),
            "{call} has no code: {text}"
        );
        ensure!(
            !text.contains('\n'),
            "{call} fails in several lines: {text}"
        );
    }
    Ok(())
}
