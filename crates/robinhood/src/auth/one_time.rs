//! Codes that are made from the secret of the user's authenticator app.

use std::{
    collections::HashMap,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use wheelhouse_core::{ErrorKind, Result, SecretString};
use wheelhouse_session::{Credentials, LoginStep};

use super::{RobinhoodAuth, state::State, totp};
use crate::api::digest_of;

/// By user: the step of time of the last code that was sent, and the clocks' difference in seconds.
pub(super) type SentCodes = HashMap<String, (i64, i64)>;

impl RobinhoodAuth {
    /// Asks for tokens with codes of the secret; `None` if there is no secret, or none that the broker
    /// takes: then it is gone on without.
    pub(super) async fn by_secret(
        &self,
        credentials: &Credentials,
        state: &mut State,
        challenge: Option<&str>,
    ) -> Result<Option<LoginStep>> {
        while let Some(code) = self.one_time_code(credentials, state).await? {
            let step =
                Box::pin(self.request_token(credentials, state, Some(&code), challenge)).await;
            match step {
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::MfaRequired | ErrorKind::InvalidRequest
                    ) =>
                {
                    self.note_refused_code(state);
                }
                step => return step.map(Some),
            }
        }
        Ok(None)
    }

    /// Makes a one-time code that was not sent before, waiting for the next one if need be.
    pub(super) async fn one_time_code(
        &self,
        credentials: &Credentials,
        state: &mut State,
    ) -> Result<Option<SecretString>> {
        let Some(secret) = credentials.totp_secret().filter(|_| !state.totp_refused) else {
            return Ok(None);
        };
        let mut now = self.brokers_time(state);
        if let Some(used) = state.totp_step
            && totp::step_at(now) <= used
        {
            let next = (used + 1) * totp::STEP - now.unix_timestamp();
            let wait = u64::try_from(next)
                .unwrap_or(0)
                .min(2 * totp::STEP.unsigned_abs());
            self.clock().sleep(Duration::from_secs(wait)).await;
            now = self.brokers_time(state);
        }
        let step = totp::step_at(now);
        state.totp_step = Some(step);
        self.codes()
            .insert(digest_of(credentials.user()), (step, state.skew));
        totp::code(secret, step).map(Some)
    }

    /// Begins a login where the user's last one has left off: no code is sent twice.
    pub(super) fn recall_code(&self, user: &str, state: &mut State) {
        if let Some((step, skew)) = self.codes().get(&digest_of(user)) {
            state.totp_step = Some(*step);
            state.skew = *skew;
        }
    }

    fn codes(&self) -> MutexGuard<'_, SentCodes> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A clock that is off explains a refusal, and the next code is made by the broker's. Otherwise the
    /// secret is not the right one, and its codes are not tried again.
    fn note_refused_code(&self, state: &mut State) {
        let step = totp::step_at(self.brokers_time(state));
        match state.totp_step.take() {
            Some(used) if (step - used).abs() > 1 => {}
            used => {
                state.totp_step = used;
                state.totp_refused = true;
            }
        }
    }

    fn brokers_time(&self, state: &State) -> time::OffsetDateTime {
        let skew = time::Duration::seconds(state.skew);
        self.clock().now().saturating_add(skew)
    }
}
