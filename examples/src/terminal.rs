use std::{
    fmt::Display,
    io::{self, IsTerminal, Write, stdout},
    time::Duration,
};

use tokio::sync::oneshot;
use wheelhouse::{Clock, Error, ErrorKind, Result, SystemClock};

/// Prints a line. That it cannot be printed, as when a pager was closed, is an error like any other.
///
/// # Errors
///
/// [`ErrorKind::StorageWrite`] if the output is gone.
pub fn say(text: impl Display) -> Result<()> {
    writeln!(stdout().lock(), "{text}").map_err(gone)
}

/// Asks for a line, without the room around it.
///
/// # Errors
///
/// [`ErrorKind::HumanNeeded`] at the end of the input: nobody is there to answer.
pub async fn ask(prompt: &str) -> Result<String> {
    write!(stdout().lock(), "{prompt} ").map_err(gone)?;
    stdout().flush().map_err(gone)?;
    let (tell, told) = oneshot::channel();
    // A thread of its own: the program can end while it still waits for a line.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        let _ = tell.send(read.map(|length| (length > 0).then_some(line)));
    });
    match told.await.unwrap_or(Ok(None)) {
        Ok(Some(line)) => Ok(line.trim().to_owned()),
        Ok(None) => {
            say("")?;
            Err(Error::new(ErrorKind::HumanNeeded, "there was no answer"))
        }
        Err(error) => Err(
            Error::new(ErrorKind::InvalidInput, "the terminal cannot be read").with_source(error),
        ),
    }
}

/// Waits, and counts the seconds down where somebody looks.
///
/// # Errors
///
/// As [`say`].
pub async fn count_down(what: &str, wait: Duration) -> Result<()> {
    let clock = SystemClock::new();
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    if !is_terminal() {
        say(format_args!("  {what} in {seconds} s"))?;
        clock.sleep(wait).await;
        return Ok(());
    }
    let until = clock.monotonic() + wait;
    while let Some(left) = until
        .checked_sub(clock.monotonic())
        .filter(|it| !it.is_zero())
    {
        progress(format_args!("{what} in {} s", left.as_secs() + 1))?;
        clock.sleep(left.min(Duration::from_secs(1))).await;
    }
    progress("")
}

/// Shows how far something has come, in place of what was shown before. Nothing is shown where
/// nobody looks.
///
/// # Errors
///
/// As [`say`].
pub fn progress(text: impl Display) -> Result<()> {
    if !is_terminal() {
        return Ok(());
    }
    let text = text.to_string();
    let indent = if text.is_empty() { "" } else { "  " };
    write!(stdout().lock(), "\r\u{1b}[2K{indent}{text}").map_err(gone)?;
    stdout().flush().map_err(gone)
}

/// Whether somebody looks at the output.
pub fn is_terminal() -> bool {
    stdout().is_terminal()
}

/// Whether colours are wanted: at a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
pub fn wants_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    is_terminal() && !refused
}

/// How many columns there are; 80 where there is no terminal.
pub fn columns() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

fn gone(source: io::Error) -> Error {
    Error::new(ErrorKind::StorageWrite, "the output cannot be written").with_source(source)
}
