//! Lists in pages.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    host::{Host, Links},
    reply,
    settings::Settings,
};
use crate::server::{Request, Response};

/// Most rows of any page.
const MOST: usize = 1_000;

/// A page of rows. The cursor is a place in the list: rows that are added in front in the
/// meantime make the next page repeat some, as with the real broker.
pub(super) fn page<T>(
    request: &Request,
    at: (Host, &str),
    links: &Links,
    settings: &Settings,
    items: Vec<T>,
    row: impl FnMut(T) -> Value,
) -> Response {
    page_of_at_most(MOST, request, at, links, settings, items, row)
}

/// The same with a cap on the rows that a request can ask for.
pub(super) fn page_of_at_most<T>(
    most: usize,
    request: &Request,
    (host, path): (Host, &str),
    links: &Links,
    settings: &Settings,
    items: Vec<T>,
    row: impl FnMut(T) -> Value,
) -> Response {
    let from = start(request);
    let size = size(request, settings).min(most);
    let total = items.len();
    let results: Vec<Value> = items.into_iter().skip(from).take(size).map(row).collect();
    let link = |at: usize| link(request, (host, path), links, at);
    let next = (from + size < total).then(|| {
        let next = link(from + size);
        match &settings.next_origin {
            Some(origin) => format!("{}{}", origin.trim_end_matches('/'), target(&next)),
            None => next,
        }
    });
    let previous = (from > 0).then(|| link(from.saturating_sub(size)));
    reply::ok(&json!({"next": next, "previous": previous, "results": results}))
}

fn start(request: &Request) -> usize {
    let cursor = request
        .param("cursor")
        .and_then(|cursor| STANDARD.decode(cursor).ok());
    let text = cursor
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    text.strip_prefix("p=")
        .and_then(|at| at.parse().ok())
        .unwrap_or(0)
}

fn size(request: &Request, settings: &Settings) -> usize {
    let asked = request
        .param("page_size")
        .and_then(|size| size.parse().ok());
    asked.unwrap_or(settings.page_size).clamp(1, MOST)
}

/// The request's own address with another cursor; at 0 without one.
fn link(request: &Request, (host, path): (Host, &str), links: &Links, at: usize) -> String {
    let cursor = STANDARD
        .encode(format!("p={at}"))
        .replace('=', "%3D")
        .replace('+', "%2B");
    let mut query: Vec<String> = request
        .query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="))
        .map(str::to_owned)
        .collect();
    if at > 0 {
        query.insert(0, format!("cursor={cursor}"));
    }
    let url = links.to(host, path);
    if query.is_empty() {
        url
    } else {
        format!("{url}?{}", query.join("&"))
    }
}

fn target(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    url[after_scheme..]
        .find('/')
        .map_or("/", |at| &url[after_scheme + at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_link_to_each_other_and_keep_the_filters() {
        let settings = Settings {
            page_size: 2,
            ..Settings::default()
        };
        let rows = || (0..3).map(Value::from).collect::<Vec<_>>();
        let of = |query: &str| {
            let request = Request {
                query: query.to_owned(),
                ..Request::default()
            };
            let answer = page(
                &request,
                (Host::Api, "/x/"),
                &Links::Original,
                &settings,
                rows(),
                |row| row,
            );
            serde_json::from_slice::<Value>(&answer.body).unwrap()
        };
        let first = of("nonzero=true");
        assert_eq!(first["results"], json!([0, 1]));
        let next = first["next"].as_str().unwrap();
        assert_eq!(
            next,
            "https://api.robinhood.com/x/?cursor=cD0y&nonzero=true"
        );
        let second = of(next.split_once('?').unwrap().1);
        assert_eq!(
            (&second["results"], &second["next"]),
            (&json!([2]), &Value::Null)
        );
        assert_eq!(
            second["previous"],
            "https://api.robinhood.com/x/?nonzero=true"
        );
    }

    #[test]
    fn a_foreign_origin_keeps_path_and_query() {
        assert_eq!(target("https://a.example/x/?y=1"), "/x/?y=1");
    }
}
