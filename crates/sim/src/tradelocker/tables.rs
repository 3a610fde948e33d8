//! Rows that follow the configured columns.

use rust_decimal::Decimal;
use serde::Serialize;

use super::{
    book::{Account, Bracket, ClosedTrade, Execution, Order, Position, Status},
    columns::Table,
    reply::{self, Float},
    state::{State, World},
};
use crate::server::{Request, Response};

/// Text or null for each column.
pub(super) type Row = Vec<Option<String>>;

#[derive(Serialize)]
struct Positions {
    positions: Vec<Row>,
}

#[derive(Serialize)]
struct Orders {
    orders: Vec<Row>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrdersHistory {
    orders_history: Vec<Row>,
    has_more: bool,
}

#[derive(Serialize)]
struct Executions {
    executions: Vec<Row>,
}

#[derive(Serialize)]
struct Report {
    data: Vec<ReportLine>,
    links: Links,
}

#[derive(Serialize)]
struct Links {
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
}

#[derive(Serialize)]
struct Next {
    params: NextParams,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NextParams {
    last_trade_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportLine {
    position_id: String,
    instrument: &'static str,
    position_side: &'static str,
    open_amount: String,
    close_amount: String,
    open_milliseconds: String,
    close_milliseconds: String,
    profit: String,
    net_profit: String,
    commission: &'static str,
    swap: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    account_details_data: Vec<Figure>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Figure {
    Count(usize),
    Money(Float),
}

impl State {
    pub(super) fn positions(&self, account: usize, now: i64) -> Response {
        let positions = self.accounts[account].positions.values();
        let visible = positions.filter(|position| self.world.is_visible(position.opened, now));
        let rows = visible.map(|position| position_row(&self.world, position, now));
        reply::ok(Positions {
            positions: rows.collect(),
        })
    }

    pub(super) fn orders(&self, account: usize, request: &Request, now: i64) -> Response {
        let window = match self.window(request) {
            Ok(window) => window,
            Err(refusal) => return refusal,
        };
        let orders = self.accounts[account].orders.values();
        let fits = |order: &&Order| window.fits(order) && self.world.is_visible(order.created, now);
        let rows = orders
            .filter(fits)
            .map(|order| order_row(&self.world, order, false));
        reply::ok(Orders {
            orders: rows.collect(),
        })
    }

    pub(super) fn orders_history(&self, account: usize, request: &Request, now: i64) -> Response {
        let window = match self.window(request) {
            Ok(window) => window,
            Err(refusal) => return refusal,
        };
        let newest_first = self.accounts[account].history.iter().rev();
        let fits = |order: &&Order| window.fits(order) && self.world.is_visible(order.since, now);
        let mut found = newest_first.filter(fits);
        let most = self.world.settings.history_rows;
        let rows = found
            .by_ref()
            .take(most)
            .map(|order| order_row(&self.world, order, true));
        let orders_history: Vec<Row> = rows.collect();
        reply::ok(OrdersHistory {
            has_more: found.next().is_some(),
            orders_history,
        })
    }

    pub(super) fn executions(&self, account: usize, now: i64) -> Response {
        let executions = self.accounts[account].executions.iter().rev();
        let visible = executions.filter(|execution| self.world.is_visible(execution.at, now));
        let rows = visible.map(|execution| execution_row(&self.world, execution));
        reply::ok(Executions {
            executions: rows.collect(),
        })
    }

    pub(super) fn closed_trades(&self, account: usize, request: &Request) -> Response {
        let limit = request
            .param("limit")
            .and_then(|text| text.parse().ok())
            .unwrap_or(200);
        let cursor = request
            .param("lastTradeId")
            .and_then(|text| text.parse().ok());
        let older = |trade: &&ClosedTrade| cursor.is_none_or(|cursor: u64| trade.id < cursor);
        let mut trades = self.accounts[account].closed.iter().rev().filter(older);
        let page: Vec<&ClosedTrade> = trades.by_ref().take(limit).collect();
        let next = trades.next().and(page.last()).map(|last| Next {
            params: NextParams {
                last_trade_id: last.id.to_string(),
            },
        });
        let data = page
            .iter()
            .map(|trade| report_line(&self.world, trade))
            .collect();
        Response::json(
            200,
            &Report {
                data,
                links: Links { next },
            },
        )
    }

    pub(super) fn account_state(&self, account: usize, now: i64) -> Response {
        let account = &self.accounts[account];
        let columns = self.world.settings.columns.of(Table::AccountDetails);
        let figures = columns
            .iter()
            .map(|column| figure(&self.world, account, column, now));
        reply::ok(Details {
            account_details_data: figures.collect(),
        })
    }

    fn window(&self, request: &Request) -> Result<Window, Response> {
        let instrument = self.instrument_filter(request)?;
        let bound = |name: &str, open: i64| match request.param(name) {
            Some(text) => text.parse().map_err(|_| reply::refused(400, "Bad Request")),
            None => Ok(open),
        };
        Ok(Window {
            from: bound("from", i64::MIN)?,
            to: bound("to", i64::MAX)?,
            instrument,
        })
    }
}

/// Bounds of a read by creation time, both inclusive.
struct Window {
    from: i64,
    to: i64,
    instrument: Option<usize>,
}

impl Window {
    fn fits(&self, order: &Order) -> bool {
        (self.from..=self.to).contains(&order.created)
            && self
                .instrument
                .is_none_or(|instrument| order.instrument == instrument)
    }
}

fn row(world: &World, table: Table, cell: impl Fn(&str) -> Option<Option<String>>) -> Row {
    let future = || Some("x".to_owned());
    let columns = world.settings.columns.of(table).iter();
    columns
        .map(|column| cell(column).unwrap_or_else(future))
        .collect()
}

fn position_row(world: &World, position: &Position, now: i64) -> Row {
    let instrument = &world.market.instruments[position.instrument];
    row(world, Table::Positions, |column| {
        Some(match column {
            "id" => Some(position.id.to_string()),
            "tradableInstrumentId" => Some(instrument.tradable_id.to_string()),
            "routeId" => Some(super::catalog::TRADE_ROUTE.to_string()),
            "side" => Some(position.side.text().to_owned()),
            "qty" => Some(lots(position.qty)),
            "avgPrice" => Some(position.avg_price.to_string()),
            "stopLossId" => position.stop_loss.map(|id| id.to_string()),
            "takeProfitId" => position.take_profit.map(|id| id.to_string()),
            "openDate" => Some(position.opened.to_string()),
            "unrealizedPl" => {
                let quote = world.market.quote(position.instrument, now);
                let price = position.side.opposite().fill_price(quote);
                let gain = position.side.signed(price - position.avg_price);
                Some(money(gain * position.qty * instrument.lot_size))
            }
            "strategyId" => position.strategy.clone(),
            _ => return None,
        })
    })
}

pub(super) fn order_row(world: &World, order: &Order, is_final: bool) -> Row {
    let instrument = &world.market.instruments[order.instrument];
    let table = if is_final {
        Table::OrdersHistory
    } else {
        Table::Orders
    };
    // Open orders show null for what they lack, history rows show zero or nothing.
    let or_zero = |value: Option<String>| value.or_else(|| is_final.then(|| "0".to_owned()));
    let price = |value: Option<Decimal>| or_zero(value.map(|price| price.to_string()));
    let filled = (order.status == Status::Filled).then(|| order.qty.normalize().to_string());
    let value = |bracket: Option<Bracket>| bracket.map(|bracket| bracket.value.to_string());
    let kind = |bracket: Option<Bracket>| bracket.map(|bracket| bracket.kind.text().to_owned());
    row(world, table, |column| {
        Some(match column {
            "id" => Some(order.id.to_string()),
            "tradableInstrumentId" => Some(instrument.tradable_id.to_string()),
            "routeId" => Some(super::catalog::TRADE_ROUTE.to_string()),
            "qty" => Some(lots(order.qty)),
            "side" => Some(order.side.text().to_owned()),
            "type" => Some(order.kind.text().to_owned()),
            "status" => Some(order.status.text().to_owned()),
            "filledQty" => or_zero(filled.clone()),
            "avgPrice" => price(order.avg_price),
            "price" => price(order.price),
            "stopPrice" => price(order.stop_price),
            "validity" => Some(order.kind.validity().to_owned()),
            "expireDate" => None,
            "createdDate" => Some(order.created.to_string()),
            "lastModified" => Some(order.modified.to_string()),
            "isOpen" => Some(order.opens.to_string()),
            "positionId" => order.position.map(|id| id.to_string()),
            "stopLoss" => value(order.stop_loss),
            "stopLossType" => kind(order.stop_loss),
            "takeProfit" => value(order.take_profit),
            "takeProfitType" => kind(order.take_profit),
            "strategyId" => order
                .strategy
                .clone()
                .or_else(|| is_final.then(String::new)),
            _ => return None,
        })
    })
}

fn execution_row(world: &World, execution: &Execution) -> Row {
    row(world, Table::FilledOrders, |column| {
        Some(Some(match column {
            "id" => execution.id.to_string(),
            "price" => execution.price.to_string(),
            "side" => execution.side.text().to_owned(),
            "createdDate" => execution.at.to_string(),
            "qty" => lots(execution.qty),
            "orderId" => execution.order.to_string(),
            "positionId" => execution.position.to_string(),
            "tradableInstrumentId" => world.market.instruments[execution.instrument]
                .tradable_id
                .to_string(),
            _ => return None,
        }))
    })
}

fn report_line(world: &World, trade: &ClosedTrade) -> ReportLine {
    ReportLine {
        position_id: trade.position.to_string(),
        instrument: world.market.instruments[trade.instrument].name,
        position_side: if trade.side.text() == "buy" {
            "BUY"
        } else {
            "SELL"
        },
        open_amount: trade.open_qty.normalize().to_string(),
        close_amount: trade.close_qty.normalize().to_string(),
        open_milliseconds: trade.opened.to_string(),
        close_milliseconds: trade.closed.to_string(),
        profit: money(trade.profit),
        net_profit: money(trade.profit),
        commission: "0",
        swap: "0",
    }
}

fn figure(world: &World, account: &Account, column: &str, now: i64) -> Figure {
    let worth = world.worth(account, now);
    let midnight = now - now.rem_euclid(86_400_000);
    let today = || {
        account
            .closed
            .iter()
            .filter(|trade| trade.closed >= midnight)
    };
    let dealt = || {
        account
            .executions
            .iter()
            .filter(|execution| execution.at >= midnight)
    };
    Figure::Money(Float(match column {
        "balance" | "cashBalance" => account.balance,
        "projectedBalance" => account.balance + worth.open_profit,
        "availableFunds" | "marginBeforeWarning" => worth.available,
        "withdrawalAvailable" => worth.available.max(Decimal::ZERO),
        "initialMarginReq" | "maintMarginReq" | "warningMarginReq" => worth.margin,
        "marginWarningLevel" => Decimal::ONE_HUNDRED,
        "stopOutLevel" => Decimal::new(50, 0),
        "todayGross" | "todayNet" => today().map(|trade| trade.profit).sum(),
        "todayVolume" => dealt().map(|execution| execution.qty).sum(),
        "todayTradesCount" => return Figure::Count(dealt().count()),
        "openGrossPnL" | "openNetPnL" => worth.open_profit,
        "positionsCount" => return Figure::Count(account.positions.len()),
        "ordersCount" => return Figure::Count(account.orders.len()),
        // Blocked, unsettled, stocks, options and fees: this broker has none.
        _ => Decimal::ZERO,
    }))
}

/// Lots with at least two digits.
fn lots(qty: Decimal) -> String {
    let mut qty = qty.normalize();
    if qty.scale() < 2 {
        qty.rescale(2);
    }
    qty.to_string()
}

fn money(amount: Decimal) -> String {
    let mut amount = amount.round_dp(2);
    amount.rescale(2);
    amount.to_string()
}
