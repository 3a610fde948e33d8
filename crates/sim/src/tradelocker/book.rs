//! What an account holds: orders, positions, executions, closed trades.

use std::collections::{BTreeMap, VecDeque};

use rust_decimal::Decimal;

use super::{catalog::Instrument, market::Quote, user::AccountSpec};

/// Most executions and closed trades that an account remembers.
const MEMORY: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Buy,
    Sell,
}

impl Side {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "buy" => Some(Self::Buy),
            "sell" => Some(Self::Sell),
            _ => None,
        }
    }

    pub(super) fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The price at which an order of this side is filled.
    pub(super) fn fill_price(self, quote: Quote) -> Decimal {
        match self {
            Self::Buy => quote.ask,
            Self::Sell => quote.bid,
        }
    }

    /// `amount` if prices that rise are good for a position of this side, else `-amount`.
    pub(super) fn signed(self, amount: Decimal) -> Decimal {
        match self {
            Self::Buy => amount,
            Self::Sell => -amount,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderType {
    Limit,
    Market,
    Stop,
}

impl OrderType {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Market => "market",
            Self::Stop => "stop",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "limit" => Some(Self::Limit),
            "market" => Some(Self::Market),
            "stop" => Some(Self::Stop),
            _ => None,
        }
    }

    pub(super) fn validity(self) -> &'static str {
        if self == Self::Market { "IOC" } else { "GTC" }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Cancelled,
    Filled,
    New,
    Rejected,
}

impl Status {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Cancelled => "Cancelled",
            Self::Filled => "Filled",
            Self::New => "New",
            Self::Rejected => "Rejected",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BracketType {
    Absolute,
    Offset,
    TrailingOffset,
}

impl BracketType {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Absolute => "absolute",
            Self::Offset => "offset",
            Self::TrailingOffset => "trailingOffset",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "absolute" => Some(Self::Absolute),
            "offset" => Some(Self::Offset),
            "trailingOffset" => Some(Self::TrailingOffset),
            _ => None,
        }
    }
}

/// A stop loss or take profit as it was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bracket {
    pub(super) kind: BracketType,
    pub(super) value: Decimal,
}

impl Bracket {
    /// How far from the price, if it is not absolute.
    pub(super) fn distance(self, instrument: &Instrument) -> Option<Decimal> {
        (self.kind != BracketType::Absolute).then(|| self.value * instrument.pip)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: u64,
    pub(super) instrument: usize,
    pub(super) side: Side,
    pub(super) kind: OrderType,
    pub(super) status: Status,
    pub(super) qty: Decimal,
    pub(super) avg_price: Option<Decimal>,
    pub(super) price: Option<Decimal>,
    pub(super) stop_price: Option<Decimal>,
    pub(super) created: i64,
    pub(super) modified: i64,
    /// Since when it is what it is now, in milliseconds: open, or final.
    pub(super) since: i64,
    /// Whether it opens a position rather than closes one.
    pub(super) opens: bool,
    pub(super) position: Option<u64>,
    pub(super) stop_loss: Option<Bracket>,
    pub(super) take_profit: Option<Bracket>,
    pub(super) strategy: Option<String>,
}

impl Order {
    /// Whether a quote makes a resting order a trade.
    pub(super) fn is_due(&self, quote: Quote) -> bool {
        let at = self.side.fill_price(quote);
        match (self.kind, self.side) {
            (OrderType::Market, _) => true,
            (OrderType::Limit, Side::Buy) => self.price.is_some_and(|price| at <= price),
            (OrderType::Limit, Side::Sell) => self.price.is_some_and(|price| at >= price),
            (OrderType::Stop, Side::Buy) => self.stop_price.is_some_and(|price| at >= price),
            (OrderType::Stop, Side::Sell) => self.stop_price.is_some_and(|price| at <= price),
        }
    }

    /// The broker shows whole seconds; a change is always visible as a later one.
    pub(super) fn touch(&mut self, now: i64) {
        self.modified = seconds(now).max(self.modified + 1_000);
    }
}

/// Cuts to whole seconds, as `lastModified` is shown.
pub(super) fn seconds(millis: i64) -> i64 {
    millis - millis.rem_euclid(1_000)
}

#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) id: u64,
    pub(super) instrument: usize,
    pub(super) side: Side,
    pub(super) qty: Decimal,
    pub(super) opened_qty: Decimal,
    pub(super) avg_price: Decimal,
    pub(super) stop_loss: Option<u64>,
    pub(super) take_profit: Option<u64>,
    /// The stop loss follows the price at this distance.
    pub(super) trail: Option<Decimal>,
    pub(super) opened: i64,
    pub(super) strategy: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Execution {
    pub(super) id: u64,
    pub(super) price: Decimal,
    pub(super) side: Side,
    pub(super) at: i64,
    pub(super) qty: Decimal,
    pub(super) order: u64,
    pub(super) position: u64,
    pub(super) instrument: usize,
}

#[derive(Debug, Clone)]
pub(super) struct ClosedTrade {
    pub(super) id: u64,
    pub(super) position: u64,
    pub(super) instrument: usize,
    pub(super) side: Side,
    pub(super) open_qty: Decimal,
    pub(super) close_qty: Decimal,
    pub(super) opened: i64,
    pub(super) closed: i64,
    pub(super) profit: Decimal,
}

/// Sums over the positions of one instrument, so that margin and profit need no walk over them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Exposure {
    pub(super) long_qty: Decimal,
    pub(super) long_cost: Decimal,
    pub(super) short_qty: Decimal,
    pub(super) short_cost: Decimal,
}

impl Exposure {
    fn add(&mut self, side: Side, qty: Decimal, price: Decimal) {
        let (sum, cost) = match side {
            Side::Buy => (&mut self.long_qty, &mut self.long_cost),
            Side::Sell => (&mut self.short_qty, &mut self.short_cost),
        };
        *sum += qty;
        *cost += qty * price;
    }
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) spec: AccountSpec,
    pub(super) user: usize,
    pub(super) acc_num: u32,
    pub(super) balance: Decimal,
    pub(super) orders: BTreeMap<u64, Order>,
    pub(super) history: VecDeque<Order>,
    pub(super) positions: BTreeMap<u64, Position>,
    pub(super) executions: VecDeque<Execution>,
    pub(super) closed: VecDeque<ClosedTrade>,
    pub(super) exposures: BTreeMap<usize, Exposure>,
}

impl Account {
    pub(super) fn new(spec: AccountSpec, user: usize, acc_num: u32) -> Self {
        Self {
            balance: spec.balance,
            spec,
            user,
            acc_num,
            orders: BTreeMap::new(),
            history: VecDeque::new(),
            positions: BTreeMap::new(),
            executions: VecDeque::new(),
            closed: VecDeque::new(),
            exposures: BTreeMap::new(),
        }
    }

    pub(super) fn open_position(&mut self, position: Position) {
        let exposure = self.exposures.entry(position.instrument).or_default();
        exposure.add(position.side, position.qty, position.avg_price);
        self.positions.insert(position.id, position);
    }

    /// Takes lots from a position; the position is gone when none are left.
    pub(super) fn reduce_position(&mut self, id: u64, qty: Decimal) {
        let Some(position) = self.positions.get_mut(&id) else {
            return;
        };
        position.qty -= qty;
        if let Some(exposure) = self.exposures.get_mut(&position.instrument) {
            exposure.add(position.side, -qty, position.avg_price);
        }
        if position.qty.is_zero() {
            self.positions.remove(&id);
        }
    }

    /// Puts a final order into the history; the oldest of more than `most` is forgotten.
    pub(super) fn archive(&mut self, mut order: Order, status: Status, now: i64, most: usize) {
        order.status = status;
        order.since = now;
        order.touch(now);
        bounded(&mut self.history, order, most);
    }

    pub(super) fn record(&mut self, execution: Execution) {
        bounded(&mut self.executions, execution, MEMORY);
    }

    pub(super) fn record_closed(&mut self, trade: ClosedTrade) {
        bounded(&mut self.closed, trade, MEMORY);
    }
}

fn bounded<T>(queue: &mut VecDeque<T>, entry: T, most: usize) {
    while queue.len() >= most.max(1) {
        queue.pop_front();
    }
    queue.push_back(entry);
}
