use std::process::ExitCode;

use clap::{Parser, error::ErrorKind as ClapKind};
use wheelhouse::{Error, ErrorKind, Result};

/// Reads the command line. If it cannot be used, the program ends with status 2 and a sentence with
/// its code: 5001, or 5002 if something is missing.
pub fn arguments<A: Parser>() -> A {
    match A::try_parse() {
        Ok(arguments) => arguments,
        // Help and version are errors to clap.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            eprintln!("{}", refusal(&error));
            std::process::exit(2)
        }
    }
}

/// How a run can end other than well.
#[derive(Debug)]
pub enum End {
    /// With an error.
    Failed(Error),
    /// The user has stopped it.
    Interrupted,
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Runs a program to its end: status 0, or 1 and one sentence with its code, or 130 if the user
/// stops it.
pub async fn run(program: impl Future<Output = Result<()>>) -> ExitCode {
    end(tokio::select! {
        outcome = program => outcome.map_err(End::Failed),
        _ = tokio::signal::ctrl_c() => Err(End::Interrupted),
    })
}

/// Says what to do where a login wants its user, which only the example `robinhood_login` can ask.
pub fn ask_elsewhere(error: Error) -> Error {
    match error.kind() {
        kind @ (ErrorKind::HumanNeeded | ErrorKind::MfaRequired) => {
            let message = error.message();
            let message =
                format!("{message}: run the example robinhood_login, then this one again");
            Error::new(kind, message).with_source(error)
        }
        _ => error,
    }
}

/// Ends a program that has looked for interruptions itself.
pub fn end(outcome: Result<(), End>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(End::Failed(error)) => {
            match error.retry_after().filter(|_| is_limit(error.kind())) {
                Some(wait) => eprintln!("error: {error}; try again in {} s", wait.as_secs().max(1)),
                None => eprintln!("error: {error}"),
            }
            ExitCode::FAILURE
        }
        Err(End::Interrupted) => {
            eprintln!("interrupted");
            ExitCode::from(130)
        }
    }
}

fn is_limit(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::LockedOut | ErrorKind::LoginRateLimited | ErrorKind::RateLimited
    )
}

/// The sentence of clap with the code of the house. A value that the house has refused brings its
/// own.
fn refusal(error: &clap::Error) -> String {
    let text = error.to_string();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let has_code = std::error::Error::source(error).is_some_and(|it| it.is::<Error>());
    let code = match error.kind() {
        _ if has_code => String::new(),
        ClapKind::MissingRequiredArgument => " (code 5002)".to_owned(),
        _ => " (code 5001)".to_owned(),
    };
    format!("{first}{code}\n{rest}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use wheelhouse::Price;

    use super::*;

    #[derive(Debug, Parser)]
    struct Args {
        #[arg(long)]
        limit: Option<Price>,
        #[arg(long)]
        count: Option<u8>,
        name: String,
    }

    fn refused(arguments: &[&str]) -> String {
        let all = ["example"].iter().chain(arguments);
        refusal(&Args::try_parse_from(all).unwrap_err())
    }

    #[test]
    fn a_login_that_wants_its_user_names_the_example_that_asks() {
        for (kind, is_named) in [
            (ErrorKind::MfaRequired, true),
            (ErrorKind::HumanNeeded, true),
            (ErrorKind::InvalidCredentials, false),
        ] {
            let error = ask_elsewhere(Error::new(kind, "the broker wants something"));
            assert_eq!(error.kind(), kind);
            assert_eq!(error.message().contains("robinhood_login"), is_named);
        }
    }

    #[test]
    fn a_command_line_that_cannot_be_used_is_refused_with_one_code() {
        for (arguments, code) in [
            (vec!["F", "--nope"], "(code 5001)"),
            (vec!["F", "--count", "300"], "(code 5001)"),
            (vec!["F", "--limit", "abc"], "(code 5001)"),
            (vec!["F", "G"], "(code 5001)"),
            (vec![], "(code 5002)"),
        ] {
            let text = refused(&arguments);
            assert!(text.starts_with("error: "), "{text}");
            let first = text.lines().next().unwrap();
            assert!(first.ends_with(code), "{text}");
            assert_eq!(text.matches("(code ").count(), 1, "{text}");
        }
    }
}
