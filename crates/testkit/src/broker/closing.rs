use wheelhouse_core::{
    Broker, CloseResolution, ClosedTradeQuery, Closing, Decimal, ErrorKind, OrderState,
    PositionChange, PositionId, Quantity, StopLoss, TakeProfit,
};

use super::{
    BrokerHarness, Trouble,
    stage::{Stage, skipped},
};
use crate::{TestFailure, TestResult, outcome::ensure};

/// A position that is closed wholly is gone.
pub async fn positions_close_wholly(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(trading) = stage.broker.position_trading() else {
        skipped(format_args!("the broker does not close positions"));
        return Ok(());
    };
    let position = stage.opened(1).await?;
    let closing = trading
        .close_position(&stage.account, &position.id, None)
        .await?;
    ensure!(
        matches!(closing, Closing::Accepted { .. }),
        "closing was {closing}"
    );
    stage.positions_when(|held| held.is_empty()).await?;
    Ok(())
}

/// A part of a position can be closed; the position keeps its identifier and the rest.
pub async fn positions_close_in_part(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(trading) = stage.broker.position_trading() else {
        skipped(format_args!("the broker does not close positions"));
        return Ok(());
    };
    let position = stage.opened(3).await?;
    let part = Some(Quantity::new(stage.least()));
    let close = trading.close_position(&stage.account, &position.id, part);
    if !stage.broker.capabilities().partial_close.is_there() {
        stage
            .refused("a partial close", ErrorKind::Unsupported, close)
            .await?;
        return Ok(());
    }
    let closing = close.await?;
    ensure!(
        matches!(closing, Closing::Accepted { .. }),
        "closing was {closing}"
    );
    let rest = stage.size(2);
    let held = stage
        .positions_when(|held| held.iter().any(|held| held.size.amount() == rest.amount()))
        .await?;
    ensure!(
        held.len() == 1 && held[0].id == position.id,
        "a part became {held:?}"
    );
    Ok(())
}

/// More than is held, or a part that is no legal quantity, is not closed.
pub async fn illegal_parts_are_not_closed(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(trading) = stage.broker.position_trading() else {
        skipped(format_args!("the broker does not close positions"));
        return Ok(());
    };
    let position = stage.opened(2).await?;
    if stage.broker.capabilities().partial_close.is_there() {
        let least = stage.least();
        for part in [
            least * Decimal::from(3),
            Decimal::ZERO,
            -least,
            least / Decimal::from(3),
        ] {
            let part = Quantity::new(part);
            let close = trading.close_position(&stage.account, &position.id, Some(part));
            stage
                .refused("an illegal part", ErrorKind::InvalidInput, close)
                .await?;
        }
    }
    let other = PositionId::new("123456789012")?;
    let close = trading.close_position(&stage.account, &other, None).await;
    let nothing = match &close {
        Ok(Closing::Rejected { .. }) => true,
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    ensure!(
        nothing,
        "closing a position that there is not gives {close:?}"
    );
    let held = stage.positions_when(|held| !held.is_empty()).await?;
    ensure!(held[0].size == position.size, "it became {}", held[0].size);
    Ok(())
}

/// Closing all leaves no position of the instrument, and touches no other.
pub async fn closing_all_leaves_none(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(trading) = stage.broker.position_trading() else {
        skipped(format_args!("the broker does not close positions"));
        return Ok(());
    };
    stage.opened(1).await?;
    stage.opened(2).await?;
    trading
        .close_all_positions(&stage.account, Some(&stage.second.id))
        .await?;
    let held = stage.positions_when(|_| true).await?;
    ensure!(
        held.len() == 2,
        "positions of another instrument were closed"
    );
    trading.close_all_positions(&stage.account, None).await?;
    stage.positions_when(|held| held.is_empty()).await?;
    Ok(())
}

/// Stop loss and take profit of a position can be set and taken away, and show as orders.
pub async fn positions_are_protected(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(trading) = stage.broker.position_trading() else {
        skipped(format_args!("the broker does not change positions"));
        return Ok(());
    };
    let position = stage.opened(1).await?;
    let stop = stage.price_at(Decimal::new(9, 1)).await?;
    let profit = stage.price_at(Decimal::new(11, 1)).await?;
    let change = PositionChange::new()
        .stop_loss(Some(StopLoss::at(stop)))
        .take_profit(Some(TakeProfit::at(profit)));
    trading
        .modify_position(&stage.account, &position.id, &change)
        .await?;
    let held = stage
        .positions_when(|held| {
            let both = |it: &wheelhouse_core::Position| {
                it.stop_loss_order.is_some() && it.take_profit_order.is_some()
            };
            held.iter().any(both)
        })
        .await?;
    let Some(order) = &held[0].stop_loss_order else {
        return Err(TestFailure::new("the stop loss is gone"));
    };
    let order = stage
        .order_when(order, |order| order.state.is_open())
        .await?;
    ensure!(
        order.side == position.side.opposite(),
        "the stop loss is to {}",
        order.side
    );
    ensure!(
        order.stop_price == Some(stop),
        "the stop loss is at {:?}",
        order.stop_price
    );

    let change = PositionChange::new().stop_loss(None).take_profit(None);
    trading
        .modify_position(&stage.account, &position.id, &change)
        .await?;
    let bare = |it: &wheelhouse_core::Position| {
        it.stop_loss_order.is_none() && it.take_profit_order.is_none()
    };
    stage.positions_when(|held| held.iter().all(bare)).await?;
    Ok(())
}

/// A position whose closing was not answered is found out to be closed. Closing the whole may be
/// repeated by the adapter, so it can also know at once.
pub async fn lost_answers_to_closings_are_found_out(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(trading) = stage.broker.position_trading() else {
        skipped(format_args!("the broker does not close positions"));
        return Ok(());
    };
    let position = stage.opened(1).await?;
    if !stage.cause(Trouble::LoseClosingAnswer).await {
        return Ok(());
    }
    let closing = trading
        .close_position(&stage.account, &position.id, None)
        .await?;
    match &closing {
        Closing::Unknown(open) => {
            let resolved = trading.resolve_close(open).await?;
            let nothing = |remaining: &Quantity| remaining.value().is_zero();
            let gone =
                matches!(&resolved, CloseResolution::Closed { remaining } if nothing(remaining));
            ensure!(gone, "resolved: {resolved:?}");
        }
        Closing::Accepted { .. } => {}
        other => {
            return Err(TestFailure::new(format!(
                "without an answer it was {other}"
            )));
        }
    }
    stage.positions_when(|held| held.is_empty()).await?;
    Ok(())
}

/// A part whose closing was not answered is unknown, found out to be closed, and closed once.
pub async fn lost_answers_to_closing_a_part_close_it_once(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(trading) = stage.broker.position_trading() else {
        skipped(format_args!("the broker does not close positions"));
        return Ok(());
    };
    if !stage.broker.capabilities().partial_close.is_there() {
        skipped(format_args!("the broker does not close parts"));
        return Ok(());
    }
    let position = stage.opened(3).await?;
    if !stage.cause(Trouble::LoseClosingAnswer).await {
        return Ok(());
    }
    let part = Some(Quantity::new(stage.least()));
    let closing = trading
        .close_position(&stage.account, &position.id, part)
        .await?;
    let Closing::Unknown(open) = closing else {
        return Err(TestFailure::new(format!(
            "without an answer it was {closing}"
        )));
    };
    let rest = stage.size(2).amount();
    match trading.resolve_close(&open).await? {
        CloseResolution::Closed { remaining } => {
            ensure!(remaining.value() == rest, "{remaining} are left");
        }
        other => return Err(TestFailure::new(format!("resolved: {other:?}"))),
    }
    let held = stage.positions_when(|_| true).await?;
    ensure!(held[0].size.amount() == rest, "{} are held", held[0].size);
    Ok(())
}

/// A closed trade is shown with its profit, newest first.
pub async fn closed_trades_are_shown(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let (Some(closed), Some(trading)) = (
        stage.broker.closed_trades(),
        stage.broker.position_trading(),
    ) else {
        skipped(format_args!("the broker shows no closed trades"));
        return Ok(());
    };
    let position = stage.opened(1).await?;
    let closing = trading
        .close_position(&stage.account, &position.id, None)
        .await?;
    ensure!(
        matches!(closing, Closing::Accepted { .. }),
        "closing was {closing}"
    );
    for _ in 0..40 {
        let trades = closed.list(&stage.account, ClosedTradeQuery::all()).await?;
        if let Some(trade) = trades.items.iter().find(|it| it.position == position.id) {
            ensure!(trade.side == position.side, "the trade was {}", trade.side);
            ensure!(trade.profit.is_some(), "the trade has no profit");
            return Ok(());
        }
        super::stage::pause().await;
    }
    Err(TestFailure::new("the closed trade is not shown"))
}

/// An order with stop loss and take profit opens a position that has both.
pub async fn brackets_protect_the_position(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    if !stage.broker.capabilities().brackets.is_there() {
        skipped(format_args!("the broker has no brackets"));
        return Ok(());
    }
    let stop = stage.price_at(Decimal::new(9, 1)).await?;
    let profit = stage.price_at(Decimal::new(11, 1)).await?;
    let request = stage
        .at_market(1)
        .stop_loss(StopLoss::at(stop))
        .take_profit(TakeProfit::at(profit));
    let accepted = stage.accepted(&request).await?;
    stage
        .order_when(&accepted.id, |order| order.state == OrderState::Filled)
        .await?;
    let both = |it: &wheelhouse_core::Position| {
        it.stop_loss_order.is_some() && it.take_profit_order.is_some()
    };
    stage.positions_when(|held| held.iter().any(both)).await?;
    Ok(())
}
