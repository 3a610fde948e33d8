use async_trait::async_trait;
use wheelhouse_core::{
    AccountId, Bar, BarQuery, Decimal, Depth, DepthLevel, InstrumentId, MarketDepth, MarketHistory,
    Price, Quantity, Result, SessionStatus, Side, TradingSchedule, TradingSessions,
};

use super::{Call, MockBroker, Operation};

#[async_trait]
impl MarketHistory for MockBroker {
    async fn bars(&self, account: &AccountId, query: &BarQuery) -> Result<Vec<Bar>> {
        let call = Call::at(Operation::Bars, account).about(&query.instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(&query.instrument).map(|_| ());
        known.map_err(self.name(Operation::Bars))?;
        state.reached += 1;
        let bars = state.world.bars.get(&query.instrument);
        let within = |bar: &&Bar| query.from <= bar.time && bar.time <= query.to;
        Ok(bars.into_iter().flatten().filter(within).copied().collect())
    }

    async fn daily_bar(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<Option<Bar>> {
        let call = Call::at(Operation::DailyBar, account).about(instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(instrument).map(|_| ());
        known.map_err(self.name(Operation::DailyBar))?;
        state.reached += 1;
        let today = self.0.clock.now().date();
        let bars = state.world.bars.get(instrument).into_iter().flatten();
        Ok(bars
            .filter(|bar| bar.time.date() == today)
            .copied()
            .reduce(|day, bar| Bar {
                high: day.high.max(bar.high),
                low: day.low.min(bar.low),
                close: bar.close,
                ..day
            }))
    }
}

#[async_trait]
impl MarketDepth for MockBroker {
    async fn depth(&self, account: &AccountId, instrument: &InstrumentId) -> Result<Depth> {
        let call = Call::at(Operation::Depth, account).about(instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(instrument).map(|_| ());
        known.map_err(self.name(Operation::Depth))?;
        state.reached += 1;
        let level = |price: Option<Price>| {
            let size = Quantity::new(Decimal::ONE);
            price
                .map(|price| DepthLevel { price, size })
                .into_iter()
                .collect()
        };
        Ok(Depth {
            instrument: instrument.clone(),
            bids: level(state.world.market(instrument, Side::Sell)),
            asks: level(state.world.market(instrument, Side::Buy)),
        })
    }
}

#[async_trait]
impl TradingSessions for MockBroker {
    async fn trading_hours(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<TradingSchedule> {
        let call = Call::at(Operation::TradingHours, account).about(instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(instrument).map(|_| ());
        known.map_err(self.name(Operation::TradingHours))?;
        state.reached += 1;
        let mut schedule = TradingSchedule::default();
        schedule.blocked = Some(false);
        Ok(schedule)
    }

    async fn session_status(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<SessionStatus> {
        let call = Call::at(Operation::SessionStatus, account).about(instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(instrument).map(|_| ());
        known.map_err(self.name(Operation::SessionStatus))?;
        state.reached += 1;
        let types = self.0.capabilities.orders.iter();
        let types = types.map(|support| support.order_type.clone()).collect();
        Ok(SessionStatus::new(true, true, true, types))
    }
}
