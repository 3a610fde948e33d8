//! Reading equity orders.

use serde_json::{Value, json};

use super::Order;
use crate::{
    robinhood::{
        context::Context,
        host::tail,
        reply::{self, Answer},
        shape,
        state::{Account, State},
        text::{instant, millis},
    },
    server::Response,
};

impl State {
    pub(in crate::robinhood) fn orders(&self, context: &Context<'_>) -> Response {
        let world = &self.world;
        let instrument = context.request.param("instrument");
        let instrument = instrument.or_else(|| context.request.param("instrument_id"));
        let instrument = instrument.map(|link| world.market.instrument(tail(&link)));
        let since = Since::of(context);
        let closed = context
            .request
            .param("is_closed")
            .map(|_| context.flag("is_closed"));
        let visible = context.now - millis(world.settings.visible_after);
        let fits = |order: &&Order| {
            order.life.created <= visible
                && instrument.is_none_or(|wanted| wanted == Some(order.instrument))
                && closed.is_none_or(|closed| order.life.status.is_final() == closed)
                && since.fits(order.life.created, order.life.updated)
        };
        let mut found: Vec<(&Account, &Order)> = self
            .asked_accounts(context, "account_numbers")
            .into_iter()
            .flat_map(|account| {
                account
                    .orders
                    .iter()
                    .rev()
                    .filter(fits)
                    .map(move |order| (account, order))
            })
            .collect();
        found.sort_by_key(|(_, order)| std::cmp::Reverse(order.life.created));
        let american = world.settings.american_cancel;
        context.page(&world.settings, found, |(account, order)| {
            order.row(account, &world.market, american, context)
        })
    }

    pub(in crate::robinhood) fn order(&self, id: &str, context: &Context<'_>) -> Answer {
        let accounts = &self.users[context.user].accounts;
        let found = accounts.iter().find_map(|account| {
            let order = account.orders.iter().rev().find(|order| order.id == id)?;
            Some((account, order))
        });
        let (account, order) = found.ok_or_else(reply::not_found)?;
        let american = self.world.settings.american_cancel;
        Ok(reply::ok(&order.row(
            account,
            &self.world.market,
            american,
            context,
        )))
    }

    pub(in crate::robinhood) fn presubmit(&self) -> Response {
        reply::ok(&shape::PRESUBMIT.with(json!({})))
    }

    pub(in crate::robinhood) fn dividends(&self, context: &Context<'_>) -> Response {
        let market = &self.world.market;
        let rows: Vec<Value> = self
            .asked_accounts(context, "account_numbers")
            .into_iter()
            .filter_map(|account| {
                let at = market.symbol("KO")?;
                account.positions.get(&at)?;
                Some(shape::DIVIDEND.with(json!({
                    "account": context.links.account(&account.number),
                    "instrument": context.links.instrument(&market.instruments[at].id),
                })))
            })
            .collect();
        context.page(&self.world.settings, rows, |row| row)
    }
}

/// Lower bounds of times, in either spelling. A bound that is no time is ignored.
pub(in crate::robinhood) struct Since {
    created: Option<i64>,
    updated: Option<i64>,
}

impl Since {
    pub(in crate::robinhood) fn of(context: &Context<'_>) -> Self {
        let bound = |name: &str| {
            let either = context.request.param(&format!("{name}[gte]"));
            let text = either.or_else(|| context.request.param(&format!("{name}__gte")))?;
            instant(&text)
        };
        Self {
            created: bound("created_at"),
            updated: bound("updated_at"),
        }
    }

    pub(in crate::robinhood) fn fits(&self, created: i64, updated: i64) -> bool {
        self.created.is_none_or(|bound| created >= bound)
            && self.updated.is_none_or(|bound| updated >= bound)
    }
}
