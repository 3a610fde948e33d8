use wheelhouse::prelude::*;
use wheelhouse_examples::End;

use crate::{show, steps};

/// Trades, and if it ends before its end, takes back what it has opened as far as it can.
pub(crate) async fn run(
    broker: &dyn Broker,
    account: &Account,
    instrument: &Instrument,
    quote: &Quote,
) -> Result<(), End> {
    let mut left = Left::default();
    let outcome = tokio::select! {
        outcome = orders(broker, account, instrument, quote, &mut left) => outcome.map_err(End::Failed),
        _ = tokio::signal::ctrl_c() => Err(End::Interrupted),
    };
    if outcome.is_err() {
        left.tidy_up(broker, &account.id).await;
    }
    outcome
}

async fn orders(
    broker: &dyn Broker,
    account: &Account,
    instrument: &Instrument,
    quote: &Quote,
    left: &mut Left,
) -> Result<()> {
    let least = instrument
        .rules
        .min_quantity
        .or(instrument.rules.quantity_step);
    let size = OrderSize::Lots(least.unwrap_or(Quantity::new(dec!(0.01))));
    let bid = quote.bid.ok_or_else(|| {
        let message = "there is no bid, so no price to place an order at";
        Error::new(ErrorKind::UnexpectedAnswer, message)
    })?;

    show::heading("An order that rests, far below the market")?;
    let low = instrument
        .rules
        .price_at_or_below(Price::new(bid.value() * dec!(0.8)));
    let request = OrderRequest::limit(account, instrument, Side::Buy, size, low);
    if let Some(placed) = steps::place(broker, "limit order", &request).await? {
        left.order = Some(placed.id.clone());
        let found = broker
            .order_by_client_id(&account.id, &placed.client_id)
            .await?;
        let found = found.map_or("not found".to_owned(), |order| {
            format!(
                "order {}, {} {} at {low}, {}",
                order.id, order.side, order.size, order.state
            )
        });
        show::step(
            "found by its own id",
            format!("{}: {found}", placed.client_id),
        )?;
        let order = steps::cancel(broker, &account.id, &placed.id).await?;
        left.order = None;
        show::step("cancel", format!("order {} is {}", order.id, order.state))?;
    }

    show::heading("A position")?;
    let request = OrderRequest::market(account, instrument, Side::Buy, size);
    if let Some(placed) = steps::place(broker, "market order", &request).await? {
        left.order = Some(placed.id.clone());
        if let Some(position) = steps::position_of(broker, &account.id, &placed.id).await? {
            left.order = None;
            left.position = Some(position.id.clone());
            let price = wheelhouse_examples::or_dash(position.average_price);
            show::step("became position", format!("{} at {price}", position.id))?;
            steps::close(broker, &account.id, &position.id).await?;
        }
        *left = Left::default();
    }
    show::positions(&broker.all_positions(account).await?)
}

/// What the run has opened and not yet seen ended.
#[derive(Default)]
struct Left {
    order: Option<BrokerOrderId>,
    position: Option<PositionId>,
}

impl Left {
    /// Tries once to cancel and close. Goes to standard error: standard output may be gone.
    async fn tidy_up(&mut self, broker: &dyn Broker, account: &AccountId) {
        if let Some(order) = self.order.take() {
            let known = broker.order(account, &order).await.ok();
            self.position = known.and_then(|order| order.position);
            match broker.cancel_order(account, &order).await {
                Ok(()) => eprintln!("asked the broker to cancel order {order}"),
                Err(_) => {
                    eprintln!("order {order} may still be open: cancel it in the broker's app")
                }
            }
        }
        if let Some(position) = self.position.take() {
            let closed = match broker.position_trading() {
                Some(trading) => trading.close_position(account, &position, None).await.ok(),
                None => None,
            };
            match closed {
                Some(Closing::Accepted { .. }) => {
                    eprintln!("asked the broker to close position {position}");
                }
                _ => {
                    eprintln!("position {position} may still be open: close it in the broker's app")
                }
            }
        }
    }
}
