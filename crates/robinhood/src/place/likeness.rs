//! Whether an order that the broker has is the one that was to be placed.

use serde_json::Value;
use wheelhouse_core::Decimal;

use crate::{resolve::Book, wire::value::decimal};

/// Compares what was sent with what the broker tells of an order, field by field. What differs by
/// its nature is left out: prices that were taken from a quote, and stops that follow the market.
pub(super) fn is_same(book: Book, sent: &[u8], there: &str) -> bool {
    let (Ok(sent), Ok(there)) = (
        serde_json::from_slice::<Value>(sent),
        serde_json::from_str::<Value>(there),
    ) else {
        return false;
    };
    let (sent, there) = (Fields(&sent), Fields(&there));
    let words = |names: &[&str]| names.iter().all(|name| sent.word(name) == there.word(name));
    let numbers = |names: &[&str]| {
        names
            .iter()
            .all(|name| sent.number(name) == there.number(name))
    };
    let limit = || sent.word("type") != Some("limit") || numbers(&["price"]);
    match book {
        Book::Crypto => {
            words(&["currency_pair_id", "side", "type", "time_in_force"])
                && numbers(&["quantity"])
                && limit()
        }
        Book::Options => {
            words(&["direction", "type", "trigger", "time_in_force"])
                && numbers(&["quantity", "stop_price"])
                && limit()
                && sent.legs() == there.legs()
        }
        Book::Shares => {
            let follows = sent.at("trailing_peg").is_some();
            words(&["instrument", "side", "type", "trigger", "time_in_force"])
                && (there.at("market_hours").is_none() || words(&["market_hours"]))
                && sent.size() == there.size()
                && sent.peg() == there.peg()
                && limit()
                && (follows || numbers(&["stop_price"]))
        }
    }
}

/// An object as either side writes it.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a Value);

impl<'a> Fields<'a> {
    fn at(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Text; of an address its last part, which is the id of what it points to.
    fn word(self, name: &str) -> Option<&'a str> {
        let text = self.at(name)?.as_str()?;
        text.trim_end_matches('/').rsplit('/').next()
    }

    /// A number other than zero, which stands for none where there is no price.
    fn number(self, name: &str) -> Option<Decimal> {
        let number = match self.at(name)? {
            Value::Number(number) => decimal(&number.to_string()),
            Value::String(text) => decimal(text),
            _ => None,
        };
        number.filter(|number| !number.is_zero())
    }

    fn inside(self, name: &str) -> Self {
        Self(self.at(name).unwrap_or(&Value::Null))
    }

    /// The amount, or else the quantity: of an order by amount the broker computes a quantity too.
    fn size(self) -> (Option<Decimal>, Option<Decimal>) {
        match self.inside("dollar_based_amount").number("amount") {
            None => (None, self.number("quantity")),
            amount => (amount, None),
        }
    }

    fn peg(self) -> (Option<&'a str>, Option<Decimal>, Option<Decimal>) {
        let peg = self.inside("trailing_peg");
        let amount = peg.inside("price").number("amount");
        (peg.word("type"), peg.number("percentage"), amount)
    }

    fn legs(self) -> Option<Vec<[Option<String>; 4]>> {
        let leg = |leg: &Value| {
            let leg = Fields(leg);
            let ratio = leg.number("ratio_quantity");
            [
                leg.word("option").map(str::to_owned),
                leg.word("side").map(str::to_owned),
                leg.word("position_effect").map(str::to_owned),
                ratio.map(|ratio| ratio.normalize().to_string()),
            ]
        };
        let mut legs: Vec<_> = self.at("legs")?.as_array()?.iter().map(leg).collect();
        legs.sort_unstable();
        Some(legs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_are_the_same_in_any_order_and_numbers_in_any_form() {
        let sent = br#"{"direction":"credit","type":"limit","trigger":"immediate","price":"0.12",
            "time_in_force":"gfd","quantity":"1","legs":[
            {"option":"https://api.robinhood.com/options/instruments/a/","side":"sell",
             "position_effect":"open","ratio_quantity":1},
            {"option":"https://api.robinhood.com/options/instruments/b/","side":"buy",
             "position_effect":"open","ratio_quantity":2}]}"#;
        let there = r#"{"direction":"credit","type":"limit","trigger":"immediate",
            "price":"0.12000000","stop_price":null,"time_in_force":"gfd","quantity":"1.00000",
            "legs":[
            {"option":"https://api.robinhood.com/options/instruments/b/","side":"buy",
             "position_effect":"open","ratio_quantity":"2"},
            {"option":"https://api.robinhood.com/options/instruments/a/","side":"sell",
             "position_effect":"open","ratio_quantity":1}]}"#;
        assert!(is_same(Book::Options, sent, there));
        let other = there.replace("instruments/b/", "instruments/c/");
        assert!(!is_same(Book::Options, sent, &other));
        assert!(!is_same(Book::Options, sent, "{}"));
        assert!(!is_same(Book::Options, sent, "not JSON"));
    }
}
