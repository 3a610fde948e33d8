//! Rows in the shape that the broker sends: a row as documented, with values put in.

use std::sync::LazyLock;

use serde_json::Value;

/// A row to start from.
#[derive(Debug)]
pub(super) struct Shape(LazyLock<Value>);

macro_rules! shapes {
    ($($name:ident = $file:literal,)+) => {
        $(pub(super) static $name: Shape = Shape(LazyLock::new(|| parsed(include_str!(concat!("shapes/", $file, ".json")))));)+

        #[cfg(test)]
        const ALL: &[(&str, &Shape)] = &[$(($file, &$name),)+];
    };
}

shapes! {
    ACCOUNT_CASH = "account_cash",
    ACCOUNT_MARGIN = "account_margin",
    AGGREGATE = "aggregate",
    BASIC_INFO = "basic_info",
    CHAIN = "chain",
    CHAIN_COLLATERAL = "chain_collateral",
    CURRENCY_PAIR = "currency_pair",
    DIVIDEND = "dividend",
    EVENT = "event",
    EXECUTION = "execution",
    FOREX_QUOTE = "forex_quote",
    FUNDAMENTALS = "fundamentals",
    HISTORICALS = "historicals",
    HOLDING = "holding",
    HOURS = "hours",
    HOURS_CLOSED = "hours_closed",
    INSTRUMENT = "instrument",
    NUMMUS_ACCOUNT = "nummus_account",
    NUMMUS_ORDER = "nummus_order",
    OPTION_HISTORICALS = "option_historicals",
    OPTION_INSTRUMENT = "option_instrument",
    OPTION_ORDER = "option_order",
    OPTION_POSITION = "option_position",
    OPTION_QUOTE = "option_quote",
    ORDER = "order",
    PORTFOLIO = "portfolio",
    POSITION = "position",
    PRESUBMIT = "presubmit",
    QUOTE = "quote",
    TRANSFER_ACCOUNT = "transfer_account",
    UNIFIED_ACCOUNT = "unified_account",
    UNIFIED_ROW = "unified_row",
    USER = "user",
    USER_VIEW = "user_view",
}

fn parsed(text: &str) -> Value {
    // The files are compiled in; a broken one would show in the first test that looks at a row.
    serde_json::from_str(text).unwrap_or_default()
}

impl Shape {
    /// The row with these fields in place of its own; a field that the row does not have is a
    /// mistake of ours.
    pub(super) fn with(&self, fields: Value) -> Value {
        let mut row = self.0.clone();
        fill(&mut row, fields);
        row
    }
}

/// Puts fields into a row.
pub(super) fn fill(row: &mut Value, fields: Value) {
    let (Some(row), Value::Object(fields)) = (row.as_object_mut(), fields) else {
        return;
    };
    for (key, value) in fields {
        debug_assert!(row.contains_key(&key), "no field {key}");
        row.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_an_object_with_fields() {
        for (name, shape) in ALL {
            assert!(
                shape
                    .with(Value::Null)
                    .as_object()
                    .is_some_and(|row| !row.is_empty()),
                "{name}"
            );
        }
    }
}
