use std::fmt;

use wheelhouse_core::Decimal;

use crate::{
    hazard::plain,
    leg::ShortLeg,
    pen::{Pen, Style},
    wheel::{Stage, Wheel},
};

/// One of the four places of the wheel.
struct Place {
    label: String,
    style: Style,
    dot: char,
}

impl Place {
    fn new(label: String, stands: bool) -> Self {
        let (style, dot) = match stands {
            true => (Style::Standing, '●'),
            false => (Style::Dim, '○'),
        };
        Self { label, style, dot }
    }

    fn text(&self) -> String {
        format!("{} {}", self.dot, self.label)
    }

    /// The frame: corners from the upper left on, then the two lines.
    fn frame(&self) -> [char; 6] {
        match self.style {
            Style::Dim => ['╭', '╮', '╯', '╰', '─', '│'],
            _ => ['┏', '┓', '┛', '┗', '━', '┃'],
        }
    }

    fn edge(&self, [left, right]: [char; 2], inner: usize, mark: Option<char>) -> String {
        let line = self.frame()[4];
        let middle = inner / 2;
        let mut text = String::from(left);
        text.extend((0..inner).map(|at| mark.filter(|_| at == middle).unwrap_or(line)));
        text.push(right);
        text
    }

    fn top(&self, inner: usize, mark: Option<char>) -> String {
        let [left, right, ..] = self.frame();
        self.edge([left, right], inner, mark)
    }

    fn bottom(&self, inner: usize, mark: Option<char>) -> String {
        let [_, _, right, left, ..] = self.frame();
        self.edge([left, right], inner, mark)
    }

    /// The line with the label; a side that an arrow leaves has a mark of its own.
    fn body(&self, inner: usize, sides: [Option<char>; 2]) -> String {
        let wall = self.frame()[5];
        let [left, right] = sides.map(|side| side.unwrap_or(wall));
        let text = self.text();
        format!("{left} {text:<width$}{right}", width = inner - 1)
    }
}

/// Cash, put, shares and call, and the ways between them.
pub(crate) struct Ring {
    cash: Place,
    put: Place,
    shares: Place,
    call: Place,
    put_assigned: bool,
    call_assigned: bool,
}

const PUT_WRITTEN: &str = "── put written ──▶";
const CALL_WRITTEN: &str = "◀── call written ─";

impl Ring {
    pub(crate) fn of(wheel: &Wheel) -> Self {
        let (puts, calls) = (wheel.put_contracts(), wheel.call_contracts());
        let held = wheel.shares.held;
        let at = |stage| wheel.stages.contains(&stage);
        let moving = |leg: &ShortLeg| !leg.pending_assignment.value().is_zero();
        let mut call = Place::new(format!("call ×{}", plain(calls)), !calls.is_zero());
        if at(Stage::ShortCallUndercovered) {
            (call.style, call.dot) = (Style::Alarm, '!');
        }
        Self {
            cash: Place::new("cash".to_owned(), at(Stage::NotStarted)),
            put: Place::new(format!("put ×{}", plain(puts)), !puts.is_zero()),
            shares: Place::new(format!("shares {}", plain(held)), held > Decimal::ZERO),
            call,
            put_assigned: wheel.puts.iter().any(|put| moving(&put.leg)),
            call_assigned: wheel.calls.iter().any(|call| moving(&call.leg)),
        }
    }

    fn places(&self) -> [&Place; 4] {
        [&self.cash, &self.put, &self.shares, &self.call]
    }

    /// The room inside of a frame.
    fn inner(&self) -> usize {
        let longest = self.places().map(|place| place.text().chars().count());
        longest.into_iter().max().unwrap_or_default().max(10) + 2
    }

    pub(crate) fn width(&self) -> usize {
        let (inner, gap) = (self.inner(), PUT_WRITTEN.chars().count());
        let frames = 2 + 2 * (inner + 2) + gap;
        match self.put_assigned {
            true => frames.max(inner + gap + inner / 2 + BEING_ASSIGNED.len() + 7),
            false => frames,
        }
    }

    pub(crate) fn draw(&self, f: &mut fmt::Formatter<'_>, pen: Pen) -> fmt::Result {
        let Self {
            cash,
            put,
            shares,
            call,
            ..
        } = self;
        let inner = self.inner();
        let gap = " ".repeat(PUT_WRITTEN.chars().count());
        let row = |f: &mut fmt::Formatter<'_>,
                   left: (&Place, String),
                   way: &str,
                   right: (&Place, String)| {
            let (left, right) = (
                pen.paint(left.0.style, &left.1),
                pen.paint(right.0.style, &right.1),
            );
            writeln!(f, "  {left}{way}{right}")
        };
        let out = |place: &Place, heavy, light| match place.style {
            Style::Dim => light,
            _ => heavy,
        };
        row(
            f,
            (cash, cash.top(inner, None)),
            &gap,
            (put, put.top(inner, None)),
        )?;
        let right = Some(out(cash, '┠', '├'));
        row(
            f,
            (cash, cash.body(inner, [None, right])),
            PUT_WRITTEN,
            (put, put.body(inner, [None, None])),
        )?;
        row(
            f,
            (cash, cash.bottom(inner, Some('▲'))),
            &gap,
            (put, put.bottom(inner, Some(out(put, '┯', '┬')))),
        )?;
        let called = way(pen, self.call_assigned, "called away");
        let assigned = way(pen, self.put_assigned, "assigned");
        let before = " ".repeat(inner / 2 + 3);
        let shown = if self.call_assigned {
            BEING_ASSIGNED
        } else {
            "called away"
        };
        let rest = (inner + 2 + gap.len()).saturating_sub(2 + shown.chars().count());
        writeln!(f, "{before}{called}{}{assigned}", " ".repeat(rest))?;
        row(
            f,
            (call, call.top(inner, Some(out(call, '┷', '┴')))),
            &gap,
            (shares, shares.top(inner, Some('▼'))),
        )?;
        let left = Some(out(shares, '┨', '┤'));
        row(
            f,
            (call, call.body(inner, [None, None])),
            CALL_WRITTEN,
            (shares, shares.body(inner, [left, None])),
        )?;
        row(
            f,
            (call, call.bottom(inner, None)),
            &gap,
            (shares, shares.bottom(inner, None)),
        )
    }

    /// The same in four lines, where there is no room.
    pub(crate) fn list(&self, f: &mut fmt::Formatter<'_>, pen: Pen) -> fmt::Result {
        for place in self.places() {
            writeln!(f, "  {}", pen.paint(place.style, &place.text()))?;
        }
        if self.put_assigned || self.call_assigned {
            writeln!(f, "  {}", pen.paint(Style::Pending, "┆ being assigned"))?;
        }
        Ok(())
    }
}

const BEING_ASSIGNED: &str = "being assigned";

fn way(pen: Pen, moves: bool, name: &str) -> String {
    match moves {
        true => pen.paint(Style::Pending, &format!("┆ {BEING_ASSIGNED}")),
        false => format!("│ {}", pen.paint(Style::Dim, name)),
    }
}
