use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use time::Date;
use wheelhouse_core::{
    AccountId, AccountKind, Decimal, Error, ErrorKind, OptionPosition, OptionRight, OrderSize,
    Position, Price, Quantity, Result, Side, Symbol,
};

use crate::{
    hazard::{Hazard, NotAllowed},
    inputs::WheelInputs,
    leg::{Aside, AsideReason, Basis, CallLeg, PutLeg, SHARES_PER_CONTRACT, ShortLeg, minus},
    report::{AccountWheel, Secured, Totals, WheelReport},
    wheel::{Shares, Stage, Wheel},
};

/// Says where each underlying of each account stands on the wheel.
///
/// Nothing is read and nothing is advised. The order of rows does not matter, and what stands in one
/// account changes nothing in another.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if the rows of an account come to more shares, contracts or cash than a
/// decimal can count: nothing is rounded or cut off to make it fit.
pub fn classify(inputs: &WheelInputs) -> Result<WheelReport> {
    let summaries = inputs.summaries.iter().map(|summary| &summary.account);
    let positions = inputs.positions.iter().map(|position| &position.account);
    let options = inputs.options.iter().map(|option| &option.account);
    let accounts: BTreeSet<_> = summaries.chain(positions).chain(options).collect();
    let accounts = accounts.into_iter();
    let accounts = accounts.map(|account| classify_account(inputs, account));
    Ok(WheelReport {
        today: inputs.today,
        accounts: accounts.collect::<Result<_>>()?,
    })
}

/// Says where each underlying of one account stands.
pub(crate) fn classify_account(inputs: &WheelInputs, account: &AccountId) -> Result<AccountWheel> {
    let mut rows: BTreeMap<&Symbol, Rows<'_>> = BTreeMap::new();
    let mut hazards = Vec::new();
    for position in &inputs.positions {
        if position.account != *account {
            continue;
        }
        let Some(shares) = shares_of(position) else {
            continue;
        };
        let named = inputs.symbols.get(&position.instrument);
        match position.symbol.as_ref().or(named) {
            Some(symbol) => rows.entry(symbol).or_default().positions.push(position),
            None => hazards.push(Hazard::UnnamedShares {
                instrument: position.instrument.clone(),
                shares,
            }),
        }
    }
    hazards.sort_by(|a, b| format!("{a:?}").cmp(&format!("{b:?}")));
    for option in &inputs.options {
        let open = !option.contracts.value().is_zero() || is_pending(option);
        if option.account == *account && open {
            let underlying = &option.contract.underlying;
            rows.entry(underlying).or_default().options.push(option);
        }
    }

    let summary = inputs
        .summaries
        .iter()
        .filter(|summary| summary.account == *account)
        .max_by_key(|summary| {
            let cash = (summary.options_collateral, summary.cash);
            (summary.updated_at, Reverse(cash))
        });
    let mut wheels: Vec<Wheel> = rows
        .into_iter()
        .map(|(symbol, rows)| {
            let wheel = rows.into_wheel(inputs, account, symbol);
            wheel.ok_or_else(|| too_large(&format!("what there is of {symbol}")))
        })
        .collect::<Result<_>>()?;
    let totals = Totals::over(&wheels).ok_or_else(|| too_large("the sum over an account"))?;
    let (set_aside, cash) = (
        summary.and_then(|summary| summary.options_collateral),
        summary.and_then(|summary| summary.cash),
    );
    let secured = if totals.put_contracts.is_zero() {
        Secured::NoPuts
    } else {
        let mut aside = wheels.iter().flat_map(|wheel| &wheel.aside);
        let others = aside.any(|aside| aside.side == Side::Sell);
        Secured::judge(totals.collateral, set_aside, cash, others)
            .ok_or_else(|| too_large("the cash that is missing"))?
    };
    for wheel in wheels.iter_mut().filter(|wheel| !wheel.puts.is_empty()) {
        wheel.secured = secured;
    }
    let collateral = totals.collateral;
    let kind = summary.and_then(|summary| summary.kind.clone());
    match secured {
        Secured::No { missing } => hazards.push(Hazard::PutsNotSecured {
            collateral,
            missing,
            margin: kind == Some(AccountKind::Margin),
        }),
        Secured::Unknown => hazards.push(Hazard::CashNotShown { collateral }),
        Secured::NoPuts | Secured::Yes => {}
    }
    if let Some(kind) = &kind {
        let not_allowed = not_allowed(kind, &wheels, secured);
        hazards.extend(not_allowed.into_iter().map(|what| Hazard::NotAllowed {
            kind: kind.clone(),
            what,
        }));
    }
    Ok(AccountWheel {
        account: account.clone(),
        today: inputs.today,
        kind,
        currency: summary.and_then(|summary| summary.currency),
        wheels,
        totals,
        cash,
        set_aside,
        secured,
        hazards,
    })
}

fn too_large(what: &str) -> Error {
    let message = format!("{what} is more than a decimal can count");
    Error::new(ErrorKind::InvalidInput, message).in_operation("wheel")
}

/// Returns what an account shows that its kind is not allowed.
fn not_allowed(kind: &AccountKind, wheels: &[Wheel], secured: Secured) -> Vec<NotAllowed> {
    if !matches!(kind, AccountKind::Cash | AccountKind::Retirement) {
        return Vec::new();
    }
    let spread = wheels.iter().flat_map(|wheel| &wheel.aside);
    let mut spread = spread.filter(|aside| aside.side == Side::Sell);
    let is_spread = spread.any(|aside| aside.reason == AsideReason::MultiLeg);
    let mut wheels = wheels.iter();
    let is_uncovered = wheels.any(|wheel| wheel.shares.covered > wheel.shares.held);
    let found = [
        (
            *kind == AccountKind::Retirement && is_spread,
            NotAllowed::Spreads,
        ),
        (is_uncovered, NotAllowed::UncoveredCalls),
        (
            matches!(secured, Secured::No { .. }),
            NotAllowed::UnsecuredPuts,
        ),
    ];
    let found = found.into_iter().filter(|(is_shown, _)| *is_shown);
    found.map(|(_, what)| what).collect()
}

/// The rows of one underlying in one account.
#[derive(Default)]
struct Rows<'a> {
    positions: Vec<&'a Position>,
    options: Vec<&'a OptionPosition>,
}

impl Rows<'_> {
    /// `None` if a count is too large for a decimal.
    fn into_wheel(
        mut self,
        inputs: &WheelInputs,
        account: &AccountId,
        symbol: &Symbol,
    ) -> Option<Wheel> {
        // Decimals round once they are full, so that even sums could depend on the order of rows.
        self.positions.sort_by_key(|row| {
            let price = row.average_price;
            (row.id.clone(), row.side, row.size.amount(), price)
        });
        self.options.sort_by_key(|row| {
            let contract = &row.contract;
            let terms = (contract.expiration, contract.strike, contract.right);
            let ids = (contract.id.clone(), row.id.clone());
            (terms, ids, row.side, row.contracts, row.average_price)
        });

        let is_price = |price: &Price| price.value() > Decimal::ZERO;
        let named = inputs.prices.get(symbol).copied().filter(is_price);
        let price = named.or_else(|| {
            let marks = self.positions.iter().filter_map(|row| row.mark_price);
            marks.filter(is_price).min()
        });
        let (mut puts, mut calls, mut aside) = (Vec::new(), Vec::new(), Vec::new());
        for option in &self.options {
            let mark = inputs.marks.get(&option.contract.id).copied();
            let mark = mark.filter(|mark| mark.value() >= Decimal::ZERO);
            let leg = || ShortLeg::new(option, inputs.today, mark, price);
            match (AsideReason::of(option), option.contract.right) {
                (Some(reason), _) => aside.push(Aside::new(option, reason)),
                (None, OptionRight::Put) => puts.push(PutLeg::new(leg()?)?),
                (None, OptionRight::Call) => calls.push(leg()?),
            }
        }

        let net = net_shares(&self.positions)?;
        let mut covers = calls.iter().map(|leg| leg.shares);
        let covered = covers.try_fold(Decimal::ZERO, Decimal::checked_add)?;
        let held = net.max(Decimal::ZERO);
        let (assigned, effective) = effective_cost(inputs, account, symbol, held);
        let cost = Basis {
            broker: broker_cost(&self.positions),
            effective,
        };
        let per_share = minus(price.map(Price::value), cost.broker);
        let pending = self.options.iter().any(|row| is_pending(row));
        let held_for_options = sum_known(&self.positions, |row| row.options_collateral);
        // Calls that do not count need shares too; how many, only the broker can tell.
        let mut others = aside.iter().filter(|leg| leg.side == Side::Sell);
        let is_unclear =
            held_for_options.is_none() && others.any(|leg| leg.right == OptionRight::Call);
        let behind = held_for_options.map_or(covered, |there| there.max(covered));
        let free_lots = match pending || is_unclear {
            true => 0,
            false => Shares::count(held, behind)?.free_lots,
        };
        let shares = Shares {
            free_lots,
            available: sum_known(&self.positions, |row| row.available),
            held_for_options,
            cost,
            assigned,
            open_pnl: per_share.and_then(|pnl| pnl.checked_mul(held)),
            ..Shares::count(held, covered)?
        };
        let calls: Vec<_> = calls
            .into_iter()
            .map(|leg| CallLeg::new(leg, cost))
            .collect();

        let written = puts.iter().any(|put| !put.leg.contracts.value().is_zero());
        let mut wheel = Wheel {
            account: account.clone(),
            underlying: symbol.clone(),
            stages: Stage::all_of(&shares, written, pending),
            price,
            shares,
            puts,
            calls,
            secured: Secured::NoPuts,
            aside,
            hazards: Vec::new(),
        };
        let ex_dividend = inputs.ex_dividends.get(symbol).copied();
        let ex_dividend = ex_dividend.filter(|on| *on >= inputs.today);
        wheel.hazards = self.hazards(&wheel, net, ex_dividend);
        Some(wheel)
    }

    fn hazards(&self, wheel: &Wheel, net: Decimal, ex_dividend: Option<Date>) -> Vec<Hazard> {
        let mut hazards = Vec::new();
        let shares = &wheel.shares;
        if shares.covered > shares.held {
            hazards.push(Hazard::UndercoveredCalls {
                covered: shares.covered,
                shares: shares.held,
            });
        }
        if net < Decimal::ZERO {
            hazards.push(Hazard::ShortShares { shares: -net });
        }
        for option in self.options.iter().filter(|row| is_pending(row)) {
            hazards.push(Hazard::AssignmentPending {
                position: option.id.clone(),
                right: option.contract.right,
                strike: option.contract.strike,
                contracts: option.pending_assignment.unwrap_or_default(),
            });
        }
        let cost = shares.cost.broker.max(shares.cost.effective);
        let puts = wheel.puts.iter().map(|put| &put.leg);
        for leg in puts.chain(wheel.calls.iter().map(|call| &call.leg)) {
            hazards.extend(Hazard::of_leg(leg, cost, ex_dividend));
        }
        for aside in wheel.aside.iter().filter(|leg| leg.side == Side::Sell) {
            hazards.push(Hazard::ShortLegAside {
                position: aside.position.clone(),
                right: aside.right,
                strike: aside.strike,
                contracts: aside.contracts,
            });
        }
        if let Some(held) = shares.held_for_options
            && held != shares.covered
        {
            hazards.push(Hazard::CollateralDiffers {
                held,
                covered: shares.covered,
            });
        }
        hazards
    }
}

/// Returns how many shares a position is of, negative if they are sold short; `None` if it is of
/// something else or empty.
fn shares_of(position: &Position) -> Option<Decimal> {
    let OrderSize::Shares(quantity) = position.size else {
        return None;
    };
    let shares = match position.side {
        Side::Buy => quantity.value(),
        Side::Sell => -quantity.value().abs(),
    };
    (!shares.is_zero()).then_some(shares)
}

fn net_shares(positions: &[&Position]) -> Option<Decimal> {
    let mut each = positions.iter().filter_map(|row| shares_of(row));
    each.try_fold(Decimal::ZERO, Decimal::checked_add)
}

/// Returns the mean cost of the shares that are held, `None` unless it is known of all of them. Some
/// brokers write 0 for a cost that they do not know.
fn broker_cost(positions: &[&Position]) -> Option<Decimal> {
    let (mut paid, mut count) = (Decimal::ZERO, Decimal::ZERO);
    for position in positions.iter().filter(|row| row.side == Side::Buy) {
        let shares = shares_of(position).filter(|shares| *shares > Decimal::ZERO)?;
        let price = position.average_price?.value();
        if price <= Decimal::ZERO {
            return None;
        }
        paid = paid.checked_add(price.checked_mul(shares)?)?;
        count = count.checked_add(shares)?;
    }
    paid.checked_div(count)
}

/// Returns how many shares came in through assignments and what one of them cost in effect. More
/// than are held cannot still be held, so that such assignments tell nothing.
fn effective_cost(
    inputs: &WheelInputs,
    account: &AccountId,
    symbol: &Symbol,
    held: Decimal,
) -> (Decimal, Option<Decimal>) {
    let mut assignments: Vec<_> = inputs
        .assignments
        .iter()
        .filter(|row| row.account == *account && row.underlying == *symbol)
        .collect();
    assignments.sort_by_key(|row| (row.strike, row.credit, row.contracts));
    let sums =
        assignments
            .iter()
            .try_fold((Decimal::ZERO, Decimal::ZERO), |(contracts, paid), row| {
                let count = row.contracts.value();
                let cost = row.strike.value().checked_sub(row.credit.value())?;
                let paid = paid.checked_add(cost.checked_mul(count)?)?;
                Some((contracts.checked_add(count)?, paid))
            });
    let none = (Decimal::ZERO, None);
    let Some((contracts, paid)) = sums else {
        return none;
    };
    match contracts.checked_mul(SHARES_PER_CONTRACT) {
        Some(shares) if shares > Decimal::ZERO && shares <= held => {
            (shares, paid.checked_div(contracts))
        }
        _ => none,
    }
}

fn sum_known(
    positions: &[&Position],
    figure: impl Fn(&Position) -> Option<Quantity>,
) -> Option<Decimal> {
    if positions.is_empty() {
        return None;
    }
    positions.iter().try_fold(Decimal::ZERO, |sum, row| {
        sum.checked_add(figure(row)?.value())
    })
}

fn is_pending(option: &OptionPosition) -> bool {
    let pending = option.pending_assignment.unwrap_or_default();
    option.side == Side::Sell && pending.value() > Decimal::ZERO
}
