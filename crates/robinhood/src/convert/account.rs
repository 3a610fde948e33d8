use wheelhouse_core::{
    Account, AccountId, AccountKind, AccountStatus, AccountSummary, Currency, Decimal,
    InstrumentId, Money, OrderSize, Position, PositionId, Price, Quantity, Result, Side,
};

use super::{Place, account_id, filled_in, fit, instrument_id, odd, positive};
use crate::{
    types::Dividend,
    wire::{Num, Text, account as wire, option},
};

pub(crate) fn account(
    account: &wire::Account<'_>,
    name: Option<&str>,
    place: Place<'_>,
) -> Result<Account> {
    let mut converted = Account::new(account_id(Some(&account.account_number), None)?);
    converted.number = Some(account.account_number.owned());
    converted.name = filled_in(&account.nickname)
        .or(name)
        .or(filled_in(&account.brokerage_account_type))
        .map(str::to_owned);
    converted.currency = Some(Currency::USD);
    converted.status = status(account);
    let cash = account.portfolio_cash.or(account.cash);
    converted.balance = cash.map(|cash| Money::new(cash.0, Currency::USD));
    converted.raw = place.raw();
    Ok(converted)
}

fn status(account: &wire::Account<'_>) -> AccountStatus {
    let set = |flag: Option<bool>| flag == Some(true);
    if set(account.deactivated) || set(account.permanently_deactivated) {
        AccountStatus::Closed
    } else if set(account.locked) {
        AccountStatus::Suspended
    } else if set(account.only_position_closing_trades) {
        AccountStatus::Restricted
    } else {
        match account.state.as_ref().map(Text::as_str) {
            None | Some("active") => AccountStatus::Active,
            Some(other) => AccountStatus::Unknown(other.to_owned()),
        }
    }
}

/// A retirement account is one of cash or of limited margin by its other field.
fn kind(account: &wire::Account<'_>) -> Option<AccountKind> {
    let of_people = filled_in(&account.brokerage_account_type);
    if of_people.is_some_and(|text| text.starts_with("ira_")) {
        return Some(AccountKind::Retirement);
    }
    Some(match filled_in(&account.kind)? {
        "cash" => AccountKind::Cash,
        "margin" => AccountKind::Margin,
        other => AccountKind::Unknown(other.to_owned()),
    })
}

/// What a summary is made of.
pub(crate) struct Sources<'a> {
    pub(crate) account: &'a wire::Account<'a>,
    pub(crate) portfolio: &'a wire::Portfolio<'a>,
    pub(crate) unified: Option<&'a wire::Unified<'a>>,
    pub(crate) day_trades: usize,
    pub(crate) positions: usize,
    pub(crate) orders: usize,
    /// What the holdings have cost, short options counted against it; `None` if one row lacks it.
    pub(crate) cost: Option<Decimal>,
}

/// Day trades that an account under the pattern-day-trader rule may make in five days (FINRA 4210).
const DAY_TRADES: u32 = 3;

pub(crate) fn summary(
    sources: &Sources<'_>,
    id: AccountId,
    now: time::OffsetDateTime,
) -> Result<AccountSummary> {
    let Sources {
        account,
        portfolio,
        unified,
        ..
    } = sources;
    let number = account_id(Some(&account.account_number), None)?;
    if number != id || portfolio.account.tail() != id.as_str() {
        return Err(odd("the answer is about another account"));
    }
    let num = |num: Option<Num>| num.map(|num| num.0);
    let told = |pick: fn(&wire::Unified<'_>) -> Option<Num>| unified.and_then(pick).map(|n| n.0);

    let mut summary = AccountSummary::new(id, now);
    summary.kind = kind(account);
    summary.currency = match &portfolio.display_currency {
        Some(code) => Some(fit("currency", Currency::new(code.as_str()))?),
        None => Some(Currency::USD),
    };
    let balances = account.balances();
    let held = |pick: fn(&wire::Balances<'_>) -> Option<Num>| balances.and_then(pick).map(|n| n.0);
    summary.cash = num(account.portfolio_cash)
        .or(num(account.cash))
        .or(held(|b| b.portfolio_cash.or(b.cash)))
        .or(told(|u| u.uninvested_cash.as_ref().map(|m| m.amount)));
    summary.buying_power = told(|u| u.account_buying_power.as_ref().map(|m| m.amount))
        .or(num(account.buying_power))
        .or(held(|b| b.buying_power));
    summary.options_collateral = num(account.cash_held_for_options_collateral)
        .or(held(|b| b.cash_held_for_options_collateral))
        .or(told(|u| {
            u.cash_held_for_options_collateral
                .as_ref()
                .map(|m| m.amount)
        }));
    // After hours there are two sets of figures; the one of the longer day is the newer one.
    let equity = num(portfolio.extended_hours_equity).or(num(portfolio.equity));
    summary.equity = equity.or(told(|u| u.portfolio_equity.as_ref().map(|m| m.amount)));
    summary.portfolio_value =
        told(|u| u.total_equity.as_ref().map(|m| m.amount)).or(summary.equity);
    summary.withdrawable = num(portfolio.withdrawable_amount)
        .or(told(|u| u.withdrawable_cash.as_ref().map(|m| m.amount)))
        .or(num(account.cash_available_for_withdrawal))
        .or(held(|b| b.cash_available_for_withdrawal));
    summary.margin_used = held(|b| b.settled_amount_borrowed);
    // The plain one is "0" where the broker has corrected for transfers.
    let close = positive(portfolio.adjusted_equity_previous_close)
        .or(positive(portfolio.equity_previous_close))
        .or(told(|u| {
            u.portfolio_previous_close.as_ref().map(|m| m.amount)
        }));
    summary.total_return_today = summary
        .equity
        .zip(close)
        .and_then(|(now, then)| now.checked_sub(then));
    let value = num(portfolio.extended_hours_market_value).or(num(portfolio.market_value));
    summary.open_pnl = value
        .zip(sources.cost)
        .and_then(|(value, cost)| value.checked_sub(cost));
    summary.total_return_total = summary.open_pnl;
    summary.position_count = u32::try_from(sources.positions).ok();
    summary.order_count = u32::try_from(sources.orders).ok();
    if account.kind.as_ref().map(Text::as_str) == Some("margin") {
        let made = u32::try_from(sources.day_trades).unwrap_or(u32::MAX);
        summary.day_trades_remaining = Some(DAY_TRADES.saturating_sub(made));
    }
    summary.pattern_day_trader = balances.map(|balances| {
        balances.is_pdt_forever == Some(true) || balances.marked_pattern_day_trader_date.is_some()
    });
    Ok(summary)
}

/// `None` if nothing is held, or it is not `wanted`.
pub(crate) fn position(
    position: &wire::Position<'_>,
    place: Place<'_>,
    wanted: impl FnOnce(&AccountId, &InstrumentId) -> bool,
) -> Result<Option<Position>> {
    let account = account_id(position.account_number.as_ref(), position.account.as_ref())?;
    let instrument = instrument_id(position.instrument_id.as_ref(), &position.instrument)?;
    if position.quantity.0.is_zero() || !wanted(&account, &instrument) {
        return Ok(None);
    }
    let short = position
        .kind
        .as_ref()
        .is_some_and(|kind| kind.as_str() == "short")
        || position.quantity.0.is_sign_negative();
    let side = if short { Side::Sell } else { Side::Buy };
    let id = PositionId::from(&instrument);
    let size = OrderSize::Shares(Quantity::new(position.quantity.0.abs()));
    let mut converted = Position::new(id, account, instrument, side, size);
    converted.symbol = match &position.symbol {
        Some(text) => Some(super::symbol(text)?),
        None => None,
    };
    // Settled shares show 0 in the older field.
    converted.average_price = positive(position.clearing_average_cost)
        .or(positive(position.average_buy_price))
        .map(Price::new);
    let shares = |num: Option<Num>| num.map(|num| Quantity::new(num.0));
    converted.available = shares(position.shares_available_for_sells);
    converted.options_collateral = shares(position.shares_held_for_options_collateral);
    converted.opened_at = position.created_at.map(|at| at.0);
    converted.raw = place.raw();
    Ok(Some(converted))
}

/// What a holding has cost: paid for is positive, received for is negative.
pub(crate) fn signed_cost(cost: Option<Num>, direction: Option<&Text<'_>>) -> Option<Decimal> {
    let cost = cost?.0.abs();
    match direction.map(Text::as_str) {
        Some("credit") => Some(-cost),
        Some("debit") | None => Some(cost),
        Some(_) => None,
    }
}

/// What a strategy has cost in all. Older rows tell it for one only.
pub(crate) fn cost_of_strategy(row: &option::AggregatePosition<'_>) -> Option<Decimal> {
    let told = signed_cost(row.clearing_cost_basis, row.clearing_direction.as_ref());
    told.or_else(|| {
        let all = row.average_open_price?.0.checked_mul(row.quantity.0)?;
        signed_cost(Some(Num(all)), Some(&row.direction))
    })
}

pub(crate) fn dividend(dividend: &wire::Dividend<'_>) -> Result<Dividend> {
    Ok(Dividend {
        id: dividend.id.owned(),
        account: account_id(None, Some(&dividend.account))?,
        instrument: instrument_id(None, &dividend.instrument)?,
        amount: Money::new(dividend.amount.0, Currency::USD),
        rate: dividend.rate.map(|n| n.0),
        shares: dividend.position.map(|n| Quantity::new(n.0)),
        withholding: dividend.withholding.map(|n| Money::new(n.0, Currency::USD)),
        payable_on: dividend.payable_date.map(|day| day.0),
        paid_at: dividend.paid_at.map(|at| at.0),
        state: dividend.state.owned(),
    })
}
