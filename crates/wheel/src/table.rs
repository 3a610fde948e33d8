use std::fmt;

use wheelhouse_core::{Decimal, Symbol};

use crate::{
    hazard::{Hazard, plain},
    leg::ShortLeg,
    pen::money,
    report::{AccountWheel, WheelReport},
    wheel::Wheel,
};

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
    let legs = || {
        let puts = wheel.puts.iter().map(|put| &put.leg);
        puts.chain(wheel.calls.iter().map(|call| &call.leg))
    };
    let sum = |figure: fn(&ShortLeg) -> Option<Decimal>| {
        legs().try_fold(Decimal::ZERO, |sum, leg| sum.checked_add(figure(leg)?))
    };
    [
        wheel.underlying.to_string(),
        stages.join(", "),
        plain(wheel.shares.held).to_string(),
        wheel.shares.free_lots.to_string(),
        plain(wheel.put_contracts()).to_string(),
        plain(wheel.call_contracts()).to_string(),
        money(wheel.collateral()).to_string(),
        known(sum(|leg| leg.premium)),
        known(sum(|leg| leg.open_pnl)),
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
