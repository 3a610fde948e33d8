//! What is traded, and at which prices. Prices stand still until a test moves them.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use time::{Date, Duration, Weekday};

use super::{
    catalog,
    text::{self, uuid_of},
};

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

impl Contract {
    /// When it ends: 16:00 in New York.
    pub(super) fn ends(&self) -> i64 {
        text::at_new_york(self.expiration, 16, 0)
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
            pairs: catalog::pairs(),
            symbols: HashMap::new(),
            instrument_ids: HashMap::new(),
            contract_ids: HashMap::new(),
            chains: BTreeMap::new(),
            expirations: expirations(today),
        };
        for stock in catalog::stocks() {
            market.list(stock);
        }
        for (symbol, strikes) in catalog::ladders() {
            let Some(index) = market.symbol(symbol) else {
                continue;
            };
            for date in market.expirations.clone() {
                for strike in &strikes {
                    market.write(index, Right::Call, *strike, date);
                    market.write(index, Right::Put, *strike, date);
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
        let known = catalog::known(&name);
        let id = known.map_or_else(
            || {
                uuid_of(&format!(
                    "{symbol} {} {strike} {}",
                    right.text(),
                    text::date(date)
                ))
            },
            |known| known.id.to_owned(),
        );
        if self.contract_ids.contains_key(&id) {
            return;
        }
        self.contract_ids.insert(id.clone(), self.contracts.len());
        self.contracts.push(Contract {
            id,
            instrument,
            right,
            strike,
            expiration: date,
            mark: known.map(catalog::Known::mark),
            delta: known.map(catalog::Known::delta),
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
        assert!(catalog::names().all(|name| market.named_contract(name).is_some()));
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
