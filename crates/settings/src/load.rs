use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use crate::{Key, Problem, SettingsError};

/// The values of all settings, each with where it came from.
///
/// Values are kept as secrets; [`Debug`](fmt::Debug) shows names and sources only.
#[derive(Clone, Default)]
pub struct Settings {
    pub(crate) values: BTreeMap<Key, Value>,
}

#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) text: SecretString,
    pub(crate) source: Source,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// It was set in code.
    Code,
    /// It stood in a file.
    EnvFile(PathBuf),
    /// It was an environment variable.
    Environment,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("set in code"),
            Self::EnvFile(path) => write!(f, "in {}", path.display()),
            Self::Environment => f.write_str("environment variable"),
        }
    }
}

impl Settings {
    /// Starts to collect settings.
    pub fn builder() -> SettingsBuilder {
        SettingsBuilder::default()
    }

    /// Returns where the value of a setting came from, `None` if it is not set.
    pub fn source(&self, key: Key) -> Option<&Source> {
        self.values.get(&key).map(|value| &value.source)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.values
                    .iter()
                    .map(|(key, value)| (key.name(), &value.source)),
            )
            .finish()
    }
}

/// Collects settings. Code beats the environment, the environment beats the file.
#[derive(Default)]
pub struct SettingsBuilder {
    file: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
    code: BTreeMap<Key, SecretString>,
}

impl SettingsBuilder {
    /// Reads a file of `NAME=value` lines. Names that are not wheelhouse's are left alone. A file
    /// that is not there is an error; ask for it only if it should be.
    #[must_use]
    pub fn env_file(mut self, path: impl AsRef<Path>) -> Self {
        self.file = Some(path.as_ref().to_owned());
        self
    }

    /// Takes environment variables, usually `std::env::vars_os()`. An empty value is as good as
    /// none.
    #[must_use]
    pub fn variables(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Sets one value.
    #[must_use]
    pub fn set(mut self, key: Key, value: impl Into<String>) -> Self {
        self.code.insert(key, SecretString::from(value.into()));
        self
    }

    /// Puts the values together.
    ///
    /// # Errors
    ///
    /// [`SettingsError::File`] if the file cannot be read; [`SettingsError::Problems`] naming every
    /// line that is not `NAME=value`, every value that is not text, and every name that begins
    /// like one of wheelhouse's settings but is none, so that a slip of the pen does not switch
    /// something off.
    pub fn build(self) -> Result<Settings, SettingsError> {
        let mut problems = Vec::new();
        let mut values = BTreeMap::new();
        if let Some(path) = &self.file {
            read_file(path, &mut values, &mut problems)?;
        }
        for (name, text) in self.variables {
            let Some(name) = name.to_str() else { continue };
            let source = Source::Environment;
            match (Key::from_name(name), text.into_string()) {
                (Some(_), Ok(text)) if text.is_empty() => {}
                (Some(key), Ok(text)) => insert(&mut values, key, text, source),
                (Some(key), Err(_)) => {
                    problems.push(Problem::Invalid {
                        key,
                        source,
                        expected: "UTF-8 text".into(),
                    });
                }
                (None, _) => note_unknown(name, source, &mut problems),
            }
        }
        for (key, text) in self.code {
            values.insert(
                key,
                Value {
                    text,
                    source: Source::Code,
                },
            );
        }
        if problems.is_empty() {
            Ok(Settings { values })
        } else {
            Err(SettingsError::Problems(problems))
        }
    }
}

impl fmt::Debug for SettingsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettingsBuilder")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

fn read_file(
    path: &Path,
    values: &mut BTreeMap<Key, Value>,
    problems: &mut Vec<Problem>,
) -> Result<(), SettingsError> {
    let unreadable = |source| SettingsError::File {
        path: path.to_owned(),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let source = Source::EnvFile(path.to_owned());
    let text = text.trim_start_matches('\u{FEFF}');
    for line in dotenvy::from_read_iter(text.as_bytes()) {
        match line {
            Ok((name, text)) => match Key::from_name(&name) {
                Some(_) if text.is_empty() => {}
                Some(key) if values.contains_key(&key) => problems.push(Problem::Invalid {
                    key,
                    source: source.clone(),
                    expected: "given once; the file has it twice".into(),
                }),
                Some(key) => insert(values, key, text, source.clone()),
                None => note_unknown(&name, source.clone(), problems),
            },
            Err(dotenvy::Error::Io(error)) => return Err(unreadable(error)),
            Err(_) => problems.push(Problem::Syntax {
                source: source.clone(),
            }),
        }
    }
    Ok(())
}

fn insert(values: &mut BTreeMap<Key, Value>, key: Key, text: String, source: Source) {
    values.insert(
        key,
        Value {
            text: SecretString::from(text),
            source,
        },
    );
}

fn note_unknown(name: &str, source: Source, problems: &mut Vec<Problem>) {
    if Key::claims(name) {
        let nearest = Key::nearest(name);
        problems.push(Problem::Unknown {
            name: name.to_owned(),
            source,
            nearest,
        });
    }
}
