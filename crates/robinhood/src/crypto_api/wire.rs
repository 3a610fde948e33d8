//! What the Crypto Trading API sends and takes. Both versions fit the same types; numbers are
//! strings here and numbers there.

use serde::{Deserialize, Serialize, Serializer};
use wheelhouse_core::Decimal;

use crate::wire::{Num, Stamp, Text};

/// `GET …/trading/accounts/`: v1 answers one, v2 a page.
#[derive(Debug, Deserialize)]
pub(crate) struct Account<'a> {
    #[serde(borrow)]
    pub(crate) account_number: Text<'a>,
    #[serde(borrow)]
    pub(crate) status: Text<'a>,
    pub(crate) buying_power: Num,
    #[serde(borrow)]
    pub(crate) buying_power_currency: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) account_type: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) is_api_tradable: Option<bool>,
    #[serde(default)]
    pub(crate) fee_tier_status: Option<FeeTier>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FeeTier {
    pub(crate) fee_ratio: Num,
    #[serde(default)]
    pub(crate) thirty_day_volume: Option<Num>,
    #[serde(default)]
    pub(crate) next_fee_tier_ratio: Option<Num>,
    #[serde(default)]
    pub(crate) next_fee_tier_threshold: Option<Num>,
}

/// `GET …/trading/trading_pairs/`. v1 has a least size, v2 a least amount.
#[derive(Debug, Deserialize)]
pub(crate) struct Pair<'a> {
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
    #[serde(borrow)]
    pub(crate) asset_code: Text<'a>,
    #[serde(borrow)]
    pub(crate) quote_code: Text<'a>,
    #[serde(borrow)]
    pub(crate) status: Text<'a>,
    pub(crate) asset_increment: Num,
    pub(crate) quote_increment: Num,
    #[serde(default)]
    pub(crate) max_order_size: Option<Num>,
    #[serde(default)]
    pub(crate) min_order_size: Option<Num>,
    #[serde(default)]
    pub(crate) min_order_amount: Option<Num>,
    #[serde(default)]
    pub(crate) is_api_tradable: Option<bool>,
}

/// `GET …/trading/holdings/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Holding<'a> {
    #[serde(borrow)]
    pub(crate) account_number: Text<'a>,
    #[serde(borrow)]
    pub(crate) asset_code: Text<'a>,
    pub(crate) total_quantity: Num,
    #[serde(default)]
    pub(crate) quantity_available_for_trading: Option<Num>,
}

/// A list that is not paged.
#[derive(Debug, Deserialize)]
pub(crate) struct Results<T> {
    pub(crate) results: Vec<T>,
}

/// `GET …/best_bid_ask/` and `GET …/estimated_price/`: v1 has prices with the spread in them, v2 bid
/// and ask.
#[derive(Debug, Deserialize)]
pub(crate) struct Prices<'a> {
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
    #[serde(default)]
    pub(crate) bid: Option<Num>,
    #[serde(default)]
    pub(crate) ask: Option<Num>,
    #[serde(default)]
    pub(crate) price: Option<Num>,
    #[serde(default)]
    pub(crate) bid_inclusive_of_sell_spread: Option<Num>,
    #[serde(default)]
    pub(crate) sell_spread: Option<Num>,
    #[serde(default)]
    pub(crate) ask_inclusive_of_buy_spread: Option<Num>,
    #[serde(default)]
    pub(crate) buy_spread: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) side: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) quantity: Option<Num>,
    #[serde(default)]
    pub(crate) fee_ratio: Option<Num>,
    #[serde(default)]
    pub(crate) est_fee: Option<Num>,
    #[serde(default)]
    pub(crate) est_total_cost: Option<Num>,
    #[serde(default)]
    pub(crate) est_total_credit: Option<Num>,
    #[serde(default)]
    pub(crate) timestamp: Option<Stamp>,
}

/// An order, in lists and as the answer to placing and cancelling it.
#[derive(Debug, Deserialize)]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) account_number: Text<'a>,
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
    #[serde(borrow)]
    pub(crate) client_order_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) side: Text<'a>,
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) state: Text<'a>,
    #[serde(default)]
    pub(crate) executions: Option<Vec<Fill>>,
    #[serde(default)]
    pub(crate) average_price: Option<Num>,
    #[serde(default)]
    pub(crate) filled_asset_quantity: Option<Num>,
    #[serde(default)]
    pub(crate) fee_charged: Option<Num>,
    #[serde(default)]
    pub(crate) created_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) updated_at: Option<Stamp>,
    #[serde(borrow, default)]
    pub(crate) market_order_config: Option<Terms<'a>>,
    #[serde(borrow, default)]
    pub(crate) limit_order_config: Option<Terms<'a>>,
    #[serde(borrow, default)]
    pub(crate) stop_loss_order_config: Option<Terms<'a>>,
    #[serde(borrow, default)]
    pub(crate) stop_limit_order_config: Option<Terms<'a>>,
}

impl<'a> Order<'a> {
    /// Returns the one object with the terms of the order.
    pub(crate) fn terms(&self) -> Option<&Terms<'a>> {
        self.market_order_config
            .as_ref()
            .or(self.limit_order_config.as_ref())
            .or(self.stop_loss_order_config.as_ref())
            .or(self.stop_limit_order_config.as_ref())
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Fill {
    pub(crate) effective_price: Num,
    pub(crate) quantity: Num,
    #[serde(default)]
    pub(crate) timestamp: Option<Stamp>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Terms<'a> {
    #[serde(default)]
    pub(crate) asset_quantity: Option<Num>,
    #[serde(default)]
    pub(crate) quote_amount: Option<Num>,
    #[serde(default)]
    pub(crate) limit_price: Option<Num>,
    #[serde(default)]
    pub(crate) stop_price: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) time_in_force: Option<Text<'a>>,
}

/// The body of `POST …/trading/orders/`. The account stands in the query.
#[derive(Debug, Serialize)]
pub(crate) struct NewOrder<'a> {
    pub(crate) client_order_id: &'a str,
    pub(crate) side: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) symbol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) market_order_config: Option<NewTerms>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit_order_config: Option<NewTerms>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_loss_order_config: Option<NewTerms>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_limit_order_config: Option<NewTerms>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct NewTerms {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) asset_quantity: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quote_amount: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit_price: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_price: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_in_force: Option<&'static str>,
}

/// A decimal that is always written as text, whatever features the build has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain(pub(crate) Decimal);

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
