//! The columns of the tables: which there are, and in what order they are sent.

use crate::error::{Result, SimError};

/// A table whose rows follow configured columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Table {
    /// The flat row of `state`.
    AccountDetails,
    /// Rows of `executions`.
    FilledOrders,
    /// Rows of `orders`.
    Orders,
    /// Rows of `ordersHistory`.
    OrdersHistory,
    /// Rows of `positions`.
    Positions,
}

const POSITIONS: &[&str] = &[
    "id",
    "tradableInstrumentId",
    "routeId",
    "side",
    "qty",
    "avgPrice",
    "stopLossId",
    "takeProfitId",
    "openDate",
    "unrealizedPl",
    "strategyId",
];

const ORDERS: &[&str] = &[
    "id",
    "tradableInstrumentId",
    "routeId",
    "qty",
    "side",
    "type",
    "status",
    "filledQty",
    "avgPrice",
    "price",
    "stopPrice",
    "validity",
    "expireDate",
    "createdDate",
    "lastModified",
    "isOpen",
    "positionId",
    "stopLoss",
    "stopLossType",
    "takeProfit",
    "takeProfitType",
    "strategyId",
];

const FILLED_ORDERS: &[&str] = &[
    "id",
    "price",
    "side",
    "createdDate",
    "qty",
    "orderId",
    "positionId",
    "tradableInstrumentId",
];

const ACCOUNT_DETAILS: &[&str] = &[
    "balance",
    "projectedBalance",
    "availableFunds",
    "blockedBalance",
    "cashBalance",
    "unsettledCash",
    "withdrawalAvailable",
    "stocksValue",
    "optionValue",
    "initialMarginReq",
    "maintMarginReq",
    "marginWarningLevel",
    "blockedForStocks",
    "stockOrdersReq",
    "stopOutLevel",
    "warningMarginReq",
    "marginBeforeWarning",
    "todayGross",
    "todayNet",
    "todayFees",
    "todayVolume",
    "todayTradesCount",
    "openGrossPnL",
    "openNetPnL",
    "positionsCount",
    "ordersCount",
];

impl Table {
    fn captured(self) -> &'static [&'static str] {
        match self {
            Self::AccountDetails => ACCOUNT_DETAILS,
            Self::FilledOrders => FILLED_ORDERS,
            Self::Orders | Self::OrdersHistory => ORDERS,
            Self::Positions => POSITIONS,
        }
    }

    /// The table's id in the broker's configuration.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::AccountDetails => "accountDetails",
            Self::FilledOrders => "filledOrders",
            Self::Orders => "orders",
            Self::OrdersHistory => "ordersHistory",
            Self::Positions => "positions",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::AccountDetails => "Account details",
            Self::FilledOrders => "Filled orders",
            Self::Orders => "Orders",
            Self::OrdersHistory => "Orders history",
            Self::Positions => "Positions",
        }
    }
}

/// The columns that are configured and sent, table by table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    account_details: Vec<String>,
    filled_orders: Vec<String>,
    orders: Vec<String>,
    orders_history: Vec<String>,
    positions: Vec<String>,
}

impl Default for Columns {
    fn default() -> Self {
        let captured = |table: Table| table.captured().iter().map(|id| (*id).to_owned()).collect();
        Self {
            account_details: captured(Table::AccountDetails),
            filled_orders: captured(Table::FilledOrders),
            orders: captured(Table::Orders),
            orders_history: captured(Table::OrdersHistory),
            positions: captured(Table::Positions),
        }
    }
}

impl Columns {
    /// Sets the columns of a table: configuration and rows follow. Columns that the broker does
    /// not know are sent as `x` (`0` in account details), as a future one would be.
    ///
    /// # Errors
    ///
    /// [`SimError::Columns`] without any column, or with one twice.
    pub fn with<I>(mut self, table: Table, columns: I) -> Result<Self>
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let columns: Vec<String> = columns.into_iter().map(Into::into).collect();
        let refuse = |message| {
            Err(SimError::Columns {
                table: table.id(),
                message,
            })
        };
        if columns.is_empty() {
            return refuse("at least one column is needed".to_owned());
        }
        if let Some((_, twice)) = columns
            .iter()
            .enumerate()
            .find(|(at, column)| columns[..*at].contains(column))
        {
            return refuse(format!("{twice:?} is there twice"));
        }
        *self.slot(table) = columns;
        Ok(self)
    }

    /// The columns of a table in order.
    #[must_use]
    pub fn of(&self, table: Table) -> &[String] {
        match table {
            Table::AccountDetails => &self.account_details,
            Table::FilledOrders => &self.filled_orders,
            Table::Orders => &self.orders,
            Table::OrdersHistory => &self.orders_history,
            Table::Positions => &self.positions,
        }
    }

    fn slot(&mut self, table: Table) -> &mut Vec<String> {
        match table {
            Table::AccountDetails => &mut self.account_details,
            Table::FilledOrders => &mut self.filled_orders,
            Table::Orders => &mut self.orders,
            Table::OrdersHistory => &mut self.orders_history,
            Table::Positions => &mut self.positions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_may_move_but_not_repeat() {
        let columns = Columns::default()
            .with(Table::Positions, ["qty", "id", "new"])
            .unwrap();
        assert_eq!(columns.of(Table::Positions), ["qty", "id", "new"]);
        assert!(
            Columns::default()
                .with(Table::Orders, ["id", "id"])
                .is_err()
        );
        assert!(
            Columns::default()
                .with(Table::Orders, Vec::<String>::new())
                .is_err()
        );
    }
}
