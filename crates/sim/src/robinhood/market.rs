//! What is traded, and at which prices. Prices stand still until a test moves them.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use time::{Date, Duration, Weekday};

use super::text::{self, uuid_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) bid: Decimal,
    pub(super) ask: Decimal,
    pub(super) last: Decimal,
    pub(super) previous_close: Decimal,
}

#[derive(Debug, Clone)]
pub(super) struct Instrument {
    pub(super) id: String,
    pub(super) symbol: String,
    pub(super) name: String,
    pub(super) simple_name: String,
    pub(super) mic: &'static str,
    pub(super) chain: Option<String>,
    pub(super) otc: bool,
    pub(super) quote: Quote,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    Call,
    Put,
}

#[derive(Debug, Clone)]
pub(super) struct Contract {
    pub(super) id: String,
    pub(super) instrument: usize,
    pub(super) right: Right,
    pub(super) strike: Decimal,
    pub(super) expiration: Date,
    /// A price that was set; else one is computed.
    pub(super) mark: Option<Decimal>,
    pub(super) delta: Option<Decimal>,
}

#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) id: String,
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) currency_id: String,
    pub(super) bid: Decimal,
    pub(super) ask: Decimal,
    pub(super) increment: Decimal,
}

#[derive(Debug)]
pub(super) struct Market {
    pub(super) instruments: Vec<Instrument>,
    pub(super) contracts: Vec<Contract>,
    pub(super) pairs: Vec<Pair>,
    symbols: HashMap<String, usize>,
    instrument_ids: HashMap<String, usize>,
    contract_ids: HashMap<String, usize>,
    chains: BTreeMap<String, usize>,
    pub(super) expirations: Vec<Date>,
}

impl Right {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Put => "put",
        }
    }
}

impl Pair {
    pub(super) fn symbol(&self) -> String {
        format!("{}-USD", self.code)
    }

    pub(super) fn mark(&self) -> Decimal {
        (self.bid + self.ask) / Decimal::TWO
    }
}

impl Market {
    pub(super) fn new(today: Date) -> Self {
        let mut market = Self {
            instruments: Vec::new(),
            contracts: Vec::new(),
            pairs: pairs(),
            symbols: HashMap::new(),
            instrument_ids: HashMap::new(),
            contract_ids: HashMap::new(),
            chains: BTreeMap::new(),
            expirations: expirations(today),
        };
        for (id, symbol, name, simple_name, mic, chain, bid, ask, previous) in STOCKS {
            let quote = Quote {
                bid: cents(*bid),
                ask: cents(*ask),
                last: (cents(*bid) + cents(*ask)) / Decimal::TWO,
                previous_close: cents(*previous),
            };
            market.list(Instrument {
                id: (*id).to_owned(),
                symbol: (*symbol).to_owned(),
                name: (*name).to_owned(),
                simple_name: (*simple_name).to_owned(),
                mic,
                chain: chain.map(str::to_owned),
                otc: *mic == "OTCM",
                quote,
            });
        }
        market.instruments[1].quote.last = cents(71_10);
        market.instruments[2].quote.last = cents(27_50);
        for (index, (first, step, count)) in LADDERS.iter().enumerate() {
            for date in market.expirations.clone() {
                for n in 0..*count {
                    let strike = cents(first + step * n);
                    market.write(index, Right::Call, strike, date);
                    market.write(index, Right::Put, strike, date);
                }
            }
        }
        market
    }

    /// Lists an instrument.
    pub(super) fn list(&mut self, instrument: Instrument) -> usize {
        let at = self.instruments.len();
        self.symbols.insert(instrument.symbol.clone(), at);
        self.instrument_ids.insert(instrument.id.clone(), at);
        if let Some(chain) = &instrument.chain {
            self.chains.insert(chain.clone(), at);
        }
        self.instruments.push(instrument);
        at
    }

    /// Lists an ordinary stock under this symbol, or finds it.
    pub(super) fn list_symbol(&mut self, symbol: &str, price: Decimal) -> usize {
        if let Some(at) = self.symbol(symbol) {
            return at;
        }
        let half = Decimal::new(1, 2);
        self.list(Instrument {
            id: uuid_of(symbol),
            symbol: symbol.to_owned(),
            name: format!("{symbol} Company"),
            simple_name: symbol.to_owned(),
            mic: "XNYS",
            chain: None,
            otc: false,
            quote: Quote {
                bid: price - half,
                ask: price + half,
                last: price,
                previous_close: price,
            },
        })
    }

    /// Adds a contract, unless it is there.
    pub(super) fn write(&mut self, instrument: usize, right: Right, strike: Decimal, date: Date) {
        let symbol = &self.instruments[instrument].symbol;
        let strike = strike.normalize();
        let nth = self
            .expirations
            .iter()
            .position(|known| *known == date)
            .map_or(0, |n| n + 1);
        let name = format!("{symbol} {} {strike} #{nth}", right.text());
        let known = KNOWN.iter().find(|(known, ..)| *known == name);
        let id = known.map_or_else(
            || {
                uuid_of(&format!(
                    "{symbol} {} {strike} {}",
                    right.text(),
                    text::date(date)
                ))
            },
            |(_, id, ..)| (*id).to_owned(),
        );
        if self.contract_ids.contains_key(&id) {
            return;
        }
        let thousandth = |n: i64| Decimal::new(n, 4);
        self.contract_ids.insert(id.clone(), self.contracts.len());
        self.contracts.push(Contract {
            id,
            instrument,
            right,
            strike,
            expiration: date,
            mark: known.map(|(_, _, mark, _)| Decimal::new(*mark, 3)),
            delta: known.map(|(_, _, _, delta)| thousandth(*delta)),
        });
    }

    pub(super) fn symbol(&self, symbol: &str) -> Option<usize> {
        self.symbols.get(symbol).copied()
    }

    pub(super) fn instrument(&self, id: &str) -> Option<usize> {
        self.instrument_ids.get(id).copied()
    }

    pub(super) fn contract(&self, id: &str) -> Option<usize> {
        self.contract_ids.get(id).copied()
    }

    pub(super) fn chain(&self, id: &str) -> Option<usize> {
        self.chains.get(id).copied()
    }

    pub(super) fn pair(&self, id: &str) -> Option<usize> {
        self.pairs.iter().position(|pair| pair.id == id)
    }

    pub(super) fn pair_of(&self, symbol: &str) -> Option<usize> {
        self.pairs
            .iter()
            .position(|pair| pair.symbol() == symbol || pair.code == symbol)
    }

    /// A contract by a name such as `F put 10 #3`.
    pub(super) fn named_contract(&self, name: &str) -> Option<usize> {
        let mut words = name.split_whitespace();
        let instrument = self.symbol(words.next()?)?;
        let right = match words.next()? {
            "call" => Right::Call,
            "put" => Right::Put,
            _ => return None,
        };
        let strike: Decimal = words.next()?.parse().ok()?;
        let nth: usize = words.next()?.strip_prefix('#')?.parse().ok()?;
        let date = *self.expirations.get(nth.checked_sub(1)?)?;
        self.contracts.iter().position(|contract| {
            contract.instrument == instrument
                && contract.right == right
                && contract.strike == strike
                && contract.expiration == date
        })
    }

    /// What a contract is worth if it were exercised now.
    pub(super) fn intrinsic(&self, contract: &Contract) -> Decimal {
        let spot = self.instruments[contract.instrument].quote.last;
        let worth = match contract.right {
            Right::Call => spot - contract.strike,
            Right::Put => contract.strike - spot,
        };
        worth.max(Decimal::ZERO)
    }

    /// The mark of a contract: intrinsic value and a little for the time that is left.
    pub(super) fn mark(&self, contract: &Contract, today: Date) -> Decimal {
        if let Some(mark) = contract.mark {
            return mark;
        }
        let spot = self.instruments[contract.instrument].quote.last;
        let days = Decimal::from((contract.expiration - today).whole_days().max(0));
        let near = Decimal::ONE - (spot - contract.strike).abs() / (spot * Decimal::new(3, 1));
        let time = spot * Decimal::new(1, 3) * days * near.max(Decimal::ZERO);
        let mark = (self.intrinsic(contract) + time).round_dp(2);
        mark.max(Decimal::new(1, 2))
    }

    /// Bid and ask of a contract, a tick around the mark.
    pub(super) fn option_quote(&self, contract: &Contract, today: Date) -> (Decimal, Decimal) {
        let mark = self.mark(contract, today);
        let half = Decimal::new(1, 2).max((mark * Decimal::new(4, 2)).round_dp(2));
        ((mark - half).max(Decimal::ZERO), mark + half)
    }

    pub(super) fn delta(&self, contract: &Contract) -> Decimal {
        if let Some(delta) = contract.delta {
            return delta;
        }
        let spot = self.instruments[contract.instrument].quote.last;
        let call = Decimal::new(5, 1) + (spot - contract.strike) / (spot * Decimal::new(4, 1));
        let call = call
            .clamp(Decimal::new(2, 2), Decimal::new(98, 2))
            .round_dp(4);
        match contract.right {
            Right::Call => call,
            Right::Put => call - Decimal::ONE,
        }
    }
}

fn cents(amount: i64) -> Decimal {
    Decimal::new(amount, 2)
}

/// The next two Fridays and the two monthly dates after them.
fn expirations(today: Date) -> Vec<Date> {
    let mut friday = today.next_day().unwrap_or(today);
    while friday.weekday() != Weekday::Friday {
        friday += Duration::DAY;
    }
    let mut dates = vec![friday, friday + Duration::WEEK];
    let mut next = friday + Duration::weeks(2);
    while dates.len() < 4 {
        if (15..=21).contains(&next.day()) {
            dates.push(next);
        }
        next += Duration::WEEK;
    }
    dates
}

fn pairs() -> Vec<Pair> {
    let pair = |id: &str, code, name, currency_id: &str, bid, ask, increment| Pair {
        id: id.to_owned(),
        code,
        name,
        currency_id: currency_id.to_owned(),
        bid: cents(bid),
        ask: cents(ask),
        increment,
    };
    vec![
        pair(
            "3d961844-d360-45fc-989b-f6fca761d511",
            "BTC",
            "Bitcoin",
            "d674efea-e623-4396-9026-39574b92b093",
            68_698_00,
            68_761_01,
            Decimal::new(1, 8),
        ),
        pair(
            &uuid_of("ETH-USD"),
            "ETH",
            "Ethereum",
            &uuid_of("ETH"),
            3_300_10,
            3_301_22,
            Decimal::new(1, 6),
        ),
        pair(
            &uuid_of("DOGE-USD"),
            "DOGE",
            "Dogecoin",
            &uuid_of("DOGE"),
            21,
            22,
            Decimal::new(1, 2),
        ),
    ]
}

type Stock = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    i64,
    i64,
    i64,
);

/// Id, symbol, names, market, chain; bid, ask and previous close in cents.
const STOCKS: &[Stock] = &[
    (
        "1a55e189-5d08-417e-9e65-d549ba4b2a1b",
        "F",
        "Ford Motor Company",
        "Ford Motor",
        "XNYS",
        Some("11057328-9f9a-46b3-b665-bc5dc944f363"),
        12_34,
        12_35,
        12_21,
    ),
    (
        "81ceab01-8be9-43b0-b01e-88992d5e9c55",
        "KO",
        "Coca-Cola Company",
        "Coca-Cola",
        "XNYS",
        Some("f33c6630-58ae-4898-b021-3a6f23b51611"),
        71_09,
        71_12,
        70_88,
    ),
    (
        "c0cd1be2-773b-4982-8240-80a2898416e7",
        "SOFI",
        "SoFi Technologies, Inc.",
        "SoFi",
        "XNAS",
        Some("057a9d78-ec81-4e31-8424-79a73887038a"),
        27_48,
        27_51,
        27_02,
    ),
    (
        "365ce80e-3c05-44b2-bc88-bc39f8782fbf",
        "T",
        "AT&T Inc.",
        "AT&T",
        "XNYS",
        Some("22e1308b-d490-4427-9e37-f7dee01c6e40"),
        22_44,
        22_46,
        22_31,
    ),
    (
        "5d3f2e0a-8b1c-4c55-9a7e-0c9b6f4f1e21",
        "TCEHY",
        "Tencent Holdings Limited",
        "Tencent",
        "OTCM",
        None,
        78_10,
        78_30,
        77_90,
    ),
];

/// First strike, step and count, in cents, for the stocks that have a chain.
const LADDERS: &[(i64, i64, i64)] = &[
    (9_00, 1_00, 7),
    (60_00, 5_00, 5),
    (20_00, 2_50, 7),
    (18_00, 1_00, 9),
];

/// Contracts that captures show: name, id, mark in thousandths, delta in ten-thousandths.
const KNOWN: &[(&str, &str, i64, i64)] = &[
    (
        "F put 9 #3",
        "6e172755-6c31-419c-baaf-023b1d6f59bb",
        90,
        -801,
    ),
    (
        "F put 10 #3",
        "be7c2476-573c-466d-8294-f7150e29271c",
        220,
        -1_812,
    ),
    (
        "F put 11 #3",
        "02114a8c-f3ea-4bf3-a83a-0d6430589f4e",
        440,
        -3_105,
    ),
    (
        "KO call 70 #3",
        "4d1bb83c-5657-45a6-8e30-422465df6844",
        2_220,
        5_903,
    ),
    (
        "KO call 75 #3",
        "8c469713-9205-420c-9252-5988481ce6f4",
        355,
        1_711,
    ),
    (
        "SOFI call 30 #3",
        "f495880e-58cc-43a5-92a0-0a5033f51ab0",
        490,
        2_904,
    ),
    (
        "SOFI call 30 #4",
        "f9e989f2-2b0b-49a7-8048-e5e8ee99abf0",
        1_350,
        3_802,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expirations_are_two_weeks_and_two_months() {
        let dates = expirations(text::parse_date("2026-11-20").unwrap());
        let dates: Vec<String> = dates.into_iter().map(text::date).collect();
        assert_eq!(
            dates,
            ["2026-11-27", "2026-12-04", "2026-12-18", "2027-01-15"]
        );
    }

    #[test]
    fn known_contracts_keep_their_ids() {
        let market = Market::new(text::parse_date("2026-11-20").unwrap());
        let put = market.named_contract("F put 10 #3").unwrap();
        assert_eq!(
            market.contracts[put].id,
            "be7c2476-573c-466d-8294-f7150e29271c"
        );
        assert!(
            KNOWN
                .iter()
                .all(|(name, ..)| market.named_contract(name).is_some())
        );
        assert_eq!(market.named_contract("F put 10 #9"), None);
    }

    #[test]
    fn a_deeper_contract_is_worth_more() {
        let market = Market::new(text::parse_date("2026-11-20").unwrap());
        let today = market.expirations[0] - Duration::WEEK;
        let mark = |name| {
            market.mark(
                &market.contracts[market.named_contract(name).unwrap()],
                today,
            )
        };
        assert!(mark("T call 18 #1") > mark("T call 22 #1"));
        assert!(mark("T put 26 #1") > mark("T put 22 #1"));
    }
}
