//! Reading executions, which stand within orders: one book after the other.

use wheelhouse_core::{
    AccountId, Error, ErrorKind, Execution, ExecutionQuery, Page, PageToken, Result,
};

use crate::{
    accounts::next_page,
    api::{place, rows},
    client::Inner,
    config::Host,
    convert::{self, Place},
    endpoints,
    orders::written,
    resolve::Book,
    wire::{crypto::CryptoFills, option_order::OptionFills, order::Order},
};

/// A page of executions with the link to the next one.
type Fills = (Vec<Execution>, Option<String>);

/// What begins the tokens of pages of the books that come after shares; the link follows, but for
/// the first page.
const TOKENS: [(Book, &str); 2] = [(Book::Options, "options "), (Book::Crypto, "crypto ")];

impl Inner {
    pub(crate) async fn list_executions(
        &self,
        id: &AccountId,
        query: ExecutionQuery,
    ) -> Result<Page<Execution>> {
        self.known(id, "executions").await?;
        let of_crypto = query
            .instrument
            .as_ref()
            .is_some_and(|it| convert::own_part(it.as_str()).is_some());
        let (book, link) = match query.page.as_ref().map(PageToken::as_str) {
            None if of_crypto => (Book::Crypto, ""),
            None => (Book::Shares, ""),
            Some(token) => book_of(token),
        };
        let (endpoint, read) = match book {
            Book::Shares => (
                &endpoints::GET_EXECUTIONS,
                self.share_fills(id, &query, link).await,
            ),
            Book::Options => {
                let endpoint = &endpoints::GET_OPTION_EXECUTIONS;
                (endpoint, self.option_fills(id, &query, link).await)
            }
            Book::Crypto => (
                &endpoints::GET_EXECUTIONS,
                self.crypto_fills(id, link).await,
            ),
        };
        let (mut items, next) = read.map_err(|error| place(endpoint, error))?;
        items.retain(|fill| {
            let of = query.instrument.as_ref();
            fill.account == *id
                && of.is_none_or(|it| fill.instrument.as_ref() == Some(it))
                && query
                    .from
                    .is_none_or(|from| fill.time.is_none_or(|time| time >= from))
        });
        let next = next.map(|link| format!("{}{link}", token_of(book)));
        let next = next_page(query.page.as_ref(), next).map_err(|error| place(endpoint, error))?;
        // Identifiers of shares and of contracts look alike, so both are searched.
        let after = match book {
            Book::Shares => Some(Book::Options),
            Book::Options if self.config.private_crypto && query.instrument.is_none() => {
                Some(Book::Crypto)
            }
            _ => None,
        };
        Ok(Page {
            items,
            next: next.or(after.map(|book| PageToken::new(token_of(book)))),
        })
    }

    async fn share_fills(
        &self,
        id: &AccountId,
        query: &ExecutionQuery,
        link: &str,
    ) -> Result<Fills> {
        let endpoint = &endpoints::GET_EXECUTIONS;
        let mut call = self
            .api
            .call(Host::Api, endpoint)
            .query("account_numbers", id);
        if let Some(from) = query.from {
            // An order that was made before can be executed after.
            call = call.query("updated_at[gte]", written(from)?);
        }
        let body = match link {
            "" => self.api.read(endpoint, call).await?,
            link => self.api.follow(Host::Api, endpoint, link).await?,
        };
        let (fills, next) = rows(&body, |row: &Order<'_>, index| {
            convert::equity_executions(row, Place::Row(&body, index)).map(Some)
        })?;
        Ok((fills.into_iter().flatten().collect(), next))
    }

    async fn option_fills(
        &self,
        id: &AccountId,
        query: &ExecutionQuery,
        link: &str,
    ) -> Result<Fills> {
        let endpoint = &endpoints::GET_OPTION_EXECUTIONS;
        let mut call = self
            .api
            .call(Host::Api, endpoint)
            .query("account_numbers", id);
        if let Some(from) = query.from {
            // Named like the filter that is known; if there is none, older orders come too.
            call = call.query("updated_at__gte", written(from)?);
        }
        let body = match link {
            "" => self.api.read(endpoint, call).await?,
            link => self.api.follow(Host::Api, endpoint, link).await?,
        };
        let (fills, next) = rows(&body, |row: &OptionFills<'_>, index| {
            convert::option_executions(row, Place::Row(&body, index)).map(Some)
        })?;
        Ok((fills.into_iter().flatten().collect(), next))
    }

    async fn crypto_fills(&self, id: &AccountId, link: &str) -> Result<Fills> {
        if !self.config.private_crypto {
            let message = "crypto of the private API is switched off";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let Some(own) = self.crypto_account(id).await? else {
            return Ok((Vec::new(), None));
        };
        let endpoint = &endpoints::GET_EXECUTIONS;
        let call = self.api.call(Host::Nummus, endpoint);
        let body = match link {
            "" => self.api.read(endpoint, call).await?,
            link => self.api.follow(Host::Nummus, endpoint, link).await?,
        };
        let (fills, next) = rows(&body, |row: &CryptoFills<'_>, index| {
            if row.account_id.as_str() != own {
                return Ok(None);
            }
            convert::crypto_executions(row, id, Place::Row(&body, index)).map(Some)
        })?;
        Ok((fills.into_iter().flatten().collect(), next))
    }
}

fn token_of(book: Book) -> &'static str {
    let token = TOKENS.iter().find(|(known, _)| *known == book);
    token.map_or("", |(_, token)| *token)
}

fn book_of(token: &str) -> (Book, &str) {
    let named = |(book, start): &(Book, &str)| Some((*book, token.strip_prefix(*start)?));
    let found = TOKENS.iter().find_map(named);
    found.unwrap_or((Book::Shares, token))
}
