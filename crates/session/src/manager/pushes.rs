use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use wheelhouse_core::{BrokerId, Error, ErrorKind, Result, RetryAdvice};

use super::SessionManager;
use crate::{
    Challenge, LoginStep, Record, RecordHead, RecordKey, RecordKind, RecordQuery, StoreError,
    Write, user_key,
};

/// Requests for approval that could not be stored, and when each stops counting.
#[derive(Default)]
pub(super) struct Pushes(Mutex<Vec<(BrokerId, String, OffsetDateTime)>>);

impl Pushes {
    fn unstored(&self) -> MutexGuard<'_, Vec<(BrokerId, String, OffsetDateTime)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget(&self, broker: Option<&BrokerId>, user: &str) {
        let user = user_key(user);
        self.unstored()
            .retain(|(at, whose, _)| *whose != user || broker.is_some_and(|broker| broker != at));
    }
}

impl SessionManager {
    /// Refuses what may ask a user to approve who was asked too often in the last hour: people who are
    /// asked again and again approve in the end.
    pub(super) async fn check_pushes(&self, broker: &BrokerId, user: &str) -> Result<()> {
        let now = self.0.clock.now();
        let stored = self.push_records(broker, user).await?;
        let mut ends: Vec<_> = stored.iter().filter_map(|head| head.expires_at).collect();
        let key = user_key(user);
        let mut unstored = self.0.pushes.unstored();
        unstored.retain(|(_, _, end)| *end > now);
        let own = unstored
            .iter()
            .filter(|(at, whose, _)| at == broker && *whose == key);
        ends.extend(own.map(|(_, _, end)| *end));
        drop(unstored);
        ends.sort_unstable();
        let Some(end) = ends.len().checked_sub(MOST).and_then(|n| ends.get(n)) else {
            return Ok(());
        };
        let wait = Duration::try_from(*end - now).map_or(WINDOW, |wait| wait.min(WINDOW));
        let message = format!(
            "the user was asked to approve {} logins in the last hour; the next may be tried in {} s",
            ends.len(),
            wait.as_secs() + 1
        );
        Err(Error::new(ErrorKind::LockedOut, message)
            .at_broker(broker.clone())
            .with_advice(RetryAdvice::After(wait)))
    }

    /// Counts a step that asks the user to approve.
    pub(super) async fn count_push(&self, broker: &BrokerId, user: &str, step: &Result<LoginStep>) {
        let is_push = |step: &LoginStep| match step {
            LoginStep::Challenge(pending) => is_approval(pending.challenge()),
            LoginStep::Granted(_) => false,
        };
        if !step.as_ref().is_ok_and(is_push) {
            return;
        }
        let end = self.0.after(WINDOW);
        if let Err(error) = self.store_push(broker, user, end).await {
            let push = (broker.clone(), user_key(user).into_owned(), end);
            self.0.pushes.unstored().push(push);
            self.0.storage_failed(broker, None, error);
        }
    }

    /// Forgets how often a user was asked.
    pub(super) async fn forget_pushes(&self, broker: &BrokerId, user: &str) -> Result<()> {
        self.0.pushes.forget(Some(broker), user);
        for head in self.push_records(broker, user).await? {
            self.0.store.delete(&head.key).await?;
        }
        Ok(())
    }

    async fn store_push(&self, broker: &BrokerId, user: &str, end: OffsetDateTime) -> Result<()> {
        let now = self.0.clock.now();
        let key = RecordKey::new(RecordKind::PUSH, self.0.random_id()?);
        let head = RecordHead::new(key, broker.clone(), user, now).with_expiry(end);
        let write = Write::Insert { limit: None, now };
        let record = Record::new(head, Vec::new());
        Ok(self.0.store.save(&record, write).await?)
    }

    async fn push_records(
        &self,
        broker: &BrokerId,
        user: &str,
    ) -> Result<Vec<RecordHead>, StoreError> {
        let query = RecordQuery::new()
            .with_kind(RecordKind::PUSH)
            .with_broker(broker.clone())
            .with_user(user)
            .alive_at(self.0.clock.now());
        self.0.store.list(&query).await
    }
}

pub(super) fn is_approval(challenge: &Challenge) -> bool {
    matches!(challenge, Challenge::Approve { .. })
}

/// OWASP ASVS 6.6.4 wants a limit; three are enough for who overlooks one.
const MOST: usize = 3;
const WINDOW: Duration = Duration::from_secs(60 * 60);
