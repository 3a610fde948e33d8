//! Indexes, which are no instruments at this broker, and the chains of options on them.

use wheelhouse_core::{ErrorKind, Result, Symbol};

use crate::{
    api::{place, rows},
    client::Inner,
    config::Host,
    endpoints,
    wire::{Text, option::Index},
};

/// What begins the token of a page of another chain than the first; its identifier follows, and the
/// link, but for the first page.
const CHAIN: &str = "chain ";

impl Inner {
    /// Finds the chains of options on an underlying, which is a share or an index.
    pub(crate) async fn chain_ids(&self, underlying: &Symbol) -> Result<Vec<String>> {
        if let Some(known) = self.contracts.index(underlying, self.terms_since()) {
            return Ok(known);
        }
        match self.listing_of(underlying).await {
            Ok(listing) => Ok(listing.chain.clone().into_iter().collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let chains = self.index_chains(underlying).await?;
                chains.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the chains on an index; `None` if there is no such index.
    pub(crate) async fn index_chains(&self, index: &Symbol) -> Result<Option<Vec<String>>> {
        let endpoint = &endpoints::GET_INDEXES;
        let call = self.api.call(Host::Api, endpoint).query("symbol", index);
        let body = match self.api.read(endpoint, call).await {
            Ok(body) => body,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let page = rows(&body, |row: &Index<'_>, _| {
            let chains = row.tradable_chain_ids.iter().map(Text::owned);
            Ok((row.symbol.as_str() == index.as_str()).then(|| chains.collect::<Vec<_>>()))
        });
        let (found, _) = page.map_err(|error| place(endpoint, error))?;
        let Some(chains) = found.into_iter().next() else {
            return Ok(None);
        };
        let known = chains.clone();
        self.contracts.put_index(self.clock(), index.clone(), known);
        Ok(Some(chains))
    }
}

/// Says of which chain a page is, and at which link.
pub(crate) fn chain_of<'a>(
    chains: &'a [String],
    token: Option<&'a str>,
) -> Option<(&'a str, &'a str)> {
    match token.map(|token| (token, token.strip_prefix(CHAIN))) {
        None => Some((chains.first()?, "")),
        Some((link, None)) => Some((chains.first()?, link)),
        Some((_, Some(rest))) => {
            let (id, link) = rest.split_once(' ').unwrap_or((rest, ""));
            let known = chains.iter().find(|known| *known == id)?;
            Some((known, link))
        }
    }
}

/// Makes the token of what follows a page of a chain: its next page, or else the next chain.
pub(crate) fn token_after(chains: &[String], chain: &str, next: Option<String>) -> Option<String> {
    let at = chains.iter().position(|known| known == chain)?;
    match next {
        Some(link) if at == 0 => Some(link),
        Some(link) => Some(format!("{CHAIN}{chain} {link}")),
        None => Some(format!("{CHAIN}{}", chains.get(at + 1)?)),
    }
}
