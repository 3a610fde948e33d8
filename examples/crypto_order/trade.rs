use std::time::Duration;

use wheelhouse::{Clock, SystemClock, prelude::*};
use wheelhouse_examples::{End, say};

use crate::{args::Args, show::step};

/// How often, and how long in all, the run looks until something has happened.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// The price of the command line, or one a fifth below the market.
pub(crate) fn price(args: &Args, instrument: &Instrument, quote: &Quote) -> Result<Price> {
    match (args.limit, quote.bid) {
        (Some(price), _) => Ok(price),
        (None, Some(bid)) => {
            let low = bid.value().saturating_mul(dec!(0.8));
            Ok(instrument.rules.price_at_or_below(Price::new(low)))
        }
        (None, None) => {
            let message = "there is no bid, so no price to place an order at; name a --limit";
            Err(Error::new(ErrorKind::MissingField, message))
        }
    }
}

/// The quantity of the command line, or what about 5 USD buy, on the broker's grid.
pub(crate) fn quantity(args: &Args, instrument: &Instrument, price: Price) -> Result<Quantity> {
    let rules = &instrument.rules;
    let step = rules
        .quantity_step
        .map_or(dec!(0.00000001), Quantity::value);
    let for_5_usd = || {
        let steps = dec!(5)
            .checked_div(price.value())?
            .checked_div(step)?
            .ceil();
        let least = rules.min_quantity.map_or(step, Quantity::value);
        Some(Quantity::new(steps.checked_mul(step)?.max(least)))
    };
    args.quantity.or_else(for_5_usd).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            "the price is not above zero; name another --limit",
        )
    })
}

/// Places the order, finds it again and cancels it, unless it is to be kept. If that ends early, it
/// tries once to cancel what it has placed.
pub(crate) async fn run(
    broker: &dyn Broker,
    request: &OrderRequest,
    keep: bool,
) -> Result<(), End> {
    let mut open = None;
    let outcome = tokio::select! {
        outcome = order(broker, request, keep, &mut open) => outcome.map_err(End::Failed),
        _ = tokio::signal::ctrl_c() => Err(End::Interrupted),
    };
    if let (Err(_), Some(id)) = (&outcome, open) {
        match broker.cancel_order(&request.account, &id).await {
            Ok(()) => eprintln!("asked the broker to cancel order {id}"),
            Err(_) => eprintln!("order {id} may still be open: cancel it in the broker's app"),
        }
    }
    outcome
}

async fn order(
    broker: &dyn Broker,
    request: &OrderRequest,
    keep: bool,
    open: &mut Option<BrokerOrderId>,
) -> Result<()> {
    let price = request.kind.limit_price();
    let price = price.map_or(Decimal::ZERO, |price| price.value().normalize());
    let amount = request.size.amount().normalize();
    say(format_args!("\nA limit order: buy {amount} at {price}"))?;
    let submission = broker.place_order(request).await?;
    step("placed", &submission)?;
    let Some(id) = placed(broker, &submission).await? else {
        return Ok(());
    };
    *open = Some(id.clone());
    let client_id = submission.client_order_id();
    let found = broker.order_by_client_id(&request.account, client_id);
    let found = found.await?.map_or("not found".to_owned(), |order| {
        format!("{}, {}", order.id, order.state)
    });
    step("found by its own id", format!("{client_id}: {found}"))?;
    if keep {
        *open = None;
        return step("--keep", "the order stays");
    }
    let order = cancel(broker, &request.account, &id).await?;
    *open = None;
    step("cancel", format!("order {id} is {}", order.state))
}

/// The id of the order, if there is one. If the answer was lost, the order may be live: it is looked
/// for, and never sent again.
async fn placed(broker: &dyn Broker, submission: &Submission) -> Result<Option<BrokerOrderId>> {
    let unclear = match submission {
        Submission::Accepted(order) => return Ok(Some(order.id.clone())),
        Submission::Unknown(unclear) => unclear,
        _ => return Ok(None),
    };
    step("", "looking for it, for at most a minute or two")?;
    let resolution = broker.resolve(unclear).await?;
    step("", resolution.report())?;
    match resolution {
        Resolution::Found(order) => Ok(Some(order.id)),
        Resolution::NotFound(_) => Ok(None),
        _ => {
            let id = submission.client_order_id();
            let message = format!("it is not known whether order {id} is live; look at the broker");
            Err(Error::new(ErrorKind::OutcomeUnknown, message))
        }
    }
}

/// Asks for the cancelling, which is a wish, and looks until the order is final.
async fn cancel(broker: &dyn Broker, account: &AccountId, id: &BrokerOrderId) -> Result<Order> {
    broker.cancel_order(account, id).await?;
    let clock = SystemClock::new();
    for _ in 0..LOOKS {
        let order = broker.order(account, id).await?;
        if order.state.is_final() {
            return Ok(order);
        }
        clock.sleep(PAUSE).await;
    }
    let message = format!("order {id} was to be cancelled and is still open");
    Err(Error::new(ErrorKind::UnexpectedAnswer, message))
}
