//! Reading orders, and cancelling them.

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use wheelhouse_core::{
    AccountId, BrokerOrderId, Error, ErrorKind, OptionOrder, Order, OrderQuery, OrderState,
    OrderStatusFilter, Page, PageToken, Result,
};
use wheelhouse_http::{Call, Endpoint};

use crate::{
    accounts::next_page,
    api::{self, place, rows},
    client::Inner,
    config::Host,
    convert::{self, Place},
    endpoints, error,
    resolve::Which,
    wire::{option_order as option_wire, order as wire},
};

/// The page that follows the last one of shares.
const CRYPTO_PAGE: &str = "crypto";

impl Inner {
    pub(crate) async fn list_orders(
        &self,
        id: &AccountId,
        query: OrderQuery,
    ) -> Result<Page<Order>> {
        self.known(id, "orders").await?;
        let endpoint = &endpoints::GET_ORDERS;
        let of_crypto = query
            .instrument
            .as_ref()
            .is_some_and(|it| convert::own_part(it.as_str()).is_some());
        let body = match query.page.as_ref().map(PageToken::as_str) {
            Some(CRYPTO_PAGE) if self.config.private_crypto => {
                return self.crypto_page(id, &query).await;
            }
            None if of_crypto => return self.crypto_page(id, &query).await,
            Some(link) => self.api.follow(Host::Api, endpoint, link).await?,
            None => {
                let mut call = self
                    .api
                    .call(Host::Api, endpoint)
                    .query("account_numbers", id);
                if let Some(instrument) = &query.instrument {
                    call = call.query("instrument", instrument_url(instrument.as_str()));
                }
                if let Some(status) = query.status {
                    call = call.query("is_closed", status == OrderStatusFilter::Final);
                }
                if let Some(from) = query.from {
                    call = call.query("created_at[gte]", written(from)?);
                }
                if let Some(limit) = query.limit {
                    call = call.query("page_size", limit.clamp(1, 100));
                }
                self.api.read(endpoint, call).await?
            }
        };
        let page = rows(&body, |row: &wire::Order<'_>, index| {
            let order = self.own_id(convert::equity_order(row, Place::Row(&body, index))?);
            Ok(Some(order).filter(|order| order.account == *id && fits(order, &query)))
        });
        let (items, next) = page.map_err(|error| place(endpoint, error))?;
        let next = next_page(query.page.as_ref(), next).map_err(|error| place(endpoint, error))?;
        let crypto = self.config.private_crypto && query.instrument.is_none();
        Ok(Page {
            items,
            next: next.or(crypto.then(|| PageToken::new(CRYPTO_PAGE))),
        })
    }

    async fn crypto_page(&self, id: &AccountId, query: &OrderQuery) -> Result<Page<Order>> {
        let which = query.from.map_or(Which::Open, Which::Since);
        let orders = self
            .read_crypto_orders(id, &endpoints::GET_CRYPTO_ORDERS, which)
            .await?;
        let orders = orders.into_iter().map(|order| self.own_id(order));
        Ok(Page::last(
            orders.filter(|order| fits(order, query)).collect(),
        ))
    }

    pub(crate) async fn list_option_orders(
        &self,
        id: &AccountId,
        query: OrderQuery,
    ) -> Result<Page<OptionOrder>> {
        self.known(id, "option_orders").await?;
        let endpoint = &endpoints::GET_OPTION_ORDERS;
        let body = match &query.page {
            Some(link) => self.api.follow(Host::Api, endpoint, link.as_str()).await?,
            None => {
                let mut call = self
                    .api
                    .call(Host::Api, endpoint)
                    .query("account_numbers", id);
                if let Some(from) = query.from {
                    call = call.query("created_at__gte", written(from)?);
                }
                if let Some(limit) = query.limit {
                    call = call.query("page_size", limit.clamp(1, 100));
                }
                self.api.read(endpoint, call).await?
            }
        };
        let page = rows(&body, |row: &option_wire::OptionOrder<'_>, index| {
            let mut order = convert::option_order(row, Place::Row(&body, index))?;
            order.order = self.own_id(order.order);
            let leg = |id: &wheelhouse_core::InstrumentId| {
                order.legs.iter().any(|leg| leg.contract == *id)
            };
            let of_leg = query.instrument.as_ref().is_none_or(leg);
            let mut rest = query.clone();
            rest.instrument = None;
            let wanted = order.order.account == *id && of_leg && fits(&order.order, &rest);
            Ok(wanted.then_some(order))
        });
        let (items, next) = page.map_err(|error| place(endpoint, error))?;
        let next = next_page(query.page.as_ref(), next).map_err(|error| place(endpoint, error))?;
        Ok(Page { items, next })
    }

    pub(crate) async fn read_order(&self, id: &AccountId, order: &BrokerOrderId) -> Result<Order> {
        self.known(id, "order").await?;
        let read = self
            .read_any(
                id,
                order,
                &endpoints::GET_ORDER,
                &endpoints::GET_CRYPTO_ORDER,
            )
            .await;
        read.map(|order| self.own_id(order))
    }

    async fn read_equity_order(
        &self,
        id: &AccountId,
        order: &BrokerOrderId,
        endpoint: &'static Endpoint,
    ) -> Result<Order> {
        let call = self
            .api
            .call(Host::Api, endpoint)
            .path("order", order.as_str());
        let body = self.api.read(endpoint, call).await?;
        api::decode::<wire::Order<'_>>(&body)
            .and_then(|row| convert::equity_order(&row, Place::Whole(&body)))
            .and_then(|it| the_one(it, order, id))
            .map_err(|error| place(endpoint, error))
    }

    async fn read_any(
        &self,
        id: &AccountId,
        order: &BrokerOrderId,
        of_shares: &'static Endpoint,
        of_crypto: &'static Endpoint,
    ) -> Result<Order> {
        match convert::own_part(order.as_str()) {
            Some(_) => self.read_crypto_order(id, order, of_crypto).await,
            None => self.read_equity_order(id, order, of_shares).await,
        }
    }

    /// Asks for an order to be cancelled; whether it came in time, only the order tells.
    ///
    /// It is read before: orders of the user's other accounts bear identifiers of the same kind.
    pub(crate) async fn cancel(&self, id: &AccountId, order: &BrokerOrderId) -> Result<()> {
        self.may_change()?;
        self.known(id, "cancel_order").await?;
        let read = || {
            self.read_any(
                id,
                order,
                &endpoints::CANCELED_ORDER,
                &endpoints::CANCELED_CRYPTO_ORDER,
            )
        };
        if read().await?.state.is_final() {
            return Ok(());
        }
        let (host, endpoint, own) = match convert::own_part(order.as_str()) {
            Some(own) => (Host::Nummus, &endpoints::CANCEL_CRYPTO_ORDER, own),
            None => (Host::Api, &endpoints::CANCEL_ORDER, order.as_str()),
        };
        let call = self.api.call(host, endpoint).path("order", own);
        match self.ask_to_cancel(endpoint, call).await? {
            None => Ok(()),
            Some(refused) => settled(&read().await?, refused),
        }
    }

    pub(crate) async fn cancel_options(&self, id: &AccountId, order: &BrokerOrderId) -> Result<()> {
        self.may_change()?;
        self.known(id, "cancel_option_order").await?;
        if self.read_option_order(id, order).await?.state.is_final() {
            return Ok(());
        }
        let endpoint = &endpoints::CANCEL_OPTION_ORDER;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .path("order", order.as_str());
        match self.ask_to_cancel(endpoint, call).await? {
            None => Ok(()),
            Some(refused) => settled(&self.read_option_order(id, order).await?, refused),
        }
    }

    async fn read_option_order(&self, id: &AccountId, order: &BrokerOrderId) -> Result<Order> {
        let endpoint = &endpoints::CANCELED_OPTION_ORDER;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .path("order", order.as_str());
        let body = self.api.read(endpoint, call).await?;
        api::decode::<option_wire::OptionOrder<'_>>(&body)
            .and_then(|row| convert::option_order(&row, Place::Whole(&body)))
            .and_then(|it| the_one(it.order, order, id))
            .map_err(|error| place(endpoint, error))
    }

    /// Returns the refusal, if the broker refused for a reason that the order may explain.
    async fn ask_to_cancel(
        &self,
        endpoint: &'static Endpoint,
        call: Call<'_>,
    ) -> Result<Option<Error>> {
        let answer = match call.json(&serde_json::json!({})).send().await {
            Ok(answer) => answer,
            Err(failure) => return Err(self.api.failed(failure).await),
        };
        match error::of_status(&answer) {
            None => Ok(None),
            Some(error) if matches!(answer.status(), 400 | 403 | 409) => {
                Ok(Some(place(endpoint, error)))
            }
            Some(error) => Err(place(endpoint, error)),
        }
    }
}

/// A cancel of an order that is final, or that is being cancelled already, has nothing left to do.
fn settled(order: &Order, refused: Error) -> Result<()> {
    if order.state.is_final() || is_being_canceled(order) {
        Ok(())
    } else {
        Err(refused)
    }
}

/// The broker takes away the address to cancel at as soon as it was asked to. Of shares it also says
/// if it was not.
fn is_being_canceled(order: &Order) -> bool {
    if order.state == OrderState::PendingCancel {
        return true;
    }
    let row = order.raw.json();
    let row: Option<Value> = row.and_then(|text| serde_json::from_str(&text).ok());
    let Some(row) = row else {
        return false;
    };
    let address = row.get("cancel").or(row.get("cancel_url"));
    let asked = row.get("user_cancel_request_state").and_then(Value::as_str);
    address.is_some_and(Value::is_null) && asked != Some("no_cancel_requested")
}

/// Makes sure that an answer is about the order that was asked for, and that it is in the account.
pub(crate) fn the_one(order: Order, asked: &BrokerOrderId, id: &AccountId) -> Result<Order> {
    if !order.id.as_str().eq_ignore_ascii_case(asked.as_str()) {
        return Err(convert::odd("the answer is about another order"));
    }
    if order.account == *id {
        return Ok(order);
    }
    Err(Error::new(
        ErrorKind::NotFound,
        "the order is not in this account",
    ))
}

/// The broker ignores filters that it does not know, so every one is applied here again.
fn fits(order: &Order, query: &OrderQuery) -> bool {
    let status = match query.status {
        Some(OrderStatusFilter::Open) => !order.state.is_final(),
        Some(OrderStatusFilter::Final) => order.state.is_final(),
        _ => true,
    };
    status
        && query
            .instrument
            .as_ref()
            .is_none_or(|it| order.instrument == *it)
        && query
            .from
            .is_none_or(|from| order.created_at.is_none_or(|at| at >= from))
        && query
            .to
            .is_none_or(|to| order.created_at.is_none_or(|at| at <= to))
}

pub(crate) fn written(at: OffsetDateTime) -> Result<String> {
    at.format(&Rfc3339)
        .map_err(|_| error::invalid("the time cannot be written"))
}

/// The broker names related objects by their addresses, its own whatever gateway is in between.
pub(crate) fn instrument_url(id: &str) -> String {
    format!("https://api.robinhood.com/instruments/{id}/")
}

pub(crate) fn account_url(id: &AccountId) -> String {
    format!("https://api.robinhood.com/accounts/{id}/")
}

pub(crate) fn option_url(id: &str) -> String {
    format!("https://api.robinhood.com/options/instruments/{id}/")
}
