use std::fmt::{self, Write};

use wheelhouse_core::Decimal;

/// How a piece of text looks on a terminal that shows colours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Alarm,
    Bold,
    Dim,
    Now,
    Pending,
    Standing,
}

/// Writes lines of pieces: colours take no room, so that widths are of the text alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    pub(crate) colour: bool,
    /// How many columns there are.
    pub(crate) width: usize,
}

impl Pen {
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        let code = match style {
            _ if !self.colour || text.trim().is_empty() => return text.to_owned(),
            Style::Alarm => "1;31",
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Now => "36",
            Style::Pending => "33",
            Style::Standing => "1;32",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Writes facts with dots between them, on as many lines as they need.
    pub(crate) fn facts(
        self,
        f: &mut fmt::Formatter<'_>,
        indent: usize,
        facts: &[String],
    ) -> fmt::Result {
        self.wrapped(f, indent, facts, " · ")
    }

    /// Writes a sentence on as many lines as it needs, after a mark.
    pub(crate) fn sentence(
        self,
        f: &mut fmt::Formatter<'_>,
        (style, mark): (Style, &str),
        sentence: &str,
    ) -> fmt::Result {
        let words: Vec<_> = sentence.split(' ').map(str::to_owned).collect();
        let mut text = String::new();
        let indent = mark.chars().count();
        lines(self.width, indent, &words, " ", &mut text)?;
        for (index, line) in text.lines().enumerate() {
            match index {
                0 => writeln!(f, "{}{}", self.paint(style, mark), line.trim_start())?,
                _ => writeln!(f, "{line}")?,
            }
        }
        Ok(())
    }

    fn wrapped(
        self,
        f: &mut fmt::Formatter<'_>,
        indent: usize,
        pieces: &[String],
        gap: &str,
    ) -> fmt::Result {
        lines(self.width, indent, pieces, gap, f)
    }
}

/// Fills lines of at most `width` columns; a piece that is longer has a line of its own.
fn lines(
    width: usize,
    indent: usize,
    pieces: &[String],
    gap: &str,
    out: &mut impl Write,
) -> fmt::Result {
    let gap_width = gap.chars().count();
    let mut column = 0;
    for piece in pieces {
        let long = piece.chars().count();
        if column == 0 {
            write!(out, "{:indent$}{piece}", "")?;
            column = indent + long;
        } else if column + gap_width + long <= width {
            write!(out, "{gap}{piece}")?;
            column += gap_width + long;
        } else {
            write!(out, "\n{:indent$}{piece}", "")?;
            column = indent + long;
        }
    }
    if column > 0 {
        writeln!(out)?;
    }
    Ok(())
}

/// Writes an amount to the cent, without trailing zeros.
pub(crate) fn money(amount: Decimal) -> Decimal {
    amount.round_dp(2).normalize()
}
