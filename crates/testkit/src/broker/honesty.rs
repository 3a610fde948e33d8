use time::{OffsetDateTime, macros::datetime};
use wheelhouse_core::{
    Broker, BrokerOrderId, ClientOrderId, Confirmation, ErrorKind, ExecutionQuery, OrderChange,
    OrderKind, PreviewNeed, ReplaceSupport, SizeUnit, StopLoss, TimeInForce,
};

use super::{
    BrokerHarness,
    stage::{Stage, skipped},
};
use crate::{TestResult, fixtures, outcome::ensure};

const SOME_DAY: OffsetDateTime = datetime!(2026-06-30 12:00 UTC);

/// The broker's name is the one in its capabilities, and it takes at least one kind of order.
pub async fn capabilities_are_of_this_broker(h: &impl BrokerHarness) -> TestResult {
    let world = h.start().await?;
    let capabilities = world.broker.capabilities();
    ensure!(
        capabilities.broker == world.broker.id(),
        "they are of {}",
        capabilities.broker
    );
    ensure!(
        !capabilities.orders.is_empty(),
        "no type of order is supported"
    );
    ensure!(
        !capabilities.order_sizes.is_empty(),
        "no unit of size is supported"
    );
    for support in &capabilities.orders {
        ensure!(
            !support.times_in_force.is_empty(),
            "{} orders have no time in force",
            support.order_type
        );
    }
    Ok(())
}

/// A role is there if and only if the capabilities say so.
pub async fn roles_are_there_as_the_capabilities_say(h: &impl BrokerHarness) -> TestResult {
    let world = h.start().await?;
    let (broker, says) = (&world.broker, world.broker.capabilities());
    for (role, word, deed) in [
        (
            "bulk_orders",
            says.cancel_all.is_there(),
            broker.bulk_orders().is_some(),
        ),
        (
            "closed_trades",
            says.closed_trades.is_there(),
            broker.closed_trades().is_some(),
        ),
        (
            "market_depth",
            says.market_depth.is_there(),
            broker.market_depth().is_some(),
        ),
        (
            "market_history",
            says.market_history.is_there(),
            broker.market_history().is_some(),
        ),
        (
            "options",
            says.options.is_there(),
            broker.options().is_some(),
        ),
        (
            "order_previews",
            says.preview != PreviewNeed::No,
            broker.order_previews().is_some(),
        ),
        (
            "position_trading",
            says.close_position.is_there(),
            broker.position_trading().is_some(),
        ),
        (
            "streaming",
            says.streaming.is_there(),
            broker.streaming().is_some(),
        ),
        (
            "trading_sessions",
            says.trading_sessions.is_there(),
            broker.trading_sessions().is_some(),
        ),
    ] {
        ensure!(
            word == deed,
            "the capabilities say {word} of {role}, and the accessor {deed}"
        );
    }
    let parts = says.partial_close.is_there();
    ensure!(
        !parts || says.close_position.is_there(),
        "parts can be closed, but no positions"
    );
    Ok(())
}

/// Calls that the broker lacks fail as unsupported, without being sent; calls that it has do not.
pub async fn calls_are_supported_as_the_capabilities_say(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let (broker, account) = (&stage.broker, &stage.account);
    let says = broker.capabilities();
    let unsupported = ErrorKind::Unsupported;
    let order = BrokerOrderId::new("123456789012")?;
    let id = ClientOrderId::new("NEVER-USED")?;

    let executions = broker.executions(account, ExecutionQuery::all());
    if says.executions.is_there() {
        executions.await?;
    } else {
        stage.refused("executions", unsupported, executions).await?;
    }
    let by_id = broker.order_by_client_id(account, &id);
    if says.client_order_id.echoed.is_there() {
        by_id.await?;
    } else {
        stage
            .refused("order_by_client_id", unsupported, by_id)
            .await?;
    }
    if says.replace == ReplaceSupport::No {
        let change = OrderChange::new();
        let replaced = broker.replace_order(account, &order, &change);
        stage
            .refused("replace_order", unsupported, replaced)
            .await?;
    }
    if !says.asks_questions {
        let asked = Confirmation::new(id, account.clone(), Vec::new(), "");
        let confirmed = broker.confirm_order(&asked);
        stage
            .refused("confirm_order", unsupported, confirmed)
            .await?;
    }
    Ok(())
}

/// Types of orders that the capabilities lack are refused before they are sent.
pub async fn other_order_types_are_refused_unsent(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let good = stage.resting().await?;
    let says = stage.broker.capabilities();
    let price = stage.price_at(wheelhouse_core::Decimal::new(8, 1)).await?;
    for kind in fixtures::order_kinds(price) {
        if says.order_type(&kind.order_type()).is_some() {
            continue;
        }
        let mut request = good.clone();
        request.kind = kind;
        let placed = stage.broker.place_order(&request);
        let what = format!("a {} order", kind.order_type());
        stage.refused(&what, ErrorKind::Unsupported, placed).await?;
    }
    Ok(())
}

/// Times in force that the capabilities lack are refused before they are sent.
pub async fn other_times_in_force_are_refused_unsent(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let says = stage.broker.capabilities();
    let price = stage.price_at(wheelhouse_core::Decimal::new(8, 1)).await?;
    for kind in fixtures::order_kinds(price) {
        let Some(support) = says.order_type(&kind.order_type()) else {
            continue;
        };
        for time_in_force in every_time_in_force() {
            if support
                .times_in_force
                .iter()
                .any(|known| is_like(known, &time_in_force))
            {
                continue;
            }
            let mut request = stage.resting().await?;
            request.kind = kind;
            let what = format!("a {} order that stands {time_in_force}", kind.order_type());
            let request = request.time_in_force(time_in_force);
            let placed = stage.broker.place_order(&request);
            stage.refused(&what, ErrorKind::Unsupported, placed).await?;
        }
    }
    Ok(())
}

fn every_time_in_force() -> [TimeInForce; 7] {
    use TimeInForce::{Day, Fok, Gtc, Gtd, Ioc, OnClose, OnOpen};
    [Day, Fok, Gtc, Gtd(SOME_DAY), Ioc, OnClose, OnOpen]
}

fn is_like(known: &TimeInForce, wanted: &TimeInForce) -> bool {
    let dates = matches!((known, wanted), (TimeInForce::Gtd(_), TimeInForce::Gtd(_)));
    dates || known == wanted
}

/// Sizes in a unit that the broker or the instrument lacks are refused, never converted.
pub async fn sizes_in_other_units_are_refused_unsent(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let says = stage.broker.capabilities().order_sizes;
    for unit in [
        SizeUnit::Contracts,
        SizeUnit::Lots,
        SizeUnit::Shares,
        SizeUnit::Units,
    ] {
        if unit == stage.first.unit {
            continue;
        }
        let mut pretended = stage.first.clone();
        pretended.unit = unit;
        let mut request = stage.resting().await?;
        request.size = fixtures::size_of(&pretended, stage.least());
        let kind = if says.contains(&unit) {
            ErrorKind::InvalidInput
        } else {
            ErrorKind::Unsupported
        };
        let placed = stage.broker.place_order(&request);
        stage
            .refused(&format!("a size in {unit:?}"), kind, placed)
            .await?;
    }
    Ok(())
}

/// Brackets and trailing stops that the capabilities lack are refused, never dropped: an order that
/// should be protected is not placed without.
pub async fn protection_that_is_lacking_is_refused_unsent(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let says = stage.broker.capabilities();
    let mut tried = 0;
    if !says.brackets.is_there() {
        tried += 1;
        let stop = stage.price_at(wheelhouse_core::Decimal::new(7, 1)).await?;
        let request = stage.resting().await?.stop_loss(StopLoss::at(stop));
        let placed = stage.broker.place_order(&request);
        stage
            .refused("a stop loss", ErrorKind::Unsupported, placed)
            .await?;
    }
    if !says.trailing_stop_loss.is_there() {
        tried += 1;
        let stop = fixtures::order_kinds(wheelhouse_core::Decimal::ONE)
            .into_iter()
            .find_map(|kind| match kind {
                OrderKind::TrailingStop { trail } => Some(StopLoss::Trailing(trail)),
                _ => None,
            });
        let mut request = stage.resting().await?;
        request.stop_loss = stop;
        let placed = stage.broker.place_order(&request);
        stage
            .refused("a trailing stop loss", ErrorKind::Unsupported, placed)
            .await?;
    }
    if tried == 0 {
        skipped(format_args!("the broker lacks no protection"));
    }
    Ok(())
}

/// Previews, where there are any, place nothing.
pub async fn previews_place_nothing(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(previews) = stage.broker.order_previews() else {
        skipped(format_args!("the broker has no previews"));
        return Ok(());
    };
    previews.preview_order(&stage.resting().await?).await?;
    let placed = stage.backstage.orders_placed(None).await;
    ensure!(
        placed.is_none_or(|placed| placed == 0),
        "a preview was placed"
    );
    Ok(())
}
