//! The instruments that the simulated broker lists.

use rust_decimal::Decimal;

/// A tick size from a price on; the first range begins at zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct TickRange {
    pub(super) from: Option<Decimal>,
    pub(super) tick: Decimal,
}

#[derive(Debug, Clone)]
pub(super) struct Instrument {
    pub(super) tradable_id: u32,
    pub(super) symbol_id: u32,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) kind: &'static str,
    pub(super) exchange: &'static str,
    pub(super) data_exchange: &'static str,
    pub(super) base_currency: &'static str,
    pub(super) lot_size: Decimal,
    pub(super) lot_step: Decimal,
    pub(super) max_lot: Option<Decimal>,
    pub(super) leverage: Decimal,
    pub(super) ticks: Vec<TickRange>,
    pub(super) info_routes: &'static [u32],
    pub(super) session: u32,
    pub(super) status: SessionStatus,
    /// The price about which the instrument moves.
    pub(super) centre: Decimal,
    /// How far it moves, in thousandths of what a cryptocurrency does.
    pub(super) restlessness: i64,
    pub(super) spread_ticks: i64,
    /// The unit of offsets. The API does not tell it.
    pub(super) pip: Decimal,
}

/// Route for orders; the same for all instruments.
pub(super) const TRADE_ROUTE: u32 = 9_001;
/// An INFO route that is listed and gives nothing.
pub(super) const DEAD_ROUTE: u32 = 451;
const INFO_ROUTE: u32 = 452;

/// What may be done in a session now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionStatus {
    Closed,
    LimitOnly,
    Open,
}

impl SessionStatus {
    pub(super) const ALL: [Self; 3] = [Self::Open, Self::Closed, Self::LimitOnly];

    pub(super) fn id(self) -> u32 {
        match self {
            Self::Open => 20,
            Self::Closed => 21,
            Self::LimitOnly => 22,
        }
    }

    /// New, modify, cancel.
    pub(super) fn operations(self) -> [u8; 3] {
        match self {
            Self::Closed => [0, 0, 1],
            Self::LimitOnly | Self::Open => [1, 1, 1],
        }
    }

    /// Manual, market, stop, limit, stop limit, trailing stop.
    pub(super) fn order_types(self) -> [u8; 6] {
        match self {
            Self::Closed => [0; 6],
            Self::LimitOnly => [0, 0, 0, 1, 0, 0],
            Self::Open => [1; 6],
        }
    }
}

impl Instrument {
    /// The tick size at a price.
    pub(super) fn tick(&self, price: Decimal) -> Decimal {
        let range = self
            .ticks
            .iter()
            .rev()
            .find(|range| range.from.is_none_or(|from| price >= from));
        range
            .or(self.ticks.first())
            .map_or(Decimal::ONE, |range| range.tick)
    }

    /// The nearest price that is a multiple of the tick size, with the tick's digits.
    pub(super) fn round(&self, price: Decimal) -> Decimal {
        let tick = self.tick(price);
        let mut rounded = (price / tick).round() * tick;
        rounded.rescale(tick.scale());
        rounded
    }

    pub(super) fn is_on_tick(&self, price: Decimal) -> bool {
        (price % self.tick(price)).is_zero()
    }
}

/// All instruments; the ids of the first five are those that other clients' tests expect.
pub(super) fn catalog() -> Vec<Instrument> {
    let crypto =
        |tradable_id, symbol_id, name, description, base_currency, centre, tick| Instrument {
            tradable_id,
            symbol_id,
            name,
            description,
            kind: "CRYPTO",
            exchange: "Crypto",
            data_exchange: "Cryptos",
            base_currency,
            lot_size: Decimal::ONE,
            lot_step: hundredth(),
            max_lot: None,
            leverage: Decimal::new(300, 2),
            ticks: vec![TickRange { from: None, tick }],
            info_routes: &[INFO_ROUTE],
            session: 1_547,
            status: SessionStatus::Open,
            centre,
            restlessness: 1_000,
            spread_ticks: 120,
            pip: tick,
        };
    let bitcoin = crypto(
        206,
        243,
        "BTCUSD",
        "Bitcoin vs US Dollar",
        "BTC",
        Decimal::new(90_300, 0),
        hundredth(),
    );
    let euro = Instrument {
        tradable_id: 278,
        symbol_id: 315,
        name: "EURUSD",
        description: "Euro vs US Dollar",
        kind: "FOREX",
        exchange: "FOREX",
        data_exchange: "FOREX",
        base_currency: "EUR",
        lot_size: Decimal::new(100_000, 0),
        max_lot: Some(Decimal::ONE_HUNDRED),
        leverage: Decimal::new(3_000, 2),
        ticks: vec![TickRange {
            from: None,
            tick: Decimal::new(1, 5),
        }],
        session: 12,
        centre: Decimal::new(108_500, 5),
        restlessness: 300,
        spread_ticks: 8,
        pip: Decimal::new(1, 4),
        ..bitcoin.clone()
    };
    let index = Instrument {
        kind: "INDICES",
        exchange: "CFD",
        data_exchange: "CFD",
        max_lot: Some(Decimal::new(50, 0)),
        leverage: Decimal::new(2_000, 2),
        session: 13,
        restlessness: 250,
        spread_ticks: 20,
        ..bitcoin.clone()
    };
    vec![
        euro.clone(),
        Instrument {
            lot_size: Decimal::ONE,
            ..bitcoin.clone()
        },
        Instrument {
            spread_ticks: 40,
            ..crypto(
                207,
                244,
                "ETHUSD",
                "Ethereum vs US Dollar",
                "ETH",
                Decimal::new(3_100, 0),
                hundredth(),
            )
        },
        Instrument {
            spread_ticks: 8,
            ..crypto(
                208,
                245,
                "LTCUSD",
                "Litecoin vs US Dollar",
                "LTC",
                Decimal::new(9_500, 2),
                hundredth(),
            )
        },
        Instrument {
            lot_size: Decimal::ONE_THOUSAND,
            spread_ticks: 10,
            ..crypto(
                209,
                246,
                "DOGEUSD",
                "Dogecoin vs US Dollar",
                "DOGE",
                Decimal::new(16_000, 5),
                Decimal::new(1, 5),
            )
        },
        Instrument {
            tradable_id: 310,
            symbol_id: 350,
            name: "XAUUSD",
            description: "Gold vs US Dollar",
            base_currency: "XAU",
            lot_size: Decimal::ONE_HUNDRED,
            max_lot: Some(Decimal::new(50, 0)),
            leverage: Decimal::new(2_000, 2),
            ticks: vec![TickRange {
                from: None,
                tick: hundredth(),
            }],
            info_routes: &[DEAD_ROUTE, INFO_ROUTE],
            centre: Decimal::new(4_380, 0),
            spread_ticks: 25,
            pip: Decimal::new(1, 1),
            ..euro.clone()
        },
        Instrument {
            tradable_id: 1_278,
            symbol_id: 1_315,
            name: "EURUSD.x",
            description: "Euro vs US Dollar, raw spread",
            spread_ticks: 1,
            ..euro
        },
        Instrument {
            tradable_id: 402,
            symbol_id: 502,
            name: "DOW+",
            description: "Wall Street 30 index CFD",
            base_currency: "USD",
            centre: Decimal::new(46_500, 0),
            ..index.clone()
        },
        Instrument {
            tradable_id: 403,
            symbol_id: 503,
            name: "NATGAS",
            description: "Natural gas CFD, tick size by price",
            kind: "FUTURES_CFD",
            base_currency: "USD",
            lot_size: Decimal::new(1_000, 0),
            lot_step: Decimal::new(1, 1),
            ticks: vec![
                TickRange {
                    from: None,
                    tick: Decimal::new(1, 3),
                },
                TickRange {
                    from: Some(Decimal::new(5, 0)),
                    tick: Decimal::new(5, 3),
                },
                TickRange {
                    from: Some(Decimal::new(10, 0)),
                    tick: hundredth(),
                },
            ],
            centre: Decimal::new(3_200, 3),
            spread_ticks: 3,
            pip: hundredth(),
            ..index.clone()
        },
        Instrument {
            tradable_id: 404,
            symbol_id: 504,
            name: "AAPL",
            description: "Apple share CFD, outside its session",
            kind: "EQUITY_CFD",
            base_currency: "USD",
            lot_step: Decimal::ONE,
            leverage: Decimal::new(500, 2),
            status: SessionStatus::Closed,
            centre: Decimal::new(27_150, 2),
            spread_ticks: 4,
            ..index.clone()
        },
        Instrument {
            tradable_id: 405,
            symbol_id: 505,
            name: "UK100",
            description: "United Kingdom 100 index CFD, limit orders only",
            base_currency: "GBP",
            status: SessionStatus::LimitOnly,
            centre: Decimal::new(9_600, 0),
            ..index
        },
    ]
}

fn hundredth() -> Decimal {
    Decimal::new(1, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_follow_the_price_range() {
        let catalog = catalog();
        let gas = catalog
            .iter()
            .find(|instrument| instrument.name == "NATGAS")
            .unwrap();
        assert_eq!(gas.round(Decimal::new(32_344, 4)).to_string(), "3.234");
        assert_eq!(gas.round(Decimal::new(7_233, 3)).to_string(), "7.235");
        assert_eq!(gas.round(Decimal::new(12_346, 3)).to_string(), "12.35");
        assert!(!gas.is_on_tick(Decimal::new(7_233, 3)));
    }

    #[test]
    fn ids_and_names_are_unique() {
        let catalog = catalog();
        for (at, one) in catalog.iter().enumerate() {
            for other in &catalog[..at] {
                assert_ne!(one.tradable_id, other.tradable_id);
                assert_ne!(one.symbol_id, other.symbol_id);
                assert_ne!(one.name, other.name);
            }
        }
    }
}
