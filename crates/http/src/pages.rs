use std::collections::HashSet;

use wheelhouse_core::{Error, ErrorKind, Result};

/// Watches over a walk along `next` links: no link twice, and not for ever.
///
/// ```
/// let mut pages = wheelhouse_http::Pages::new();
/// pages.visit("/orders?cursor=a")?;
/// assert_eq!(pages.visit("/orders?cursor=a").unwrap_err().code(), 2005);
/// # Ok::<(), wheelhouse_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pages {
    seen: HashSet<String>,
    max: usize,
}

impl Pages {
    /// How many pages a walk may have: 1,000.
    pub const MAX: usize = 1_000;

    /// Starts a walk of at most [`MAX`](Self::MAX) pages.
    pub fn new() -> Self {
        Self {
            seen: HashSet::new(),
            max: Self::MAX,
        }
    }

    /// Notes that `link` is followed now.
    ///
    /// # Errors
    ///
    /// [`OriginRefused`](ErrorKind::OriginRefused) if it was followed before, or was one too many.
    pub fn visit(&mut self, link: &str) -> Result<()> {
        let refused = |why: String| Err(Error::new(ErrorKind::OriginRefused, why));
        if self.seen.len() >= self.max {
            return refused(format!("the answer has more than {} pages", self.max));
        }
        if !self.seen.insert(link.to_owned()) {
            return refused("the pages of the answer go round in a circle".to_owned());
        }
        Ok(())
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self::new()
    }
}
