use std::fmt;

use wheelhouse_core::{Decimal, Price};

use crate::{
    hazard::plain,
    pen::{Pen, Style},
    wheel::Wheel,
};

/// The prices that matter to a wheel, the highest first, with how far they are from the price now.
pub(crate) struct Ladder {
    price: Option<Decimal>,
    rungs: Vec<(Decimal, String)>,
}

impl Ladder {
    pub(crate) fn of(wheel: &Wheel) -> Self {
        let mut rungs = Vec::new();
        let mut add = |value: Option<Decimal>, name: String| {
            rungs.extend(value.map(|value| (value, name)));
        };
        for put in &wheel.puts {
            let count = plain(put.leg.contracts.value());
            add(Some(put.leg.strike.value()), format!("put ×{count}"));
            let name = "break-even of the put".to_owned();
            add(put.break_even.map(Price::value), name);
        }
        for call in &wheel.calls {
            let count = plain(call.leg.contracts.value());
            add(Some(call.leg.strike.value()), format!("call ×{count}"));
            let name = "break-even of the call";
            add(call.break_even.broker, name.to_owned());
            add(call.break_even.effective, format!("effective {name}"));
        }
        let cost = wheel.shares.cost;
        add(cost.broker, "cost of a share".to_owned());
        add(cost.effective, "effective cost of a share".to_owned());
        rungs.sort_by(|a, b| b.cmp(a));
        rungs.dedup();
        Self {
            price: wheel.price.map(Price::value),
            rungs,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rungs.is_empty() && self.price.is_none()
    }

    pub(crate) fn draw(&self, f: &mut fmt::Formatter<'_>, pen: Pen) -> fmt::Result {
        let values = self.rungs.iter().map(|(value, _)| value).chain(&self.price);
        let scale = values.clone().map(|it| shown(*it).scale()).max();
        let scale = scale.unwrap_or_default() as usize;
        let text = |value: Decimal| padded(value, scale);
        let width = values.map(|it| text(*it).chars().count()).max();
        let width = width.unwrap_or_default();
        let longest = self.rungs.iter().map(|(_, name)| name.chars().count());
        let names = longest.max().unwrap_or_default();
        let here = |f: &mut fmt::Formatter<'_>| match self.price {
            Some(price) => {
                let line = format!("{:>width$} ◀ price", text(price));
                writeln!(f, "  {}", pen.paint(Style::Now, &line))
            }
            None => Ok(()),
        };
        let has_room = width + names + 14 <= pen.width;
        let mut is_below = false;
        for (value, name) in &self.rungs {
            if !is_below && self.price.is_some_and(|price| price >= *value) {
                is_below = true;
                here(f)?;
            }
            let price = self.price.filter(|_| has_room);
            let line = match price.and_then(|price| distance(*value, price)) {
                Some(percent) => format!("{name:<names$}  {percent:>+7} %"),
                None => name.clone(),
            };
            writeln!(f, "  {:>width$} ├ {line}", text(*value))?;
        }
        if is_below { Ok(()) } else { here(f) }
    }
}

/// Writes a value with this many places. Formatting by a precision panics on decimals that are full.
fn padded(value: Decimal, places: usize) -> String {
    let mut text = shown(value).to_string();
    let there = text.split_once('.').map_or(0, |(_, places)| places.len());
    if there == 0 && places > 0 {
        text.push('.');
    }
    text.extend(std::iter::repeat_n('0', places.saturating_sub(there)));
    text
}

fn shown(value: Decimal) -> Decimal {
    value.round_dp(4).normalize()
}

/// How far a value is from the price, in percent of the price.
fn distance(value: Decimal, price: Decimal) -> Option<Decimal> {
    let part = value.checked_sub(price)?.checked_div(price)?;
    let mut percent = part.checked_mul(Decimal::ONE_HUNDRED)?.round_dp(1);
    percent.rescale(1);
    Some(percent)
}
