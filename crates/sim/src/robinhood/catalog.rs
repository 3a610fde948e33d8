//! What is listed from the start: the stocks, contracts and coins of the documented captures.

use rust_decimal::Decimal;

use super::{
    market::{Instrument, Pair, Quote},
    text::uuid_of,
};

/// A contract that captures show.
#[derive(Debug)]
pub(super) struct Known {
    name: &'static str,
    pub(super) id: &'static str,
    mark: &'static str,
    delta: &'static str,
}

impl Known {
    pub(super) fn mark(&self) -> Decimal {
        number(self.mark)
    }

    pub(super) fn delta(&self) -> Decimal {
        number(self.delta)
    }
}

/// The captured contract of a name such as `F put 10 #3`.
pub(super) fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.name)
}

pub(super) fn stocks() -> Vec<Instrument> {
    let stock = |id: &str, names: [&str; 3], mic, chain: Option<&str>, prices: [&str; 4]| {
        let [bid, ask, last, previous_close] = prices.map(number);
        let [symbol, name, simple_name] = names.map(str::to_owned);
        Instrument {
            id: id.to_owned(),
            symbol,
            name,
            simple_name,
            mic,
            chain: chain.map(str::to_owned),
            otc: mic == "OTCM",
            quote: Quote {
                bid,
                ask,
                last,
                previous_close,
            },
        }
    };
    vec![
        stock(
            "1a55e189-5d08-417e-9e65-d549ba4b2a1b",
            ["F", "Ford Motor Company", "Ford Motor"],
            "XNYS",
            Some("11057328-9f9a-46b3-b665-bc5dc944f363"),
            ["12.34", "12.35", "12.345", "12.21"],
        ),
        stock(
            "81ceab01-8be9-43b0-b01e-88992d5e9c55",
            ["KO", "Coca-Cola Company", "Coca-Cola"],
            "XNYS",
            Some("f33c6630-58ae-4898-b021-3a6f23b51611"),
            ["71.09", "71.12", "71.10", "70.88"],
        ),
        stock(
            "c0cd1be2-773b-4982-8240-80a2898416e7",
            ["SOFI", "SoFi Technologies, Inc.", "SoFi"],
            "XNAS",
            Some("057a9d78-ec81-4e31-8424-79a73887038a"),
            ["27.48", "27.51", "27.50", "27.02"],
        ),
        stock(
            "365ce80e-3c05-44b2-bc88-bc39f8782fbf",
            ["T", "AT&T Inc.", "AT&T"],
            "XNYS",
            Some("22e1308b-d490-4427-9e37-f7dee01c6e40"),
            ["22.44", "22.46", "22.45", "22.31"],
        ),
        stock(
            "5d3f2e0a-8b1c-4c55-9a7e-0c9b6f4f1e21",
            ["TCEHY", "Tencent Holdings Limited", "Tencent"],
            "OTCM",
            None,
            ["78.10", "78.30", "78.20", "77.90"],
        ),
    ]
}

/// The strikes of each chain.
pub(super) fn ladders() -> Vec<(&'static str, Vec<Decimal>)> {
    let ladder = |symbol, first: &str, step: &str, count: u32| {
        let (first, step) = (number(first), number(step));
        let strikes = (0..count).map(|n| first + step * Decimal::from(n));
        (symbol, strikes.collect())
    };
    vec![
        ladder("F", "9", "1", 7),
        ladder("KO", "60", "5", 5),
        ladder("SOFI", "20", "2.5", 7),
        ladder("T", "18", "1", 9),
    ]
}

pub(super) fn pairs() -> Vec<Pair> {
    let pair = |ids: [&str; 2], code, name, prices: [&str; 3]| {
        let [bid, ask, increment] = prices.map(number);
        let [id, currency_id] = ids.map(str::to_owned);
        Pair {
            id,
            code,
            name,
            currency_id,
            bid,
            ask,
            increment,
        }
    };
    let made_up = |code: &str| [uuid_of(&format!("{code}-USD")), uuid_of(code)];
    let (eth, doge) = (made_up("ETH"), made_up("DOGE"));
    vec![
        pair(
            [
                "3d961844-d360-45fc-989b-f6fca761d511",
                "d674efea-e623-4396-9026-39574b92b093",
            ],
            "BTC",
            "Bitcoin",
            ["68698.00", "68761.01", "0.00000001"],
        ),
        pair(
            [&eth[0], &eth[1]],
            "ETH",
            "Ethereum",
            ["3300.10", "3301.22", "0.000001"],
        ),
        pair(
            [&doge[0], &doge[1]],
            "DOGE",
            "Dogecoin",
            ["0.21", "0.22", "0.01"],
        ),
    ]
}

fn number(text: &str) -> Decimal {
    // The texts are this file's own, and a test reads them all.
    text.parse().unwrap_or_default()
}

const KNOWN: &[Known] = &[
    Known {
        name: "F put 9 #3",
        id: "6e172755-6c31-419c-baaf-023b1d6f59bb",
        mark: "0.09",
        delta: "-0.0801",
    },
    Known {
        name: "F put 10 #3",
        id: "be7c2476-573c-466d-8294-f7150e29271c",
        mark: "0.22",
        delta: "-0.1812",
    },
    Known {
        name: "F put 11 #3",
        id: "02114a8c-f3ea-4bf3-a83a-0d6430589f4e",
        mark: "0.44",
        delta: "-0.3105",
    },
    Known {
        name: "KO call 70 #3",
        id: "4d1bb83c-5657-45a6-8e30-422465df6844",
        mark: "2.22",
        delta: "0.5903",
    },
    Known {
        name: "KO call 75 #3",
        id: "8c469713-9205-420c-9252-5988481ce6f4",
        mark: "0.355",
        delta: "0.1711",
    },
    Known {
        name: "SOFI call 30 #3",
        id: "f495880e-58cc-43a5-92a0-0a5033f51ab0",
        mark: "0.49",
        delta: "0.2904",
    },
    Known {
        name: "SOFI call 30 #4",
        id: "f9e989f2-2b0b-49a7-8048-e5e8ee99abf0",
        mark: "1.35",
        delta: "0.3802",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_catalog_is_one() {
        let zero = |value: Decimal| value.is_zero();
        for stock in stocks() {
            let quote = stock.quote;
            assert!(
                ![quote.bid, quote.ask, quote.last, quote.previous_close]
                    .into_iter()
                    .any(zero)
            );
        }
        assert!(
            KNOWN
                .iter()
                .all(|known| !zero(known.mark()) && !zero(known.delta()))
        );
        assert!(
            pairs()
                .iter()
                .all(|pair| !zero(pair.bid) && !zero(pair.increment))
        );
        assert!(
            ladders()
                .iter()
                .all(|(_, strikes)| !strikes.iter().copied().any(zero))
        );
    }
}
