//! A request together with what is known about it.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{
    reply::{self, Answer},
    route::Version,
    settings::Settings,
    state::User,
};
use crate::{
    robinhood::HOST_HEADER,
    server::{Request, Response, decode},
};

const HOST: &str = "trading.robinhood.com";

#[derive(Serialize)]
struct Page<R> {
    next: Option<String>,
    previous: Option<String>,
    results: Vec<R>,
}

/// A request that was signed by a known key.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) version: Version,
    pub(super) user: usize,
    pub(super) now: i64,
}

impl Call<'_> {
    /// Every value of a parameter: lists are repeated parameters.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let pairs = self
            .request
            .query
            .split('&')
            .filter(|pair| !pair.is_empty());
        pairs
            .filter_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(key) == name).then(|| decode(value))
            })
            .collect()
    }

    pub(super) fn one(&self, name: &str) -> Option<String> {
        self.request.param(name).filter(|value| !value.is_empty())
    }

    /// The symbols that were asked for, in capitals and one by one.
    pub(super) fn symbols(&self) -> Answer<Vec<String>> {
        let symbols = self.all("symbol");
        let good = |symbol: &String| {
            let mut pieces = symbol.split('-');
            let fine = |piece: Option<&str>| {
                piece.is_some_and(|piece| {
                    !piece.is_empty()
                        && piece
                            .bytes()
                            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                })
            };
            fine(pieces.next()) && fine(pieces.next()) && pieces.next().is_none()
        };
        if symbols.iter().all(good) {
            return Ok(symbols);
        }
        Err(reply::invalid("symbol", "Malformed symbol parameter"))
    }

    /// Version 2 wants the account in the query of everything that belongs to one.
    pub(super) fn own_account(&self, users: &[User]) -> Answer<()> {
        if self.version == Version::V1 {
            return Ok(());
        }
        let Some(number) = self.one("account_number") else {
            let text = "The account_number parameter is required.";
            return Err(reply::invalid("account_number", text));
        };
        if users[self.user].account == number {
            Ok(())
        } else {
            Err(reply::forbidden())
        }
    }

    /// A page of rows under this request's address.
    pub(super) fn page<T, R: Serialize>(
        &self,
        settings: &Settings,
        items: Vec<T>,
        row: impl FnMut(T) -> R,
    ) -> Response {
        let cursor = self
            .one("cursor")
            .and_then(|cursor| STANDARD.decode(cursor).ok());
        let cursor = cursor.and_then(|bytes| String::from_utf8(bytes).ok());
        let from: usize = cursor.and_then(|text| text.parse().ok()).unwrap_or(0);
        let size = self.one("limit").and_then(|limit| limit.parse().ok());
        let size = size.unwrap_or(settings.page_size).clamp(1, 1_000);
        let total = items.len();
        let results: Vec<R> = items.into_iter().skip(from).take(size).map(row).collect();
        let next =
            (from + size < total).then(|| self.link(from + size, settings.next_origin.as_deref()));
        let previous = (from > 0).then(|| self.link(from.saturating_sub(size), None));
        let page = Page {
            next,
            previous,
            results,
        };
        Response::json(200, &page)
    }

    fn link(&self, at: usize, foreign: Option<&str>) -> String {
        let own = match self.request.header(HOST_HEADER) {
            Some(_) => format!("https://{HOST}"),
            None => format!("http://{}", self.request.header("host").unwrap_or(HOST)),
        };
        let origin = foreign.unwrap_or(&own).trim_end_matches('/');
        let kept = self.request.query.split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let cursor = STANDARD
            .encode(at.to_string())
            .replace('=', "%3D")
            .replace('+', "%2B");
        let cursor = (at > 0).then(|| format!("cursor={cursor}"));
        let query: Vec<String> = kept.map(str::to_owned).chain(cursor).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{origin}{}{mark}{}", self.request.path, query.join("&"))
    }
}
