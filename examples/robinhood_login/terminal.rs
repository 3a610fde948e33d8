use std::io::{self, Write};

use wheelhouse::prelude::*;

/// Asks for a line. At the end of the input that is an error: nobody is there to answer.
pub(crate) async fn ask(prompt: &str) -> Result<String> {
    print!("{prompt} ");
    let read = tokio::task::spawn_blocking(|| {
        io::stdout().flush()?;
        let mut line = String::new();
        let length = io::stdin().read_line(&mut line)?;
        Ok::<_, io::Error>((length > 0).then_some(line))
    });
    match read.await.map_err(io::Error::other).flatten() {
        Ok(Some(line)) => Ok(line.trim().to_owned()),
        Ok(None) => {
            println!();
            Err(Error::new(
                ErrorKind::HumanNeeded,
                "there was no answer, so the login stays open; run this again to go on",
            ))
        }
        Err(error) => Err(
            Error::new(ErrorKind::InvalidInput, "the terminal cannot be read").with_source(error),
        ),
    }
}
