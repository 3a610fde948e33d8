use std::fmt;

use crate::{
    AccountId, BrokerId, Error, ErrorKind, OptionContract, OptionQuery, OptionsTrading, PageToken,
    Result,
};

/// The most pages that are read for one list; a broker that links more is refused.
const MAX_PAGES: usize = 1_000;

/// Contracts page after page, of which one is held at a time; made by
/// [`BrokerExt::option_pages`](crate::BrokerExt::option_pages).
///
/// A chain can have thousands of contracts. What is kept of a page is the caller's choice, so the
/// memory that it takes is that of a page and of what was kept. A contract that is kept may keep the
/// broker's words of its whole page with it: take its [`raw`](OptionContract::raw) away if many are.
pub struct ContractPages<'a> {
    options: &'a dyn OptionsTrading,
    broker: BrokerId,
    account: AccountId,
    query: Option<OptionQuery>,
    walk: Walk,
}

impl<'a> ContractPages<'a> {
    pub(crate) fn new(
        options: &'a dyn OptionsTrading,
        broker: BrokerId,
        account: AccountId,
        query: OptionQuery,
    ) -> Self {
        Self {
            options,
            broker,
            account,
            query: Some(query),
            walk: Walk::default(),
        }
    }

    /// Reads the next page; `None` after the last one. A page can be empty and not the last.
    ///
    /// # Errors
    ///
    /// As [`OptionsTrading::option_contracts`]: the same page can be asked for again.
    /// [`ErrorKind::UnexpectedAnswer`] if the pages go round in a circle or are more than 1,000;
    /// nothing comes after that.
    pub async fn next(&mut self) -> Result<Option<Vec<OptionContract>>> {
        let Some(query) = &mut self.query else {
            return Ok(None);
        };
        let page = self
            .options
            .option_contracts(&self.account, query.clone())
            .await?;
        if let Some(next) = &page.next
            && let Err(error) = self.walk.visit(next)
        {
            self.query = None;
            let error = error.in_operation("option_contracts");
            return Err(error.at_broker(self.broker.clone()));
        }
        match page.next {
            Some(next) => query.page = Some(next),
            None => self.query = None,
        }
        Ok(Some(page.items))
    }
}

impl fmt::Debug for ContractPages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContractPages")
            .field("account", &self.account)
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

/// A walk from page to page that comes to an end (Brent's way to find a circle, which remembers one
/// page only).
#[derive(Debug, Default)]
pub(crate) struct Walk {
    mark: Option<PageToken>,
    pages: usize,
}

impl Walk {
    /// Notes where the next page begins.
    pub(crate) fn visit(&mut self, next: &PageToken) -> Result<()> {
        let refused = |message: String| Err(Error::new(ErrorKind::UnexpectedAnswer, message));
        self.pages += 1;
        if self.mark.as_ref() == Some(next) {
            return refused("the broker's pages go round in a circle".to_owned());
        }
        if self.pages >= MAX_PAGES {
            return refused(format!("the broker linked more than {MAX_PAGES} pages"));
        }
        if self.pages.is_power_of_two() {
            self.mark = Some(next.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages are read before a walk over these links ends, and whether it ends well.
    fn walk(mut link: impl FnMut(usize) -> Option<usize>) -> (usize, bool) {
        let (mut walk, mut pages) = (Walk::default(), 0);
        let mut at = 0;
        loop {
            pages += 1;
            match link(at) {
                None => return (pages, true),
                Some(next) => at = next,
            }
            if walk.visit(&PageToken::new(at.to_string())).is_err() {
                return (pages, false);
            }
        }
    }

    #[test]
    fn a_circle_of_any_length_and_entry_is_left() {
        for entry in 0..20 {
            for length in 1..20 {
                let last = entry + length - 1;
                let link = |at| Some(if at == last { entry } else { at + 1 });
                let (pages, ended) = walk(link);
                let bound = 4 * (entry + length) + 4;
                assert!(!ended && pages <= bound, "{entry} {length}: {pages}");
            }
        }
    }

    #[test]
    fn a_thousand_pages_are_read_and_no_more() {
        assert_eq!(walk(|at| (at < 999).then_some(at + 1)), (1_000, true));
        assert_eq!(walk(|at| Some(at + 1)), (1_000, false));
    }
}
