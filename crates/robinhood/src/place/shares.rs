use std::sync::Arc;

use time::format_description::well_known::Rfc3339;
use wheelhouse_core::{
    Currency, Decimal, Error, ErrorKind, Instrument, InstrumentStatus, Money, Offset, OrderKind,
    OrderRequest, OrderSize, PositionEffect, Price, Quantity, Quote, Result, Side, TimeInForce,
    TradingHours, dec,
};

use super::{Prepared, onto_grid, open, prepared, ref_id_of, written_time_in_force};
use crate::{
    client::Inner,
    convert::{FRACTION, Listing},
    error,
    market::JUST_NOW,
    orders::{account_url, instrument_url},
    resolve::Book,
    wire::order::{NewAmount, NewOrder, NewTrailingPeg},
};

/// The least amount of a fractional order, in dollars.
const LEAST_AMOUNT: Decimal = Decimal::ONE;

impl Inner {
    pub(super) async fn prepare_shares(&self, request: OrderRequest) -> Result<Prepared> {
        // What can be refused without knowing the instrument is refused before anything is read.
        check_form(&request)?;
        self.known(&request.account, "place_order").await?;
        let mut listing: Arc<Listing> = self.listing(&request.instrument).await?;
        let capabilities = self.capabilities();
        if check(&request, &listing, &capabilities).is_err() {
            // What was read a while ago, such as a halt, may be over.
            listing = self.listing_within(JUST_NOW, &request.instrument).await?;
        }
        check(&request, &listing, &capabilities)?;
        if matches!(request.size, OrderSize::Notional(_)) {
            self.check_open(&listing).await?;
        }
        let quote = self.quote_for(&request).await?;
        if let Some(quote) = &quote {
            check_stop(&request, quote)?;
        }
        let id = request
            .client_order_id
            .as_ref()
            .map(ref_id_of)
            .unwrap_or_default();
        let body = body(
            &request,
            &listing,
            quote.as_ref(),
            self.config.order_form_version,
            &id,
        )?;
        let open = open(request.clone(), self.clock().now())?;
        prepared(Book::Shares, &request, &body, open)
    }

    /// Makes sure that regular hours are on. To an order by amount the broker answers outside of
    /// them with status 500, which would leave it unknown.
    async fn check_open(&self, listing: &Listing) -> Result<()> {
        let hours = self.hours_today(listing).await?;
        let now = self.clock().now();
        match (hours.opens_at, hours.closes_at) {
            (Some(opens), Some(closes)) if hours.is_open && opens <= now && now < closes => Ok(()),
            (Some(opens), Some(closes)) if hours.is_open => Err(error::invalid(format!(
                "orders by amount are taken in regular hours only, today from {opens} to {closes}"
            ))),
            _ => Err(error::invalid(format!(
                "orders by amount are taken in regular hours only, and {} has none",
                hours.date
            ))),
        }
    }

    /// Reads the quote that goes along with an order. Only some orders cannot do without.
    async fn quote_for(&self, request: &OrderRequest) -> Result<Option<Quote>> {
        let ids = std::slice::from_ref(&request.instrument);
        match self.read_quotes(ids).await {
            Ok(quotes) => Ok(quotes.into_iter().next()),
            Err(error) if needs_quote(request) => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// A stop that the market is beyond already would wake at once.
fn check_stop(request: &OrderRequest, quote: &Quote) -> Result<()> {
    let (Some(stop), Some(market)) = (request.kind.stop_price(), quote.last.or(quote.mid())) else {
        return Ok(());
    };
    let (right, place) = match request.side {
        Side::Buy => (stop > market, "above"),
        Side::Sell => (stop < market, "below"),
    };
    if right {
        return Ok(());
    }
    Err(error::invalid(format!(
        "the stop price {stop} is on the wrong side: for a {} at {market} it must be {place}",
        request.side
    )))
}

/// Market orders to buy need a price that they may not exceed, trailing ones a first stop.
fn needs_quote(request: &OrderRequest) -> bool {
    let by_amount = matches!(request.size, OrderSize::Notional(_));
    match request.kind {
        OrderKind::Market => request.side == Side::Buy && !by_amount,
        OrderKind::TrailingStop { .. } => true,
        _ => false,
    }
}

fn is_whole(request: &OrderRequest) -> bool {
    match request.size {
        OrderSize::Shares(quantity) => quantity.value().fract().is_zero(),
        _ => false,
    }
}

fn check_form(request: &OrderRequest) -> Result<()> {
    let market = matches!(request.kind, OrderKind::Market);
    if !is_whole(request) && !market && !matches!(request.size, OrderSize::Shares(_)) {
        let message = "orders by amount are market orders at this broker";
        return Err(error::unsupported(message));
    }
    if request.hours != TradingHours::Regular && !matches!(request.kind, OrderKind::Limit { .. }) {
        let message = "outside of the regular session this broker takes limit orders only";
        return Err(error::unsupported(message));
    }
    if let OrderKind::TrailingStop { trail } = request.kind {
        let above = |value: Decimal| value > Decimal::ZERO;
        match trail {
            Offset::Percent(percent) if above(percent) && percent < Decimal::ONE_HUNDRED => {}
            Offset::Price(price) if above(price.value()) => {}
            Offset::Pips(_) => {
                return Err(error::unsupported(
                    "this broker has no pips; trail by per cent or a price",
                ));
            }
            _ => {
                return Err(error::invalid(
                    "the distance of the trailing stop is not above zero, or too far",
                ));
            }
        }
    }
    Ok(())
}

fn check(
    request: &OrderRequest,
    listing: &Listing,
    capabilities: &wheelhouse_core::Capabilities,
) -> Result<()> {
    let symbol = &listing.instrument.symbol;
    let market = matches!(request.kind, OrderKind::Market);
    let mut instrument: Instrument = listing.instrument.clone();
    let sells = request.side == Side::Sell && listing.fractions_sell;
    if market && (listing.fractional || sells) {
        instrument.rules.min_quantity = Some(Quantity::new(FRACTION));
        instrument.rules.quantity_step = Some(Quantity::new(FRACTION));
    }
    request.check(capabilities, &instrument, None)?;
    match &listing.instrument.status {
        Some(InstrumentStatus::Closed) => {
            return Err(error::invalid(format!(
                "{symbol} is not traded at this broker"
            )));
        }
        Some(InstrumentStatus::Halted) => {
            return Err(error::invalid(format!("{symbol} is halted")));
        }
        _ => {}
    }
    if market && listing.over_the_counter {
        return Err(error::invalid(format!(
            "{symbol} is traded over the counter, which takes no market orders"
        )));
    }
    if request.hours == TradingHours::AllDay && !listing.all_day {
        return Err(error::invalid(format!(
            "{symbol} is not traded around the clock"
        )));
    }
    if let OrderSize::Notional(money) = request.size {
        check_amount(money, listing)?;
    }
    if !is_whole(request) && !matches!(request.time_in_force, None | Some(TimeInForce::Day)) {
        return Err(error::invalid("fractions of shares stand for the day only"));
    }
    Ok(())
}

fn check_amount(money: Money, listing: &Listing) -> Result<()> {
    let symbol = &listing.instrument.symbol;
    if !listing.fractional {
        return Err(error::invalid(format!(
            "{symbol} is traded in whole shares only, not by amount"
        )));
    }
    if money.currency != Currency::USD {
        return Err(error::invalid("amounts are in USD at this broker"));
    }
    if money.amount < LEAST_AMOUNT {
        return Err(error::invalid(format!(
            "the amount {money} is below the least, {LEAST_AMOUNT} USD"
        )));
    }
    if money.amount.normalize().scale() > 2 {
        let below = money.amount.trunc_with_scale(2);
        let message = format!(
            "the amount {money} is not in whole cents; the nearest are {below} and {}",
            below + dec!(0.01)
        );
        return Err(error::invalid(message));
    }
    Ok(())
}

fn body<'a>(
    request: &OrderRequest,
    listing: &'a Listing,
    quote: Option<&Quote>,
    version: u32,
    ref_id: &'a str,
) -> Result<NewOrder<'a>> {
    let (kind, trigger) = match request.kind {
        OrderKind::Limit { .. } => ("limit", "immediate"),
        OrderKind::Market => ("market", "immediate"),
        OrderKind::Stop { .. } | OrderKind::TrailingStop { .. } => ("market", "stop"),
        OrderKind::StopLimit { .. } => ("limit", "stop"),
        other => {
            let message = format!("this broker has no {} orders", other.order_type());
            return Err(error::unsupported(message));
        }
    };
    let number = |price: Price| price.value().normalize();
    let ask = quote.and_then(|quote| quote.ask.or(quote.last));
    let mut body = NewOrder {
        account: account_url(&request.account),
        instrument: instrument_url(request.instrument.as_str()),
        symbol: listing.instrument.symbol.as_str(),
        kind,
        price: request.kind.limit_price().map(number),
        stop_price: request.kind.stop_price().map(number),
        quantity: None,
        dollar_based_amount: None,
        trailing_peg: None,
        side: match request.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        },
        time_in_force: written_time_in_force(
            request.time_in_force.as_ref().unwrap_or(&TimeInForce::Day),
        )?,
        trigger,
        position_effect: request.effect.map(|effect| match effect {
            PositionEffect::Close => "close",
            PositionEffect::Open => "open",
        }),
        market_hours: match request.hours {
            TradingHours::AllDay => "all_day_hours",
            TradingHours::Extended => "extended_hours",
            _ => "regular_hours",
        },
        extended_hours: request.hours != TradingHours::Regular,
        preset_percent_limit: None,
        bid_price: quote.and_then(|quote| quote.bid).map(number),
        ask_price: quote.and_then(|quote| quote.ask).map(number),
        bid_ask_timestamp: quote
            .and_then(|quote| quote.time)
            .and_then(|time| time.format(&Rfc3339).ok()),
        order_form_version: version,
        ref_id,
    };
    match request.size {
        OrderSize::Shares(quantity) => body.quantity = Some(quantity.value().normalize()),
        OrderSize::Notional(money) => {
            body.dollar_based_amount = Some(NewAmount {
                amount: money.amount,
                currency_code: "USD",
            });
        }
        size => {
            return Err(error::invalid(format!(
                "shares are not ordered in {:?}",
                size.unit()
            )));
        }
    }
    let no_price = || {
        let message = "there is no price now that the order could be bounded by; use a limit order";
        Error::new(ErrorKind::InvalidInput, message)
    };
    if let (OrderSize::Shares(quantity), false, Some(ask)) = (request.size, is_whole(request), ask)
    {
        let value = quantity.value().checked_mul(ask.value());
        if value.is_some_and(|value| value < LEAST_AMOUNT) {
            let message = format!("fractions of shares are traded from {LEAST_AMOUNT} USD on");
            return Err(error::invalid(message));
        }
    }
    match request.kind {
        // A market order to buy may not go beyond this price by more than that part of it.
        OrderKind::Market if request.side == Side::Buy && body.quantity.is_some() => {
            body.price = Some(number(ask.ok_or_else(no_price)?));
            body.preset_percent_limit = Some(listing.collar.normalize());
        }
        OrderKind::Stop { stop } if request.side == Side::Buy => {
            body.price = Some(number(stop));
            body.preset_percent_limit = Some(listing.collar.normalize());
        }
        OrderKind::TrailingStop { trail } => {
            let last = quote
                .and_then(|quote| quote.last.or(quote.mid()))
                .ok_or_else(no_price)?;
            let (peg, distance) = peg(trail, last.value())?;
            let stop = match request.side {
                Side::Buy => last.value().checked_add(distance),
                Side::Sell => last.value().checked_sub(distance),
            };
            let rules = &listing.instrument.rules;
            let stop = stop.and_then(|stop| onto_grid(rules, request.side, Price::new(stop)));
            let stop = stop.map(number).filter(|stop| *stop > Decimal::ZERO);
            let stop = stop.ok_or_else(|| {
                error::invalid("the trailing stop is farther away than the price")
            })?;
            body.stop_price = Some(stop);
            body.trailing_peg = Some(peg);
            if request.side == Side::Buy {
                body.price = Some(stop);
            }
        }
        _ => {}
    }
    Ok(body)
}

/// The distance as the broker is told it, and as a price.
fn peg(trail: Offset, last: Decimal) -> Result<(NewTrailingPeg<'static>, Decimal)> {
    let far = || error::invalid("the distance of the trailing stop cannot be computed with");
    match trail {
        Offset::Percent(percent) => {
            let part = percent
                .checked_div(Decimal::ONE_HUNDRED)
                .and_then(|part| part.checked_mul(last));
            let peg = NewTrailingPeg {
                kind: "percentage",
                percentage: Some(percent),
                price: None,
            };
            Ok((peg, part.ok_or_else(far)?))
        }
        Offset::Price(price) => {
            let amount = NewAmount {
                amount: price.value(),
                currency_code: "USD",
            };
            let peg = NewTrailingPeg {
                kind: "price",
                percentage: None,
                price: Some(amount),
            };
            Ok((peg, price.value()))
        }
        _ => Err(far()),
    }
}
