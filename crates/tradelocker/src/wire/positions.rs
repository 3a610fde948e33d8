//! `/trade/accounts/{id}/positions` and `/trade/positions/{id}`.

use serde::Serialize;

use super::{config::columns, orders::ExactNumber};

columns! {
    /// The columns of positions.
    position {
        ID = "id",
        INSTRUMENT = "tradableInstrumentId",
        ROUTE = "routeId",
        SIDE = "side",
        QTY = "qty",
        AVG_PRICE = "avgPrice",
        STOP_LOSS = "stopLossId",
        TAKE_PROFIT = "takeProfitId",
        OPEN_DATE = "openDate",
        UNREALIZED_PL = "unrealizedPl",
        STRATEGY = "strategyId",
    }
}

/// The body of `DELETE /trade/positions/{id}`: lots to close, zero for all.
#[derive(Debug, Serialize)]
pub struct ClosePosition {
    /// How many lots.
    pub qty: ExactNumber,
}

/// The body of `PATCH /trade/positions/{id}`: what is absent stays, what is null is removed.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifyPosition {
    /// The price of the stop loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_loss: Option<Option<ExactNumber>>,
    /// The price of the take profit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<Option<ExactNumber>>,
    /// How far a trailing stop follows, in pips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trailing_offset: Option<Option<ExactNumber>>,
}
