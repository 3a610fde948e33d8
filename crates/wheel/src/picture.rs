use std::fmt;

use wheelhouse_core::Decimal;

use crate::{
    hazard::plain,
    ladder::Ladder,
    leg::ShortLeg,
    pen::{Pen, Style, money},
    report::Secured,
    ring::Ring,
    wheel::Wheel,
};

/// A drawing of one wheel for a terminal, made by [`Wheel::picture`].
///
/// A heavy frame and a full dot mark where the wheel stands, `!` calls that are undercovered, and a
/// broken line an assignment that is pending. Below stand the prices that matter, the highest first,
/// the legs and the hazards.
///
/// ```text
/// F  cash-secured-put-open
/// account 100200301
///
///   ╭────────────╮                  ┏━━━━━━━━━━━━┓
///   │ ○ cash     ├── put written ──▶┃ ● put ×1   ┃
///   ╰─────▲──────╯                  ┗━━━━━┯━━━━━━┛
///         │ called away                   │ assigned
///   ╭─────┴──────╮                  ╭─────▼──────╮
///   │ ○ call ×0  │◀── call written ─┤ ○ shares 0 │
///   ╰────────────╯                  ╰────────────╯
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    wheel: &'a Wheel,
    pen: Pen,
}

impl<'a> Picture<'a> {
    pub(crate) fn of(wheel: &'a Wheel) -> Self {
        let (colour, width) = (false, 80);
        Self {
            wheel,
            pen: Pen { colour, width },
        }
    }

    /// Sets how many columns there are; the default is 80. Where the drawing does not fit, a list
    /// takes its place.
    #[must_use]
    pub fn width(mut self, columns: usize) -> Self {
        self.pen.width = columns;
        self
    }

    /// Marks with colours (ANSI escape sequences) what stands where. Off unless asked for: whether
    /// there is a terminal is the caller's to know.
    #[must_use]
    pub fn colour(mut self, colour: bool) -> Self {
        self.pen.colour = colour;
        self
    }
}

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wheel, pen } = *self;
        let stages: Vec<_> = wheel.stages.iter().map(|stage| stage.as_str()).collect();
        let name = format!("{}  ", wheel.underlying);
        pen.sentence(f, (Style::Bold, &name), &stages.join(", "))?;
        writeln!(f, "account {}\n", wheel.account)?;
        let ring = Ring::of(wheel);
        if ring.width() <= pen.width {
            ring.draw(f, pen)?;
        } else {
            ring.list(f, pen)?;
        }
        let ladder = Ladder::of(wheel);
        if !ladder.is_empty() {
            writeln!(f)?;
            ladder.draw(f, pen)?;
        }
        legs(f, pen, wheel)?;
        if !wheel.hazards.is_empty() {
            writeln!(f)?;
        }
        for hazard in &wheel.hazards {
            pen.sentence(f, (Style::Alarm, "  ! "), &hazard.to_string())?;
        }
        Ok(())
    }
}

fn legs(f: &mut fmt::Formatter<'_>, pen: Pen, wheel: &Wheel) -> fmt::Result {
    for put in &wheel.puts {
        let secured = match wheel.secured {
            Secured::Yes => " set aside",
            Secured::No { .. } => " not all there",
            Secured::NoPuts | Secured::Unknown => ", cash not shown",
        };
        let mut facts = facts(&put.leg);
        facts.push(format!("collateral {}{secured}", plain(put.collateral)));
        if let Some(yearly) = put.annualised_return {
            let percent = yearly.saturating_mul(Decimal::ONE_HUNDRED);
            facts.push(format!("{} % a year", money(percent)));
        }
        leg(f, pen, "put", &put.leg, &facts)?;
    }
    let shares = &wheel.shares;
    if !shares.held.is_zero() {
        let mut facts = vec![format!("free lots {}", shares.free_lots)];
        add(&mut facts, "open P&L", shares.open_pnl);
        let head = format!("  shares {}", plain(shares.held));
        writeln!(f, "\n{}", pen.paint(Style::Bold, &head))?;
        pen.facts(f, 4, &facts)?;
    }
    for call in &wheel.calls {
        let mut facts = facts(&call.leg);
        add(&mut facts, "if called", call.if_called.broker);
        leg(f, pen, "call", &call.leg, &facts)?;
    }
    match wheel.aside.len() {
        0 => Ok(()),
        1 => writeln!(f, "\n  beside the wheel: 1 option position"),
        count => writeln!(f, "\n  beside the wheel: {count} option positions"),
    }
}

fn leg(
    f: &mut fmt::Formatter<'_>,
    pen: Pen,
    right: &str,
    leg: &ShortLeg,
    facts: &[String],
) -> fmt::Result {
    let days = match leg.days_to_expiry {
        0 => "today".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let head = format!(
        "  {right} {} ×{}",
        plain(leg.strike.value()),
        plain(leg.contracts.value())
    );
    let head = pen.paint(Style::Bold, &head);
    writeln!(f, "\n{head} to {} ({days})", leg.expiration)?;
    pen.facts(f, 4, facts)
}

fn facts(leg: &ShortLeg) -> Vec<String> {
    let mut facts = Vec::new();
    add(&mut facts, "premium", leg.premium);
    add(&mut facts, "open P&L", leg.open_pnl);
    facts
}

fn add(facts: &mut Vec<String>, name: &str, figure: Option<Decimal>) {
    facts.extend(figure.map(|figure| format!("{name} {}", money(figure))));
}
