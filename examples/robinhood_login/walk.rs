use std::time::Duration;

use wheelhouse::{
    Clock, Connecting, Connection, Connector, ExposeSecret, SystemClock,
    prelude::*,
    robinhood::Robinhood,
    session::{Challenge, ChallengeAnswer, CodeChannel},
    settings::RobinhoodSettings,
};
use wheelhouse_examples::{ask, count_down, say};
use wheelhouse_sim::{Sim, robinhood::LoginFlow};

/// A login that asks its user until the broker is content.
pub(crate) struct Walk<'a> {
    connector: &'a Connector,
    login: &'a RobinhoodSettings,
    sim: Option<&'a Sim>,
    patience: Duration,
    /// Whether a code by SMS is still to be asked for, instead of a tap in the app.
    text: bool,
    asked_to_approve: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        connector: &'a Connector,
        login: &'a RobinhoodSettings,
        sim: Option<&'a Sim>,
        (patience, text): (u64, bool),
    ) -> Self {
        Self {
            connector,
            login,
            sim,
            patience: Duration::from_secs(patience),
            text,
            asked_to_approve: false,
        }
    }

    /// Logs in, or goes on with what is stored: a session, or a login that waits for its answer.
    pub(crate) async fn log_in(&mut self) -> Result<Connection<Robinhood>> {
        let mut step = self.begin().await?;
        loop {
            let open = match step {
                Connecting::Connected(connection) => return Ok(connection),
                Connecting::Challenge(open) => open,
                other => return Err(Error::new(ErrorKind::Unsupported, format!("{other:?}"))),
            };
            let answer = self.answer(&open.challenge).await?;
            let (connector, login) = (self.connector, self.login);
            step = match connector.robinhood_answer(login, &open.id, answer).await {
                Ok(step) => step,
                // The same challenge may be answered again.
                Err(error) if may_try_again(&open.challenge, error.kind()) => {
                    say(format_args!("  {error}"))?;
                    Connecting::Challenge(open)
                }
                Err(error) => {
                    self.wait_out(error).await?;
                    Connecting::Challenge(open)
                }
            };
        }
    }

    async fn begin(&self) -> Result<Connecting<Robinhood>> {
        loop {
            match self.connector.robinhood_begin(self.login).await {
                Err(error) => self.wait_out(error).await?,
                step => return step,
            }
        }
    }

    /// Waits as long as the broker says, if it limits logins and that is not too long.
    async fn wait_out(&self, error: Error) -> Result<()> {
        match error.retry_after() {
            Some(wait) if error.kind() == ErrorKind::LoginRateLimited && wait <= self.patience => {
                say(format_args!("  {error}"))?;
                count_down("trying again", wait).await
            }
            _ => Err(error),
        }
    }

    async fn answer(&mut self, challenge: &Challenge) -> Result<ChallengeAnswer> {
        match challenge {
            Challenge::Approve { .. } if std::mem::take(&mut self.text) => {
                Ok(ChallengeAnswer::Resend)
            }
            Challenge::Approve { poll_after, until } => {
                if !std::mem::replace(&mut self.asked_to_approve, true) {
                    let until = until.map_or(String::new(), |until| {
                        let (hour, minute) = (until.hour(), until.minute());
                        format!("; it waits until {hour:02}:{minute:02} UTC")
                    });
                    say(format_args!(
                        "approve the login in the Robinhood app{until}"
                    ))?;
                }
                let wait = *poll_after - SystemClock::new().now();
                let wait = Duration::try_from(wait).unwrap_or_default();
                count_down("looking", wait).await?;
                Ok(ChallengeAnswer::Poll)
            }
            Challenge::Code { channel, sent_to } => {
                let way = match channel {
                    CodeChannel::Mail => "by mail",
                    CodeChannel::Sms => "by SMS",
                    _ => "by phone",
                };
                let to = sent_to.as_ref();
                let to = to.map_or(String::new(), |to| format!(" to {to}"));
                say(format_args!("Robinhood has sent a code {way}{to}"))?;
                if self.sim.is_some() {
                    say(format_args!("  (the simulator sends {SIMULATED_CODE})"))?;
                }
                match ask_code("code, or r to have it sent again:").await? {
                    again if again.eq_ignore_ascii_case("r") => Ok(ChallengeAnswer::Resend),
                    code => Ok(ChallengeAnswer::code(code)),
                }
            }
            Challenge::Totp => {
                say("Robinhood wants a code of your authenticator app")?;
                let sim = self.sim.map(Sim::robinhood);
                if let Some(code) = sim.and_then(|sim| sim.totp(&self.login.username)) {
                    let code = code.expose_secret();
                    say(format_args!("  (the simulated app shows {code})"))?;
                }
                Ok(ChallengeAnswer::code(ask_code("code:").await?))
            }
            Challenge::Human { reason, place } => {
                say(format_args!("{reason}\n  go to {place}"))?;
                ask("press Enter when it is done:").await?;
                if let Some(sim) = self.sim {
                    // The simulated user has done so.
                    let sim = sim.robinhood();
                    sim.change_settings(|settings| settings.login = LoginFlow::Granted);
                }
                Ok(ChallengeAnswer::Done)
            }
            other => Err(Error::new(
                ErrorKind::Unsupported,
                format!("Robinhood asks for something that this program does not know: {other:?}"),
            )),
        }
    }
}

/// Asks until there is something: an empty code would only spend an attempt.
async fn ask_code(prompt: &str) -> Result<String> {
    loop {
        let code = ask(prompt).await?;
        if !code.is_empty() {
            return Ok(code);
        }
    }
}

fn may_try_again(challenge: &Challenge, kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::MfaRequired | ErrorKind::Unsupported => true,
        // What was typed is no code.
        ErrorKind::InvalidInput => matches!(challenge, Challenge::Code { .. } | Challenge::Totp),
        _ => false,
    }
}

/// What the simulator's user gets by SMS and mail.
const SIMULATED_CODE: &str = "758447";
