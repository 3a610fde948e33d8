//! Comparing answers with samples.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::rig::Reply;

/// A sample by its name.
pub fn sample(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/robinhood");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json")));
    serde_json::from_str(&text.unwrap_or_else(|error| panic!("{name}: {error}"))).unwrap()
}

/// What was compared, and where it differed.
#[derive(Debug, Default)]
pub struct Checked {
    pub names: BTreeSet<String>,
    pub faults: Vec<String>,
}

impl Checked {
    /// Compares an answer with the sample of that name.
    pub fn answer(&mut self, name: &str, reply: &Reply, status: u16) {
        self.names.insert(name.to_owned());
        if reply.status != status {
            self.faults
                .push(format!("{name}: status {} {}", reply.status, reply.text()));
            return;
        }
        self.row(name, &sample(name), &reply.json());
    }

    /// Compares a row with what a sample holds.
    pub fn row(&mut self, name: &str, sample: &Value, found: &Value) {
        let mut faults = Vec::new();
        compare(sample, found, String::new(), &mut faults);
        self.faults
            .extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
    }
}

/// Every field of the sample has to be there with the same kind of value and as many decimal
/// places; null stands for any kind.
fn compare(sample: &Value, found: &Value, at: String, faults: &mut Vec<String>) {
    match (sample, found) {
        (Value::Object(sample), Value::Object(found)) => {
            for (key, value) in sample {
                match found.get(key) {
                    Some(found) => compare(value, found, format!("{at}/{key}"), faults),
                    None => faults.push(format!("{at}/{key} is missing")),
                }
            }
        }
        (Value::Array(sample), Value::Array(found)) => {
            if found.is_empty() && !sample.is_empty() {
                faults.push(format!("{at} is empty"));
            }
            for (n, value) in sample.iter().enumerate() {
                let tries = found.iter().map(|found| {
                    let mut faults = Vec::new();
                    compare(value, found, format!("{at}/{n}"), &mut faults);
                    faults
                });
                faults.extend(tries.min_by_key(Vec::len).unwrap_or_default());
            }
        }
        (Value::String(sample), Value::String(found)) => {
            if let (Some(wanted), Some(places)) = (places(sample), places(found))
                && wanted != places
                && !is_free(&at)
            {
                faults.push(format!("{at}: {found} has not the places of {sample}"));
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        _ if std::mem::discriminant(sample) == std::mem::discriminant(found) => {}
        _ => faults.push(format!("{at}: {found} for {sample}")),
    }
}

/// The number of decimal places of a plain number.
fn places(text: &str) -> Option<usize> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    let number: Option<f64> = text.parse().ok().filter(|_| plain);
    number.map(|_| {
        text.split_once('.')
            .map_or(0, |(_, fraction)| fraction.len())
    })
}

/// Amounts that the broker writes with as many places as it likes.
fn is_free(at: &str) -> bool {
    let last = at.rsplit('/').next().unwrap_or_default();
    let forex = ["mark_price", "high_price", "low_price", "open_price"];
    matches!(
        last,
        "amount" | "processed_premium" | "net_amount" | "regulatory_fees" | "expires_in"
    ) || last.ends_with("_increment")
        || matches!(
            last,
            "total_cash_amount" | "max_order_size" | "increment" | "gold_savings"
        )
        || (at.matches('/').count() == 1 && forex.contains(&last))
}

#[test]
fn a_difference_is_found_wherever_it_is() {
    use serde_json::json;

    let of = |found: Value| {
        let sample = json!({"a": {"price": "1.0000", "n": 1, "note": null}, "rows": [{"id": "x"}]});
        let mut faults = Vec::new();
        compare(&sample, &found, String::new(), &mut faults);
        faults
    };
    let good =
        json!({"a": {"price": "7.2500", "n": 2, "note": "new", "more": 1}, "rows": [{"id": "y"}]});
    assert!(of(good.clone()).is_empty());
    for (pointer, value, expected) in [
        (
            "/a/price",
            json!("7.25"),
            "/a/price: 7.25 has not the places of 1.0000",
        ),
        ("/a/price", json!(7.25), "/a/price: 7.25 for \"1.0000\""),
        (
            "/a",
            json!({"price": "1.0000", "note": null}),
            "/a/n is missing",
        ),
        ("/rows", json!([]), "/rows is empty"),
        ("/rows/0", json!({"ids": 1}), "/rows/0/id is missing"),
    ] {
        let mut found = good.clone();
        *found.pointer_mut(pointer).unwrap() = value;
        assert_eq!(of(found), [expected]);
    }
}
