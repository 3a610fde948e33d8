//! Bodies that refuse something.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The words of a refusal: `detail`, `non_field_errors`, lists of text under field names, or the pair of
/// OAuth. A body that has none of them is no refusal in the API's form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) detail: Option<String>,
    pub(crate) non_field: Vec<String>,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) oauth: Option<String>,
}

impl Failure {
    /// Reads a refusal; `None` if the body is not an object with such words.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Object(BTreeMap<String, Value>);

        let Object(object) = super::decode(body).ok()?;
        let mut failure = Self::default();
        for (key, value) in object {
            let (words, listed) = match value {
                Value::String(text) => (vec![text], false),
                Value::Array(list) => {
                    let texts = list.into_iter();
                    let texts = texts.filter_map(|item| item.as_str().map(str::to_owned));
                    (texts.collect(), true)
                }
                _ => continue,
            };
            match key.as_str() {
                "detail" => failure.detail = words.into_iter().next(),
                "non_field_errors" => failure.non_field = words,
                "error" => failure.oauth = words.into_iter().next(),
                "error_description" => failure.detail = words.into_iter().next(),
                // A bare text is data: only lists are complaints about a field.
                _ if !listed => {}
                _ => failure
                    .fields
                    .extend(words.into_iter().map(|text| (key.clone(), text))),
            }
        }
        (failure != Self::default()).then_some(failure)
    }

    /// All words in one line, for people.
    pub(crate) fn message(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.detail.clone());
        parts.extend(self.non_field.iter().cloned());
        parts.extend(
            self.fields
                .iter()
                .map(|(field, text)| format!("{field}: {text}")),
        );
        if parts.is_empty() {
            parts.extend(self.oauth.clone());
        }
        let mut message = parts.join("; ");
        if let Some((cut, _)) = message.char_indices().nth(500) {
            message.truncate(cut);
        }
        message
    }

    /// Every single sentence, to be looked up.
    pub(crate) fn sentences(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().map(|(_, text)| text.as_str());
        self.detail
            .iter()
            .map(String::as_str)
            .chain(self.non_field.iter().map(String::as_str))
            .chain(fields)
    }

    /// The seconds that a throttled call has to wait, which stand in the text where the header is
    /// missing: `Expected available in 14 seconds.`
    pub(crate) fn wait_seconds(&self) -> Option<u64> {
        self.sentences().find_map(|text| {
            let end = text.find(" second")?;
            let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seconds_of_a_throttled_call_are_read_from_its_words() {
        let read = |json: &str| Failure::read(json.as_bytes()).and_then(|f| f.wait_seconds());
        let text = r#"{"detail":"Request was throttled. Expected available in 43184 seconds."}"#;
        assert_eq!(read(text), Some(43_184));
        assert_eq!(
            read(r#"{"detail":"Expected available in 1 second."}"#),
            Some(1)
        );
        assert_eq!(
            read(r#"{"detail":"Too many requests for fractional orders"}"#),
            None
        );
        assert_eq!(read(r#"{"detail":"wait for a second"}"#), None);
    }

    #[test]
    fn f4_lists_under_field_names_are_refusals_too() {
        let failure = Failure::read(br#"{"quantity":["Enter a valid number."]}"#).unwrap();
        assert_eq!(failure.message(), "quantity: Enter a valid number.");
        assert_eq!(Failure::read(b"{}"), None);
        assert_eq!(Failure::read(b"<h1>Server Error (500)</h1>"), None);
    }
}
