use std::fmt;

use wheelhouse_core::{Decimal, Price, Symbol};

use crate::{
    hazard::{Hazard, plain},
    leg::ShortLeg,
    report::{AccountWheel, Secured, WheelReport},
    wheel::{Stage, Wheel},
};

/// A drawing of one wheel, made by [`Wheel::picture`].
///
/// A full dot marks what there is, `!` calls that are undercovered, and a broken line an assignment
/// that is pending.
///
/// ```text
/// F in account 100200301: cash-secured-put-open
///
///   ○ cash ────────▶ ● put ×1
///     ▲                │
///     │                ▼
///   ○ call ×0 ◀───── ○ shares 0
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a>(&'a Wheel);

impl<'a> Picture<'a> {
    pub(crate) fn of(wheel: &'a Wheel) -> Self {
        Self(wheel)
    }
}

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wheel = self.0;
        let stages: Vec<_> = wheel.stages.iter().map(|stage| stage.as_str()).collect();
        let (underlying, account) = (&wheel.underlying, &wheel.account);
        write!(
            f,
            "{underlying} in account {account}: {}",
            stages.join(", ")
        )?;
        if let Some(price) = wheel.price {
            write!(f, " (price {})", plain(price.value()))?;
        }
        writeln!(f, "\n")?;
        draw(f, wheel)?;
        writeln!(f)?;
        legs(f, wheel)?;
        for hazard in &wheel.hazards {
            writeln!(f, "  ! {hazard}")?;
        }
        Ok(())
    }
}

fn draw(f: &mut fmt::Formatter<'_>, wheel: &Wheel) -> fmt::Result {
    let (puts, calls) = (wheel.put_contracts(), wheel.call_contracts());
    let dot = |full: bool| if full { '●' } else { '○' };
    let at = |stage| wheel.stages.contains(&stage);
    let call_dot = if at(Stage::ShortCallUndercovered) {
        '!'
    } else {
        dot(!calls.is_zero())
    };
    let moving = |leg: &ShortLeg| !leg.pending_assignment.value().is_zero();
    let way = |moves: bool| if moves { '┆' } else { '│' };
    let down = way(wheel.puts.iter().any(|put| moving(&put.leg)));
    let up = way(wheel.calls.iter().any(|call| moving(&call.leg)));
    let call = format!("call ×{}", plain(calls));
    let width = call.chars().count();
    let line = "─".repeat(width + 1);
    let gap = " ".repeat(width + 9);
    writeln!(
        f,
        "  {} cash {line}▶ {} put ×{}",
        dot(at(Stage::NotStarted)),
        dot(!puts.is_zero()),
        plain(puts)
    )?;
    writeln!(f, "    ▲{gap}{down}")?;
    writeln!(f, "    {up}{gap}▼")?;
    writeln!(
        f,
        "  {call_dot} {call} ◀───── {} shares {}",
        dot(wheel.shares.held > Decimal::ZERO),
        plain(wheel.shares.held)
    )
}

fn legs(f: &mut fmt::Formatter<'_>, wheel: &Wheel) -> fmt::Result {
    for put in &wheel.puts {
        leg(f, "put", &put.leg)?;
        let collateral = plain(put.collateral);
        let secured = match wheel.secured {
            Secured::Yes => " set aside",
            Secured::No { .. } => " not wholly there",
            Secured::NoPuts | Secured::Unknown => " not shown",
        };
        write!(f, "; collateral {collateral}{secured}")?;
        figure(f, "break-even", put.break_even.map(Price::value))?;
        if let Some(yearly) = put.annualised_return {
            let percent = yearly.saturating_mul(Decimal::ONE_HUNDRED);
            write!(f, "; {} % a year", money(percent))?;
        }
        writeln!(f)?;
    }
    let shares = &wheel.shares;
    if !shares.held.is_zero() {
        write!(
            f,
            "  shares {}; free lots {}",
            plain(shares.held),
            shares.free_lots
        )?;
        figure(f, "cost", shares.cost.broker)?;
        figure(f, "effective cost", shares.cost.effective)?;
        figure(f, "open P&L", shares.open_pnl)?;
        writeln!(f)?;
    }
    for call in &wheel.calls {
        leg(f, "call", &call.leg)?;
        figure(f, "break-even", call.break_even.broker)?;
        figure(f, "effective break-even", call.break_even.effective)?;
        figure(f, "if called", call.if_called.broker)?;
        writeln!(f)?;
    }
    if !wheel.aside.is_empty() {
        writeln!(
            f,
            "  beside the wheel: {} option positions",
            wheel.aside.len()
        )?;
    }
    Ok(())
}

fn leg(f: &mut fmt::Formatter<'_>, right: &str, leg: &ShortLeg) -> fmt::Result {
    let days = match leg.days_to_expiry {
        0 => "today".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    write!(
        f,
        "  {right} {} ×{} to {} ({days})",
        plain(leg.strike.value()),
        plain(leg.contracts.value()),
        leg.expiration
    )?;
    figure(f, "premium", leg.premium)?;
    figure(f, "open P&L", leg.open_pnl)
}

fn figure(f: &mut fmt::Formatter<'_>, name: &str, figure: Option<Decimal>) -> fmt::Result {
    match figure {
        Some(figure) => write!(f, "; {name} {}", money(figure)),
        None => Ok(()),
    }
}

/// Writes an amount to the cent, without trailing zeros.
fn money(amount: Decimal) -> Decimal {
    amount.round_dp(2).normalize()
}

impl fmt::Display for WheelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, account) in self.accounts.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            account.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for AccountWheel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "account {}, {} in New York", self.account, self.today)?;
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        rows.extend(self.wheels.iter().map(row));
        rows.push(self.total());
        for row in &rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let cells = rows.iter().map(|row| row[column].chars().count());
                let width = cells.max().unwrap_or_default();
                let gap = if column == 0 { "" } else { "  " };
                line += gap;
                line += &match column {
                    0 | 1 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        for (underlying, hazard) in self.all_hazards() {
            warn(f, underlying, hazard)?;
        }
        Ok(())
    }
}

fn warn(f: &mut fmt::Formatter<'_>, underlying: Option<&Symbol>, hazard: &Hazard) -> fmt::Result {
    match underlying {
        Some(symbol) => writeln!(f, "! {symbol}: {hazard}"),
        None => writeln!(f, "! {hazard}"),
    }
}

const HEADINGS: [&str; 9] = [
    "underlying",
    "stage",
    "shares",
    "free lots",
    "puts",
    "calls",
    "collateral",
    "premium",
    "open P&L",
];

fn row(wheel: &Wheel) -> [String; 9] {
    let stages: Vec<_> = wheel.stages.iter().map(|stage| stage.as_str()).collect();
    let totals = crate::report::Totals::over(std::slice::from_ref(wheel));
    [
        wheel.underlying.to_string(),
        stages.join(", "),
        plain(wheel.shares.held).to_string(),
        totals.free_lots.to_string(),
        plain(totals.put_contracts).to_string(),
        plain(totals.call_contracts).to_string(),
        money(totals.collateral).to_string(),
        known(totals.premium),
        known(totals.open_pnl),
    ]
}

impl AccountWheel {
    fn total(&self) -> [String; 9] {
        let totals = &self.totals;
        [
            "total".to_owned(),
            String::new(),
            String::new(),
            totals.free_lots.to_string(),
            plain(totals.put_contracts).to_string(),
            plain(totals.call_contracts).to_string(),
            money(totals.collateral).to_string(),
            known(totals.premium),
            known(totals.open_pnl),
        ]
    }
}

fn known(figure: Option<Decimal>) -> String {
    figure.map_or_else(|| "?".to_owned(), |figure| money(figure).to_string())
}
