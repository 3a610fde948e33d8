//! `GET /trade/config`: which columns rows have, how many calls are allowed, how much is given.

use std::time::Duration;

use serde::Deserialize;
use wheelhouse_core::Result;

use super::{accounts, orders, positions, reply, table::Columns, token::Token};
use crate::error;

/// The data of the answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigData<'a> {
    /// Columns of positions.
    #[serde(borrow)]
    pub positions_config: RowConfig<'a>,
    /// Columns of open orders.
    #[serde(borrow)]
    pub orders_config: RowConfig<'a>,
    /// Columns of final orders.
    #[serde(borrow)]
    pub orders_history_config: RowConfig<'a>,
    /// Columns of executions.
    #[serde(borrow)]
    pub filled_orders_config: RowConfig<'a>,
    /// Columns of the account's state.
    #[serde(borrow)]
    pub account_details_config: RowConfig<'a>,
    /// How many calls are allowed.
    #[serde(borrow, default)]
    pub rate_limits: Vec<RateLimit<'a>>,
    /// How much is given at once.
    #[serde(borrow, default)]
    pub limits: Vec<Limit<'a>>,
}

/// The columns of one kind of row.
#[derive(Debug, Deserialize)]
pub struct RowConfig<'a> {
    /// In the order in which values stand in a row.
    #[serde(borrow)]
    pub columns: Vec<Column<'a>>,
}

/// One column.
#[derive(Debug, Deserialize)]
pub struct Column<'a> {
    /// Its name.
    #[serde(borrow)]
    pub id: Token<'a>,
}

/// How many calls of one type are allowed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit<'a> {
    /// `PLACE_ORDER` and so on.
    pub rate_limit_type: String,
    /// `SECONDS` or `MINUTES`.
    pub measure: String,
    /// In how many of the measure.
    #[serde(borrow)]
    pub interval_num: Token<'a>,
    /// How many calls.
    #[serde(borrow)]
    pub limit: Token<'a>,
}

impl RateLimit<'_> {
    /// Returns limit and interval, `None` if it is of a form that is not known.
    pub fn quota(&self) -> Option<(u32, Duration)> {
        let seconds = match self.measure.to_ascii_uppercase().as_str() {
            "SECOND" | "SECONDS" => 1,
            "MINUTE" | "MINUTES" => 60,
            "HOUR" | "HOURS" => 3_600,
            _ => return None,
        };
        let intervals = self.interval_num.whole().ok()??;
        let limit = u32::try_from(self.limit.whole().ok()??).ok()?;
        Some((limit, Duration::from_secs(intervals.checked_mul(seconds)?)))
    }
}

/// How much of something is given at once.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit<'a> {
    /// `QUOTES_HISTORY_BARS` and so on.
    pub limit_type: String,
    /// How much.
    #[serde(borrow)]
    pub limit: Token<'a>,
}

/// What an account's configuration says, mapped to the columns that are known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    /// Columns of positions.
    pub positions: Columns<{ positions::position::COUNT }>,
    /// Columns of open orders.
    pub orders: Columns<{ orders::order::COUNT }>,
    /// Columns of final orders.
    pub history: Columns<{ orders::order::COUNT }>,
    /// Columns of executions.
    pub executions: Columns<{ orders::execution::COUNT }>,
    /// Columns of the account's state.
    pub state: Columns<{ accounts::state::COUNT }>,
    /// Type, number of calls and interval of the published limits.
    pub rate_limits: Vec<(String, u32, Duration)>,
    /// The most bars of one answer.
    pub max_bars: Option<u64>,
    /// The most orders of one answer of the history.
    pub max_history: Option<u64>,
}

impl AccountConfig {
    /// Reads the answer.
    ///
    /// # Errors
    ///
    /// The refusal that it tells, or an answer that does not fit.
    pub fn decode(body: &bytes::Bytes) -> Result<Self> {
        let data: ConfigData<'_> = reply::Reply::read(reply::text(body)?)?.data()?;
        let limit = |name: &str| {
            let found = data.limits.iter().find(|limit| limit.limit_type == name)?;
            found.limit.whole().ok()?.filter(|limit| *limit > 0)
        };
        Ok(Self {
            positions: map_columns(
                "positionsConfig",
                &positions::position::IDS,
                &data.positions_config,
            )?,
            orders: map_columns("ordersConfig", &orders::order::IDS, &data.orders_config)?,
            history: map_columns(
                "ordersHistoryConfig",
                &orders::order::IDS,
                &data.orders_history_config,
            )?,
            executions: map_columns(
                "filledOrdersConfig",
                &orders::execution::IDS,
                &data.filled_orders_config,
            )?,
            state: map_columns(
                "accountDetailsConfig",
                &accounts::state::IDS,
                &data.account_details_config,
            )?,
            rate_limits: data
                .rate_limits
                .iter()
                .filter_map(|limit| {
                    let (calls, interval) = limit.quota()?;
                    Some((limit.rate_limit_type.clone(), calls, interval))
                })
                .collect(),
            max_bars: limit("QUOTES_HISTORY_BARS"),
            max_history: limit("MAX_ORDERS_COUNT_IN_HISTORY"),
        })
    }
}

fn map_columns<const N: usize>(
    name: &str,
    known: &[&'static str; N],
    config: &RowConfig<'_>,
) -> Result<Columns<N>> {
    let mut ids = Vec::with_capacity(config.columns.len());
    for (index, column) in config.columns.iter().enumerate() {
        let path = format_args!("d.{name}.columns[{index}].id").to_string();
        let id = column
            .id
            .text()
            .map_err(|misfit| error::unexpected(&path, misfit.0))?;
        ids.push(id.unwrap_or_default());
    }
    if ids.is_empty() {
        return Err(error::unexpected(
            format_args!("d.{name}.columns"),
            "is empty",
        ));
    }
    Ok(Columns::new(known, ids.iter().map(|id| &**id)))
}

/// Names the columns of one kind of row that this adapter knows.
macro_rules! columns {
    ($(#[$doc:meta])* $module:ident { $($name:ident = $id:literal,)* }) => {
        $(#[$doc])*
        #[allow(missing_docs, reason = "the constants are named as the columns")]
        pub mod $module {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "only counts")]
            enum Place { $($name,)* COUNT }

            pub const COUNT: usize = Place::COUNT as usize;
            pub const IDS: [&str; COUNT] = [$($id,)*];
            $(pub const $name: usize = Place::$name as usize;)*
        }
    };
}
pub(crate) use columns;
