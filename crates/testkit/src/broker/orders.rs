use wheelhouse_core::{
    Broker, BrokerExt, ClientOrderId, Decimal, ErrorKind, OrderChange, OrderQuery, OrderState,
    Price, ReplaceSupport, Submission,
};

use super::{
    BrokerHarness,
    stage::{Stage, skipped},
};
use crate::{TestFailure, TestResult, outcome::ensure};

/// A resting order is found by both identifiers and among the open ones; cancelled, it becomes
/// final.
pub async fn limit_orders_live_from_placement_to_cancel(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let (broker, account) = (&stage.broker, &stage.account);
    let request = stage.resting().await?;
    let accepted = stage.accepted(&request).await?;
    ensure!(
        accepted.account == *account,
        "it was placed in {}",
        accepted.account
    );

    let order = stage
        .order_when(&accepted.id, |order| order.state.is_open())
        .await?;
    ensure!(
        order.account == *account,
        "the order is in {}",
        order.account
    );
    ensure!(
        order.instrument == request.instrument,
        "the order is of {}",
        order.instrument
    );
    ensure!(order.side == request.side, "the order is to {}", order.side);
    ensure!(
        order.size == request.size,
        "ordered {}, shown {}",
        request.size,
        order.size
    );
    ensure!(
        order.order_type == request.kind.order_type(),
        "it is a {} order",
        order.order_type
    );
    ensure!(
        order.limit_price == request.kind.limit_price(),
        "its limit is {:?}",
        order.limit_price
    );
    ensure!(
        order.filled.value().is_zero(),
        "{} of a resting order is filled",
        order.filled
    );

    let capabilities = broker.capabilities();
    let times = capabilities
        .order_type(&order.order_type)
        .map(|it| it.times_in_force.first());
    ensure!(
        times
            .flatten()
            .is_none_or(|default| *default == order.time_in_force),
        "it stands {}, which is not the default",
        order.time_in_force
    );
    if capabilities.client_order_id.echoed.is_there() {
        let id = &accepted.client_order_id;
        ensure!(
            order.client_order_id.as_ref() == Some(id),
            "it shows {:?}",
            order.client_order_id
        );
        let found = broker.order_by_client_id(account, id).await?;
        ensure!(
            found.is_some_and(|found| found.id == accepted.id),
            "{id} finds another order"
        );
    }
    let open = broker.all_orders(account, OrderQuery::open()).await?;
    ensure!(
        open.iter().any(|it| it.id == accepted.id),
        "it is not among the open orders"
    );

    broker.cancel_order(account, &accepted.id).await?;
    let order = stage
        .order_when(&accepted.id, |order| order.state.is_final())
        .await?;
    ensure!(
        order.state == OrderState::Canceled,
        "cancelled, it is {}",
        order.state
    );
    let open = broker.all_orders(account, OrderQuery::open()).await?;
    ensure!(
        open.iter().all(|it| it.id != accepted.id),
        "it is still among the open orders"
    );
    let closed = broker.all_orders(account, OrderQuery::closed()).await?;
    ensure!(
        closed.iter().any(|it| it.id == accepted.id),
        "it is not among the final orders"
    );
    Ok(())
}

/// Cancelling an order that is already final succeeds and changes nothing.
pub async fn cancelling_twice_succeeds(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let accepted = stage.accepted(&stage.resting().await?).await?;
    stage
        .broker
        .cancel_order(&stage.account, &accepted.id)
        .await?;
    stage
        .order_when(&accepted.id, |order| order.state.is_final())
        .await?;
    stage
        .broker
        .cancel_order(&stage.account, &accepted.id)
        .await?;
    let filled = stage.accepted(&stage.at_market(1)).await?;
    stage
        .order_when(&filled.id, |order| order.state == OrderState::Filled)
        .await?;
    stage
        .broker
        .cancel_order(&stage.account, &filled.id)
        .await?;
    let order = stage.order_when(&filled.id, |_| true).await?;
    ensure!(
        order.state == OrderState::Filled,
        "a cancel made a filled order {}",
        order.state
    );
    Ok(())
}

/// Queries give the orders that they ask for and no others.
pub async fn order_queries_keep_to_what_they_ask(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let (broker, account) = (&stage.broker, &stage.account);
    let working = stage.accepted(&stage.resting().await?).await?;
    let filled = stage.accepted(&stage.at_market(1)).await?;
    stage
        .order_when(&filled.id, |order| order.state == OrderState::Filled)
        .await?;
    stage
        .order_when(&working.id, |order| order.state.is_open())
        .await?;

    let open = broker.all_orders(account, OrderQuery::open()).await?;
    ensure!(
        open.iter().all(|it| !it.state.is_final()),
        "a final order is among the open ones"
    );
    ensure!(
        open.iter().any(|it| it.id == working.id),
        "the working order is missing"
    );
    let closed = broker.all_orders(account, OrderQuery::closed()).await?;
    ensure!(
        closed.iter().all(|it| it.state.is_final()),
        "an open order is among the final ones"
    );
    ensure!(
        closed.iter().any(|it| it.id == filled.id),
        "the filled order is missing"
    );
    let all = broker.all_orders(account, OrderQuery::all()).await?;
    for id in [&working.id, &filled.id] {
        let times = all.iter().filter(|it| it.id == *id).count();
        ensure!(times == 1, "order {id} is {times} times among all orders");
    }
    let query = OrderQuery::all().instrument(stage.second.id.clone());
    let others = broker.all_orders(account, query).await?;
    ensure!(
        others.is_empty(),
        "orders of another instrument: {others:?}"
    );
    Ok(())
}

/// A market order fills and shows as a position, and as an execution where those are shown. Where
/// the broker does not tell what a position was opened at, that is unknown and not zero.
pub async fn market_orders_open_positions(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let request = stage.at_market(1);
    let accepted = stage.accepted(&request).await?;
    let filled = |order: &wheelhouse_core::Order| order.state == OrderState::Filled;
    let order = stage.order_when(&accepted.id, filled).await?;
    ensure!(
        order.filled.value() == request.size.amount(),
        "{} is filled",
        order.filled
    );
    let held = stage.positions_when(|held| !held.is_empty()).await?;
    let position = &held[0];
    ensure!(held.len() == 1, "one order opened {} positions", held.len());
    ensure!(
        position.account == stage.account,
        "the position is in {}",
        position.account
    );
    ensure!(
        position.instrument == stage.first.id,
        "it is of {}",
        position.instrument
    );
    ensure!(position.side == request.side, "it is {}", position.side);
    ensure!(
        position.size == request.size,
        "bought {}, held {}",
        request.size,
        position.size
    );
    ensure!(
        position
            .average_price
            .is_none_or(|price| price.value() > Decimal::ZERO),
        "it was opened at {:?}",
        position.average_price
    );
    ensure!(
        order.position.is_none() || order.position.as_ref() == Some(&position.id),
        "the order names position {:?} instead of {}",
        order.position,
        position.id
    );
    if stage.broker.capabilities().executions.is_there() {
        let query = wheelhouse_core::ExecutionQuery::all();
        let fills = stage.broker.executions(&stage.account, query).await?.items;
        let of = fills.iter().filter(|fill| fill.order == accepted.id);
        let sum: Decimal = of.map(|fill| fill.quantity.value()).sum();
        ensure!(
            sum == request.size.amount(),
            "the executions add up to {sum}"
        );
    }
    Ok(())
}

/// A changed order shows the change, under the identifier that the capabilities announce.
pub async fn replaced_orders_show_the_change(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let support = stage.broker.capabilities().replace;
    if support == ReplaceSupport::No {
        skipped(format_args!("the broker changes no orders"));
        return Ok(());
    }
    let accepted = stage.accepted(&stage.resting().await?).await?;
    stage
        .order_when(&accepted.id, |order| order.state.is_open())
        .await?;
    let price = stage.price_at(Decimal::new(7, 1)).await?;
    let change = OrderChange::new().limit_price(price).size(stage.size(2));
    let broker = &stage.broker;
    let id = broker
        .replace_order(&stage.account, &accepted.id, &change)
        .await?;
    ensure!(
        (id == accepted.id) == (support == ReplaceSupport::SameId),
        "{} became {id}, and the capabilities say {support:?}",
        accepted.id
    );
    let size = stage.size(2);
    let changed = stage
        .order_when(&id, |order| {
            order.limit_price == Some(price) && order.size == size
        })
        .await?;
    ensure!(changed.state.is_open(), "changed, it is {}", changed.state);
    Ok(())
}

/// Cancelling all leaves no working order of the instrument, and only of that.
pub async fn cancelling_all_leaves_none(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(bulk) = stage.broker.bulk_orders() else {
        skipped(format_args!(
            "the broker does not cancel all orders at once"
        ));
        return Ok(());
    };
    let request = stage.resting().await?;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(stage.accepted(&request).await?.id);
    }
    bulk.cancel_all_orders(&stage.account, Some(&stage.second.id))
        .await?;
    for id in &ids {
        let order = stage.order_when(id, |_| true).await?;
        ensure!(
            !order.state.is_final(),
            "an order of another instrument was cancelled"
        );
    }
    bulk.cancel_all_orders(&stage.account, None).await?;
    for id in &ids {
        let order = stage.order_when(id, |order| order.state.is_final()).await?;
        ensure!(
            order.state == OrderState::Canceled,
            "order {id} is {}",
            order.state
        );
    }
    Ok(())
}

/// An order may bring its own identifier, which then finds it; one that was used for another order
/// is refused where the capabilities promise that.
pub async fn client_order_ids_are_kept(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let support = stage.broker.capabilities().client_order_id;
    if !support.echoed.is_there() {
        skipped(format_args!("the broker does not keep client order ids"));
        return Ok(());
    }
    let id = ClientOrderId::generate("KIT-", 1_767_614_400_000, *b"conformanc")?;
    let request = stage.resting().await?.client_order_id(id.clone());
    let accepted = stage.accepted(&request).await?;
    ensure!(
        accepted.client_order_id == id,
        "it became {}",
        accepted.client_order_id
    );
    let found = stage.broker.order_by_client_id(&stage.account, &id).await?;
    ensure!(
        found.is_some_and(|found| found.id == accepted.id),
        "it is not found by {id}"
    );
    let mut other = request.clone();
    other.size = stage.size(2);
    let placed = stage.broker.place_order(&other);
    if !support.deduplicated {
        // It may be refused here, or be an order of its own at the broker; it is never swallowed.
        return match placed.await {
            Ok(Submission::Accepted(order)) if order.id != accepted.id => Ok(()),
            Err(error) if error.kind() == ErrorKind::ClientOrderIdReused => {
                stage
                    .really_placed(&Submission::Accepted(accepted), 1)
                    .await
            }
            other => Err(TestFailure::new(format!("its second use gives {other:?}"))),
        };
    }
    let reused = ErrorKind::ClientOrderIdReused;
    stage
        .refused("a used client order id", reused, placed)
        .await?;
    let again = stage.accepted(&request).await?;
    ensure!(
        again.id == accepted.id,
        "the same order again became {}",
        again.id
    );
    stage
        .really_placed(&Submission::Accepted(accepted), 1)
        .await
}

/// The fill price of a limit order that the market is far away from is not made up.
pub async fn orders_that_are_not_filled_have_no_price_of_execution(
    h: &impl BrokerHarness,
) -> TestResult {
    let stage = Stage::set(h).await?;
    let accepted = stage.accepted(&stage.resting().await?).await?;
    let order = stage
        .order_when(&accepted.id, |order| order.state.is_open())
        .await?;
    let price: Option<Price> = order.average_price;
    ensure!(
        price.is_none(),
        "an order that was not executed shows {price:?} as its mean price"
    );
    Ok(())
}
