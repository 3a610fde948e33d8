//! `/trade/accounts/{id}/orders`, `ordersHistory`, `executions` and `/trade/orders/{id}`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use wheelhouse_core::Decimal;

use super::{config::columns, token::Token};

columns! {
    /// The columns of open and final orders.
    order {
        ID = "id",
        INSTRUMENT = "tradableInstrumentId",
        ROUTE = "routeId",
        QTY = "qty",
        SIDE = "side",
        TYPE = "type",
        STATUS = "status",
        FILLED_QTY = "filledQty",
        AVG_PRICE = "avgPrice",
        PRICE = "price",
        STOP_PRICE = "stopPrice",
        VALIDITY = "validity",
        EXPIRE_DATE = "expireDate",
        CREATED_DATE = "createdDate",
        LAST_MODIFIED = "lastModified",
        IS_OPEN = "isOpen",
        POSITION = "positionId",
        STOP_LOSS = "stopLoss",
        STOP_LOSS_TYPE = "stopLossType",
        TAKE_PROFIT = "takeProfit",
        TAKE_PROFIT_TYPE = "takeProfitType",
        STRATEGY = "strategyId",
    }
}

columns! {
    /// The columns of executions.
    execution {
        ID = "id",
        PRICE = "price",
        SIDE = "side",
        CREATED_DATE = "createdDate",
        QTY = "qty",
        ORDER = "orderId",
        POSITION = "positionId",
        INSTRUMENT = "tradableInstrumentId",
    }
}

/// A decimal that is written as a JSON number, digit for digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExactNumber(pub Decimal);

impl Serialize for ExactNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.normalize().to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// The body of `POST /trade/accounts/{id}/orders`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceOrder<'a> {
    /// How many lots.
    pub qty: ExactNumber,
    /// The TRADE route.
    pub route_id: u64,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// `GTC` or `IOC`.
    pub validity: &'static str,
    /// `market`, `limit` or `stop`.
    #[serde(rename = "type")]
    pub order_type: &'static str,
    /// Of which instrument.
    pub tradable_instrument_id: u64,
    /// The price of a limit order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<ExactNumber>,
    /// The price of a stop order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<ExactNumber>,
    /// Stop loss and take profit.
    #[serde(flatten)]
    pub brackets: Brackets,
    /// This side's identifier.
    pub strategy_id: &'a str,
}

/// Stop loss and take profit of an order, each with its type or not at all.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brackets {
    /// Price or pips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_loss: Option<ExactNumber>,
    /// `absolute`, `offset` or `trailingOffset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_loss_type: Option<&'static str>,
    /// Pips of a trailing stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tr_stop_offset: Option<ExactNumber>,
    /// Price or pips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<ExactNumber>,
    /// `absolute` or `offset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take_profit_type: Option<&'static str>,
}

/// The data of the answer to a placement.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed<'a> {
    /// The broker's identifier.
    #[serde(borrow, default)]
    pub order_id: Token<'a>,
}

impl<'a> Placed<'a> {
    /// Returns the identifier, if there is a usable one.
    pub fn id(&self) -> Option<Cow<'a, str>> {
        self.order_id.text().ok().flatten()
    }
}

/// The body of `PATCH /trade/orders/{id}`; what is absent stays.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifyOrder {
    /// How many lots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qty: Option<ExactNumber>,
    /// The limit price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<ExactNumber>,
    /// The stop price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<ExactNumber>,
    /// `GTC` or `IOC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity: Option<&'static str>,
    /// Stop loss and take profit.
    #[serde(flatten)]
    pub brackets: Brackets,
}
