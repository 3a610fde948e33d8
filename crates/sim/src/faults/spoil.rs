//! Changing an answer before it is written.

use serde_json::Value;

use super::{GzipFault, Kind, RowFault, gzip};
use crate::server::Response;

impl Kind {
    /// Changes the answer; what concerns the bytes on the wire is left to the server.
    pub(crate) fn spoil(&self, response: &mut Response) {
        match self {
            Self::Body(body) => response.body = body.clone(),
            Self::Header { name, value } => {
                response
                    .headers
                    .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                let header = value.as_ref().map(|value| (name.clone(), value.clone()));
                response.headers.extend(header);
            }
            Self::Html(status) => {
                *response =
                    Response::empty(*status).with_body("text/html; charset=UTF-8", page(*status))
            }
            Self::Status {
                status,
                headers,
                body,
            } => {
                *response = Response::empty(*status);
                response.headers = headers.clone();
                response.body = body.clone().into_bytes();
            }
            Self::Redirect { status, location } => {
                *response = Response::empty(*status);
                response.set_header("location", location.clone());
            }
            Self::Gzip(fault) => compress(*fault, response),
            Self::Rows(fault) => edit(response, |json| rows(*fault, json)),
            Self::Set { pointer, value } => {
                let value = serde_json::from_str(value).unwrap_or(Value::Null);
                edit(response, |json| set(json, pointer, value));
            }
            Self::Remove { pointer } => edit(response, |json| remove(json, pointer)),
            _ => {}
        }
    }
}

fn page(status: u16) -> String {
    format!("<!DOCTYPE html><html><head><title>{status}</title></head><body></body></html>")
}

fn compress(fault: GzipFault, response: &mut Response) {
    match fault {
        GzipFault::Bomb { bytes } => {
            *response = Response::empty(200)
                .with_body("application/json; charset=utf-8", gzip::bomb(bytes));
        }
        GzipFault::Corrupt => {
            response.body = gzip::pack(&response.body);
            // The last eight bytes are the check sum and the size.
            let at = response.body.len().saturating_sub(8);
            if let Some(byte) = response.body.get_mut(at) {
                *byte ^= 0xFF;
            }
        }
        GzipFault::NotGzip => {}
        GzipFault::Truncated => {
            response.body = gzip::pack(&response.body);
            response.body.truncate(response.body.len() / 2);
        }
    }
    response.set_header("content-encoding", "gzip");
}

fn edit(response: &mut Response, change: impl FnOnce(&mut Value)) {
    if let Ok(mut json) = serde_json::from_slice(&response.body) {
        change(&mut json);
        response.body = json.to_string().into_bytes();
    }
}

/// Applies to each row of the tables under `d`, and to a table that is one flat row.
fn rows(fault: RowFault, json: &mut Value) {
    let Some(tables) = json.get_mut("d").and_then(Value::as_object_mut) else {
        return;
    };
    for table in tables.values_mut().filter_map(Value::as_array_mut) {
        if table.iter().all(Value::is_array) {
            table
                .iter_mut()
                .filter_map(Value::as_array_mut)
                .for_each(|row| row_fault(fault, row));
        } else if !table.iter().any(Value::is_object) {
            row_fault(fault, table);
        }
    }
}

fn row_fault(fault: RowFault, row: &mut Vec<Value>) {
    match fault {
        RowFault::Longer => row.push(Value::from("x")),
        RowFault::Reversed => row.reverse(),
        RowFault::Shorter => {
            row.pop();
        }
    }
}

fn set(json: &mut Value, pointer: &str, value: Value) {
    if let Some(target) = json.pointer_mut(pointer) {
        *target = value;
        return;
    }
    if let Some((parent, key)) = pointer.rsplit_once('/')
        && let Some(object) = json.pointer_mut(parent).and_then(Value::as_object_mut)
    {
        object.insert(key.to_owned(), value);
    }
}

fn remove(json: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return;
    };
    match json.pointer_mut(parent) {
        Some(Value::Object(object)) => {
            object.remove(key);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = key.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoilt(kind: &Kind, body: &str) -> String {
        let mut response = Response::empty(200).with_body("application/json", body);
        kind.spoil(&mut response);
        String::from_utf8(response.body).unwrap()
    }

    #[test]
    fn rows_are_changed_in_tables_and_in_flat_rows() {
        let longer = Kind::Rows(RowFault::Longer);
        assert_eq!(
            spoilt(&longer, r#"{"d":{"o":[["1"],["2"]]}}"#),
            r#"{"d":{"o":[["1","x"],["2","x"]]}}"#
        );
        let shorter = Kind::Rows(RowFault::Shorter);
        assert_eq!(
            spoilt(&shorter, r#"{"d":{"o":[1,2]}}"#),
            r#"{"d":{"o":[1]}}"#
        );
    }

    #[test]
    fn a_header_is_changed_or_taken_out_and_the_body_stays() {
        let mut response = Response::empty(200).with_body("application/json", "{}");
        let header = |value: Option<&str>| Kind::Header {
            name: "Content-Type".into(),
            value: value.map(Into::into),
        };
        header(Some("text/html")).spoil(&mut response);
        let html = [("Content-Type".to_owned(), "text/html".to_owned())];
        assert_eq!(response.headers, html);
        header(None).spoil(&mut response);
        assert_eq!((response.headers.len(), &*response.body), (0, &b"{}"[..]));
    }

    #[test]
    fn values_are_set_added_and_removed_by_pointer() {
        let set = |pointer: &str| Kind::Set {
            pointer: pointer.into(),
            value: "7".into(),
        };
        assert_eq!(
            spoilt(&set("/d/a/0"), r#"{"d":{"a":[1]}}"#),
            r#"{"d":{"a":[7]}}"#
        );
        assert_eq!(spoilt(&set("/d/b"), r#"{"d":{}}"#), r#"{"d":{"b":7}}"#);
        let remove = Kind::Remove {
            pointer: "/d/a/0".into(),
        };
        assert_eq!(
            spoilt(&remove, r#"{"d":{"a":[1,2]}}"#),
            r#"{"d":{"a":[2]}}"#
        );
    }
}
