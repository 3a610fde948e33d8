//! `GET /trade/config` and `GET /trade/accounts`.

use serde::Serialize;

use super::{auth::account_name, columns::Table, limits::RateLimit, reply, state::State};
use crate::server::Response;

/// The order of the fields is the order on the wire; other clients' tests compare it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    customer_access: CustomerAccess,
    positions_config: TableConfig<'a>,
    orders_config: TableConfig<'a>,
    orders_history_config: TableConfig<'a>,
    filled_orders_config: TableConfig<'a>,
    account_details_config: TableConfig<'a>,
    rate_limits: &'a [RateLimit],
    limits: [Limit; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomerAccess {
    orders: bool,
    orders_history: bool,
    filled_orders: bool,
    positions: bool,
    symbol_info: bool,
    market_depth: bool,
}

#[derive(Serialize)]
struct TableConfig<'a> {
    id: &'static str,
    title: &'static str,
    columns: Vec<Column<'a>>,
}

#[derive(Serialize)]
struct Column<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limit {
    limit_type: &'static str,
    limit: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Account<'a> {
    id: &'a str,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    currency: &'a str,
    status: &'a str,
    trading_rules: TradingRules,
    risk_rules: RiskRules,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TradingRules {
    support_brackets: bool,
    support_partial_close_position: bool,
    support_self_trading: bool,
    support_trading_out_of_trading_hours: bool,
    support_trailing_stop: bool,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct RiskRules {
    balance_relative_drawdown: Option<u32>,
    daily_loss_limit: Option<u32>,
    daily_profit_target: Option<u32>,
    max_drawdown_level: Option<u32>,
    max_order_amount: Option<u32>,
    max_order_capital: Option<u32>,
    max_orders_count: Option<u32>,
    max_pending_orders_number: Option<u32>,
    max_positions_number: Option<u32>,
    max_trailing_drawdown: Option<u32>,
    position_loss_limit: Option<u32>,
    total_max_position_qty: Option<u32>,
    unrealized_loss_limit: Option<u32>,
    weekly_loss_limit: Option<u32>,
}

impl State {
    pub(super) fn config(&self) -> Response {
        let settings = &self.world.settings;
        let table = |table: Table| TableConfig {
            id: table.id(),
            title: table.title(),
            columns: settings
                .columns
                .of(table)
                .iter()
                .map(|id| column(table, id))
                .collect(),
        };
        reply::ok(Config {
            customer_access: CustomerAccess {
                orders: true,
                orders_history: true,
                filled_orders: true,
                positions: true,
                symbol_info: true,
                market_depth: true,
            },
            positions_config: table(Table::Positions),
            orders_config: table(Table::Orders),
            orders_history_config: table(Table::OrdersHistory),
            filled_orders_config: table(Table::FilledOrders),
            account_details_config: table(Table::AccountDetails),
            rate_limits: &settings.rate_limits.published,
            limits: [
                Limit {
                    limit_type: "QUOTES_HISTORY_BARS",
                    limit: settings.history_bars,
                },
                Limit {
                    limit_type: "MAX_ORDERS_COUNT_IN_HISTORY",
                    limit: settings.history_rows,
                },
            ],
        })
    }

    pub(super) fn trade_accounts(&self, account: usize) -> Response {
        let account = &self.accounts[account];
        let brand = &self.users[account.user].server;
        reply::ok([Account {
            id: &account.spec.id,
            name: account_name(brand, account.user, account.acc_num),
            kind: "DEMO",
            currency: &account.spec.currency,
            status: &account.spec.status,
            trading_rules: TradingRules {
                support_brackets: true,
                support_partial_close_position: true,
                support_self_trading: false,
                support_trading_out_of_trading_hours: false,
                support_trailing_stop: true,
            },
            risk_rules: RiskRules::default(),
        }])
    }
}

fn column(table: Table, id: &str) -> Column<'_> {
    let described = table == Table::AccountDetails;
    Column {
        id,
        description: described.then(|| format!("About {id}.")),
    }
}
