//! What the examples share: command lines and their ends, a terminal, tables for people, and whom to
//! talk to. The examples themselves stand beside this folder.

mod cli;
mod target;
mod terminal;

use std::fmt::Display;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use wheelhouse::Decimal;

pub use cli::{End, arguments, ask_elsewhere, end, run};
pub use target::{Target, is_this_machine};
pub use terminal::{ask, columns, count_down, is_terminal, progress, say, wants_colour};

/// A table as wide as the terminal at most: the columns whose name ends in a blank are aligned to the
/// right.
///
/// ```
/// let mut table = wheelhouse_examples::Rows::new(["symbol", "bid "]);
/// table.add([&"EURUSD", &"1.08123"]);
/// assert!(table.to_string().contains("EURUSD"));
/// ```
#[derive(Debug)]
pub struct Rows(Table);

impl Rows {
    /// Starts a table with its column names.
    pub fn new<const N: usize>(names: [&str; N]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if is_terminal() {
            table.set_width(u16::try_from(columns()).unwrap_or(u16::MAX));
        }
        table.set_header(names.map(str::trim_end));
        for (index, name) in names.iter().enumerate() {
            if name.ends_with(' ')
                && let Some(column) = table.column_mut(index)
            {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    /// Adds a row.
    pub fn add<const N: usize>(&mut self, cells: [&dyn Display; N]) {
        self.0.add_row(cells.map(Cell::new));
    }
}

impl Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Shows a value, or a dash where the broker gave none.
pub fn or_dash<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// An amount with two places.
pub fn cents(amount: Decimal) -> Decimal {
    places(amount, 2)
}

/// A figure with this many places, or as many as it has room for. Formatting by a precision panics
/// on decimals that are full.
pub fn places(mut figure: Decimal, places: u32) -> Decimal {
    figure.rescale(places);
    figure
}

/// The code in the guides compiles: these modules exist for the documentation tests alone.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../README.md")]
    mod readme {}
    #[doc = include_str!("../../docs/robinhood.md")]
    mod robinhood {}
}
