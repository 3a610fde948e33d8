use std::{fmt, path::PathBuf};

use wheelhouse_core::{Error, ErrorKind};

use crate::{Key, Source};

/// Why the settings cannot be used. All problems are told at once.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The `.env` file could not be read.
    #[error("the file {} could not be read", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Some settings are wrong or missing.
    #[error("{}", list(.0))]
    Problems(Vec<Problem>),
}

/// One thing that is wrong with the settings. It never shows a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A value is not accepted.
    Invalid {
        /// Of which setting.
        key: Key,
        /// From where.
        source: Source,
        /// What would be right.
        expected: String,
    },
    /// A setting is missing that others need.
    Missing {
        /// Which one.
        key: Key,
        /// Which setting needs it.
        needed_by: Key,
    },
    /// A line of a file is not `NAME=value`.
    Syntax {
        /// Where.
        source: Source,
    },
    /// There is no such setting.
    Unknown {
        /// The name as written.
        name: String,
        /// From where.
        source: Source,
        /// The setting that was probably meant.
        nearest: Option<Key>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid {
                key,
                source,
                expected,
            } => {
                write!(f, "{key} ({source}) must be {expected}")
            }
            Self::Missing { key, needed_by } => {
                write!(f, "{key} is missing; {needed_by} is set and needs it")
            }
            Self::Syntax { source } => write!(f, "{source} is not of the form NAME=value"),
            Self::Unknown {
                name,
                source,
                nearest: Some(nearest),
            } => {
                write!(
                    f,
                    "there is no setting {name} ({source}); did you mean {nearest}?"
                )
            }
            Self::Unknown {
                name,
                source,
                nearest: None,
            } => {
                write!(f, "there is no setting {name} ({source})")
            }
        }
    }
}

impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Self {
        let kind = match &error {
            SettingsError::File { .. } => ErrorKind::StorageRead,
            SettingsError::Problems(problems) => {
                let missing = |problem: &Problem| matches!(problem, Problem::Missing { .. });
                if problems.iter().all(missing) {
                    ErrorKind::MissingField
                } else {
                    ErrorKind::Configuration
                }
            }
        };
        Self::new(kind, error.to_string())
            .in_operation("settings")
            .with_source(error)
    }
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
