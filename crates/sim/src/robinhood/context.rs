//! A request together with what is known about it.

use serde_json::Value;

use super::{
    host::{Host, Links},
    page,
    settings::Settings,
};
use crate::server::{Request, Response};

/// A request of a user who is logged in.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) request: &'a Request,
    pub(super) host: Host,
    /// The path on that host.
    pub(super) path: &'a str,
    pub(super) links: &'a Links,
    pub(super) user: usize,
    pub(super) user_id: String,
    pub(super) now: i64,
}

impl Context<'_> {
    /// A page of rows under this request's address.
    pub(super) fn page<T>(
        &self,
        settings: &Settings,
        items: Vec<T>,
        row: impl FnMut(T) -> Value,
    ) -> Response {
        let at = (self.host, self.path);
        page::page(self.request, at, self.links, settings, items, row)
    }

    /// The same for a list whose pages never hold more than this.
    pub(super) fn page_of_at_most<T>(
        &self,
        most: usize,
        settings: &Settings,
        items: Vec<T>,
        row: impl FnMut(T) -> Value,
    ) -> Response {
        let at = (self.host, self.path);
        page::page_of_at_most(most, self.request, at, self.links, settings, items, row)
    }

    /// Whether a parameter says yes, in any spelling.
    pub(super) fn flag(&self, name: &str) -> bool {
        let text = self
            .request
            .param(name)
            .unwrap_or_default()
            .to_ascii_lowercase();
        matches!(text.as_str(), "true" | "1")
    }

    /// The parts of a comma list.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.request.param(name)?;
        Some(text.split(',').map(|part| part.trim().to_owned()).collect())
    }
}
