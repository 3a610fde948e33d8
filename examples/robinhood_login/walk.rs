use std::time::Duration;

use wheelhouse::{
    Clock, Connecting, Connection, Connector, ExposeSecret, SystemClock,
    prelude::*,
    robinhood::Robinhood,
    session::{Challenge, ChallengeAnswer, CodeChannel},
};
use wheelhouse_sim::Sim;

use crate::terminal::ask;

/// Logs in, or goes on with what is stored: asks the user until the broker is content.
pub(crate) async fn log_in(
    connector: &Connector,
    sim: Option<&Sim>,
) -> Result<Connection<Robinhood>> {
    let login = connector
        .settings()
        .robinhood()?
        .ok_or_else(|| Error::new(ErrorKind::MissingField, "no Robinhood login is set"))?;
    let mut step = connector.robinhood_begin(&login).await?;
    loop {
        let open = match step {
            Connecting::Connected(connection) => return Ok(connection),
            Connecting::Challenge(open) => open,
            other => return Err(Error::new(ErrorKind::Unsupported, format!("{other:?}"))),
        };
        let answer = answer(&open.challenge, sim).await?;
        step = match connector.robinhood_answer(&login, &open.id, answer).await {
            Ok(step) => step,
            // The same challenge may be answered again.
            Err(error) if may_try_again(error.kind()) => {
                println!("  {error}");
                Connecting::Challenge(open)
            }
            Err(error) => return Err(error),
        };
    }
}

fn may_try_again(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::MfaRequired | ErrorKind::Unsupported)
}

async fn answer(challenge: &Challenge, sim: Option<&Sim>) -> Result<ChallengeAnswer> {
    match challenge {
        Challenge::Approve { poll_after, until } => {
            let clock = SystemClock::new();
            let wait = Duration::try_from(*poll_after - clock.now()).unwrap_or_default();
            let until = until.map_or(String::new(), |until| {
                format!(
                    "; it waits until {:02}:{:02} UTC",
                    until.hour(),
                    until.minute()
                )
            });
            println!("approve the login in the Robinhood app{until}");
            println!("  looking again in {} s …", wait.as_secs_f32().ceil());
            clock.sleep(wait).await;
            Ok(ChallengeAnswer::Poll)
        }
        Challenge::Code { channel, sent_to } => {
            let way = match channel {
                CodeChannel::Mail => "by mail",
                CodeChannel::Sms => "by SMS",
                _ => "by phone",
            };
            let to = sent_to
                .as_ref()
                .map_or(String::new(), |to| format!(" to {to}"));
            println!("Robinhood has sent a code {way}{to}");
            if sim.is_some() {
                println!("  (the simulator sends {SIMULATED_CODE})");
            }
            match ask("code, or r to have it sent again:").await? {
                again if again.eq_ignore_ascii_case("r") => Ok(ChallengeAnswer::Resend),
                code => Ok(ChallengeAnswer::code(code)),
            }
        }
        Challenge::Totp => {
            println!("Robinhood wants a code of your authenticator app");
            if let Some(code) = sim.and_then(|sim| sim.robinhood().totp("demo@example.com")) {
                println!("  (the simulated app shows {})", code.expose_secret());
            }
            Ok(ChallengeAnswer::code(ask("code:").await?))
        }
        Challenge::Human { reason, place } => {
            println!("{reason}\n  go to {place}");
            if let Some(sim) = sim {
                println!("  (the simulated user does so when you say that it is done)");
                ask("press Enter when it is done:").await?;
                sim.robinhood().change_settings(|settings| {
                    settings.login = wheelhouse_sim::robinhood::LoginFlow::Granted;
                });
            } else {
                ask("press Enter when it is done:").await?;
            }
            Ok(ChallengeAnswer::Done)
        }
        other => Err(Error::new(
            ErrorKind::Unsupported,
            format!("Robinhood asks for something that this program does not know: {other:?}"),
        )),
    }
}

/// What the simulator's user gets by SMS and mail.
const SIMULATED_CODE: &str = "758447";
