//! `/trade/accounts/{id}/positions` and `/trade/positions/{id}`.

use bytes::Bytes;
use serde::Serialize;
use wheelhouse_core::{AccountId, Currency, Position, Result};

use super::{
    config::columns,
    orders::ExactNumber,
    table::{Columns, Table},
};
use crate::convert::Rows;

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

/// Reads an answer with positions, in one pass and without copies.
///
/// # Errors
///
/// The refusal that it tells, or an answer that does not fit.
pub fn decode(
    body: &Bytes,
    columns: &Columns<{ position::COUNT }>,
) -> Result<Table<{ position::COUNT }>> {
    Table::decode(body, "positions", columns)
}

/// Converts the positions of an answer one after the other, so that only one is there at a time.
///
/// # Errors
///
/// A row that does not fit, named by its path.
pub fn for_each(
    table: &Table<{ position::COUNT }>,
    account: &AccountId,
    currency: Option<Currency>,
    mut keep: impl FnMut(Position),
) -> Result<()> {
    let mut rows = Rows::new(account, currency, &|_| None);
    for row in table.rows() {
        keep(rows.position(&row, table.body())?);
    }
    Ok(())
}
