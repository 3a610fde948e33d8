use std::fmt;

/// What a check returns.
pub type TestResult = Result<(), TestFailure>;

/// Why a check failed. Every error turns into one with `?`.
pub struct TestFailure(String);

impl TestFailure {
    /// Makes a failure from a sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Returns the sentence.
    pub fn message(&self) -> &str {
        &self.0
    }
}

/// Shows the sentence alone, because test harnesses print failures with `Debug`.
impl fmt::Debug for TestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for TestFailure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self(message)
    }
}

/// Fails the check with a sentence unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($sentence:tt)+) => {
        if !$condition {
            return Err($crate::TestFailure::new(format!($($sentence)+)));
        }
    };
}

pub(crate) use ensure;
