use std::time::Duration;

use wheelhouse::{Clock, SystemClock, prelude::*};

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

/// Places the order, finds it again and cancels it, unless it is to be kept.
pub(crate) async fn run(broker: &dyn Broker, request: &OrderRequest, keep: bool) -> Result<()> {
    let price = request
        .kind
        .limit_price()
        .map_or(Decimal::ZERO, |price| price.value().normalize());
    println!(
        "\nA limit order: buy {} at {price}",
        request.size.amount().normalize()
    );
    let submission = broker.place_order(request).await?;
    step("placed", &submission);
    // If the answer was lost, the order may be live: it is looked for, and never sent again.
    let id = match &submission {
        Submission::Accepted(order) => order.id.clone(),
        Submission::Unknown(open) => {
            let resolution = broker.resolve(open).await?;
            step("", resolution.report());
            match resolution {
                Resolution::Found(order) => order.id,
                _ => return Ok(()),
            }
        }
        _ => return Ok(()),
    };
    let client_id = submission.client_order_id();
    let found = broker
        .order_by_client_id(&request.account, client_id)
        .await?;
    let found = found.map_or("not found".to_owned(), |order| {
        format!("{}, {}", order.id, order.state)
    });
    step("found by its own id", format!("{client_id}: {found}"));
    if keep {
        step("--keep", "the order stays");
        return Ok(());
    }
    broker.cancel_order(&request.account, &id).await?;
    let clock = SystemClock::new();
    let mut order = broker.order(&request.account, &id).await?;
    for _ in 0..LOOKS {
        if order.state.is_final() {
            break;
        }
        clock.sleep(PAUSE).await;
        order = broker.order(&request.account, &id).await?;
    }
    step(
        "cancelled",
        format!("order {} is {}", order.id, order.state),
    );
    Ok(())
}
