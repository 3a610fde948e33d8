//! What an account holds and what it is worth.

use bytes::Bytes;
use wheelhouse_core::{
    AccountId, AccountSummary, Currency, Decimal, ErrorKind, Page, PageToken, Position,
    PositionQuery, Result, Side,
};
use wheelhouse_http::Call;

use super::{
    CryptoApiVersion,
    api::read_json,
    client::Inner,
    convert::{self, Pair, Place},
    error::odd,
    types::CryptoFeeTier,
    wire,
};
use crate::wire::{Page as WirePage, Text};

impl Inner {
    pub(crate) async fn list_positions(
        &self,
        id: &AccountId,
        query: PositionQuery,
    ) -> Result<Page<Position>> {
        let endpoint = &self.api.routes.holdings;
        let accounts = self.check_account(id, "positions").await?;
        let currency = accounts
            .iter()
            .find(|listed| listed.account.id == *id)
            .and_then(|listed| listed.account.currency);
        let pairs = self.all_pairs().await?;
        let link = query.page.as_ref().map(PageToken::as_str);
        let asset = query.instrument.as_ref().and_then(|wanted| {
            let pair = pairs.iter().find(|pair| pair.instrument.id == *wanted)?;
            Some(pair.asset.as_str())
        });
        let body = self
            .api
            .page(endpoint, link, |call| {
                let call = self.of_account(call, id);
                match asset {
                    Some(asset) => call.query("asset_code", asset),
                    None => call,
                }
            })
            .await?;
        let read = || holdings(&body, id, currency, &pairs);
        let (mut held, next) = read().map_err(|error| self.api.place(endpoint, error))?;
        if let Some(instrument) = &query.instrument {
            held.retain(|position| position.instrument == *instrument);
        }
        Ok(Page {
            items: held,
            next: next.map(PageToken::new),
        })
    }

    /// Names the account, where the version has more than one.
    pub(crate) fn of_account<'a>(&self, call: Call<'a>, id: &AccountId) -> Call<'a> {
        match self.config.version {
            CryptoApiVersion::V1 => call,
            CryptoApiVersion::V2 => call.query("account_number", id),
        }
    }

    async fn all_holdings(
        &self,
        id: &AccountId,
        currency: Option<Currency>,
    ) -> Result<Vec<Position>> {
        let pairs = self.all_pairs().await?;
        let mut all = Vec::new();
        let page = |body: &Bytes| {
            let (held, next) = holdings(body, id, currency, &pairs)?;
            all.extend(held);
            Ok(next)
        };
        let endpoint = &self.api.routes.holdings;
        self.api
            .walk(endpoint, |call| self.of_account(call, id), page)
            .await?;
        Ok(all)
    }

    /// Reads what an account is worth. The broker tells the buying power; the rest is made of the
    /// holdings at their bids and of the open orders.
    pub(crate) async fn read_summary(&self, id: &AccountId) -> Result<AccountSummary> {
        let account = self.read_account(id, "account_summary").await?.account;
        let held = self.all_holdings(id, account.currency).await?;
        let open = self.read_open(id, None).await?;
        let mut summary = AccountSummary::new(id.clone(), self.api.clock().now());
        summary.currency = account.currency;
        summary.buying_power = account.balance.map(|money| money.amount);
        summary.portfolio_value = self.value_of(&held).await?;
        summary.position_count = u32::try_from(held.len()).ok();
        summary.order_count = u32::try_from(open.len()).ok();
        // Orders to buy hold back cash, and the broker does not tell how much with their fees.
        if open.iter().all(|order| order.side == Side::Sell) {
            summary.cash = summary.buying_power;
        }
        let worth = summary.cash.zip(summary.portfolio_value);
        summary.equity = worth.and_then(|(cash, held)| cash.checked_add(held));
        summary.raw = account.raw;
        Ok(summary)
    }

    /// Values holdings at their bids; `None` if one of them has none.
    async fn value_of(&self, held: &[Position]) -> Result<Option<Decimal>> {
        if held.is_empty() {
            return Ok(Some(Decimal::ZERO));
        }
        let ids: Vec<_> = held
            .iter()
            .map(|position| position.instrument.clone())
            .collect();
        let quotes = match self.read_quotes(&ids).await {
            Ok(quotes) => quotes,
            // A holding that is not quoted any more leaves the rest of the summary as it is.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::InvalidRequest | ErrorKind::InvalidInput
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut values = held
            .iter()
            .zip(&quotes)
            .map(|(position, quote)| position.size.amount().checked_mul(quote.bid?.value()));
        Ok(values.try_fold(Decimal::ZERO, |sum, value| sum.checked_add(value?)))
    }

    pub(crate) async fn read_fee_tier(&self, id: &AccountId) -> Result<Option<CryptoFeeTier>> {
        Ok(self.read_account(id, "fee_tier").await?.fee_tier)
    }
}

/// Reads a page of holdings as positions in the pairs that they are traded in.
fn holdings(
    body: &Bytes,
    id: &AccountId,
    currency: Option<Currency>,
    pairs: &[Pair],
) -> Result<(Vec<Position>, Option<String>)> {
    let page: WirePage<'_, wire::Holding<'_>> = read_json(body)?;
    let mut held = Vec::new();
    for (index, holding) in page.results.iter().enumerate() {
        if holding.account_number.as_str() != id.as_str() {
            return Err(odd("a holding in the answer is another account's"));
        }
        let asset = holding.asset_code.as_str();
        let quote = currency.unwrap_or(Currency::USD);
        let named = |pair: &&Pair| pair.asset == asset && pair.quote == quote;
        let symbol = match pairs.iter().find(named) {
            Some(pair) => pair.instrument.symbol.as_str().to_owned(),
            None => format!("{asset}-{quote}"),
        };
        held.extend(convert::holding(holding, &symbol, Place::Row(body, index))?);
    }
    Ok((held, page.next.as_ref().map(Text::owned)))
}
