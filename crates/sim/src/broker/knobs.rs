//! Settings as scripts name them.

use std::time::Duration;

/// Writes a broker's `Knobs`: for each field of its `Settings` the key in a script, what is written
/// there, and how it becomes the setting.
macro_rules! knobs {
    ($($field:ident $(= $key:literal)?: $text:ty => $into:expr,)+) => {
        /// Settings of a script; those that it does not name stay as they are.
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Knobs {
            $($(#[serde(rename = $key)])? $field: Option<$text>,)+
        }

        impl Knobs {
            /// Puts them into settings.
            pub(super) fn apply(self, settings: &mut Settings) {
                $(if let Some(text) = self.$field {
                    settings.$field = $into(text);
                })+
            }

            #[cfg(test)]
            const NAMES: &[&str] = &[$(stringify!($field),)+];
        }
    };
}

pub(crate) use knobs;

pub(crate) fn same<T>(value: T) -> T {
    value
}

pub(crate) fn seconds(span: u32) -> Duration {
    Duration::from_secs(span.into())
}

/// The names of the fields of settings, in the order of the alphabet.
#[cfg(test)]
pub(crate) fn fields(settings: &impl std::fmt::Debug) -> Vec<String> {
    let shown = format!("{settings:#?}");
    let fields = shown.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("    ")?.split_once(": ")?;
        (!name.starts_with(' ')).then(|| name.to_owned())
    });
    let mut fields: Vec<String> = fields.collect();
    fields.sort_unstable();
    fields
}
