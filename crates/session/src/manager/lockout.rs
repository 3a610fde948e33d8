use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use wheelhouse_core::{BrokerId, Error, ErrorKind, Result, RetryAdvice};

use super::SessionManager;
use crate::{
    LoginStep, Record, RecordHead, RecordKey, RecordKind, RecordQuery, SessionEventKind,
    StoreError, Write, body::StoredLockout, user_key,
};

/// What this process remembers of failed logins. Those of users are stored as well.
#[derive(Default)]
pub(super) struct Lockouts {
    users: Mutex<HashMap<(BrokerId, String), Failures>>,
    callers: Mutex<HashMap<String, VecDeque<Duration>>>,
}

#[derive(Clone, Copy, Default)]
struct Failures {
    count: u32,
    until: Option<OffsetDateTime>,
}

impl Lockouts {
    fn users(&self) -> MutexGuard<'_, HashMap<(BrokerId, String), Failures>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn callers(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Duration>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget(&self, broker: Option<&BrokerId>, user: &str) {
        let user = user_key(user);
        self.users()
            .retain(|(at, whose), _| *whose != user || broker.is_some_and(|broker| broker != at));
    }
}

impl SessionManager {
    /// Lets a user log in again whose logins were locked, once a person has looked into it: after
    /// too many failures, or too many requests for approval.
    ///
    /// # Errors
    ///
    /// Of the store.
    pub async fn unlock(&self, broker: &BrokerId, user: &str) -> Result<()> {
        self.forget_failures(broker, user).await?;
        self.forget_pushes(broker, user).await
    }

    async fn forget_failures(&self, broker: &BrokerId, user: &str) -> Result<()> {
        self.0.lockouts.forget(Some(broker), user);
        for head in self.lockout_records(broker, user).await? {
            self.0.store.delete(&head.key).await?;
        }
        Ok(())
    }

    /// Refuses a login while its user or its caller is locked out.
    pub(super) async fn check_lockout(
        &self,
        broker: &BrokerId,
        user: &str,
        caller: Option<&str>,
    ) -> Result<()> {
        let locked = |message: String, advice| {
            Err(Error::new(ErrorKind::LockedOut, message)
                .at_broker(broker.clone())
                .with_advice(advice))
        };
        if let Some(wait) = caller.and_then(|caller| self.caller_wait(caller)) {
            let message = format!(
                "too many logins failed from here; the next may be tried in {} s",
                wait.as_secs() + 1
            );
            return locked(message, RetryAdvice::After(wait));
        }
        let failures = self.failures(broker, user).await?;
        if failures.count >= STOP_AT {
            let message = format!(
                "{} logins of this user failed; no other is tried until somebody unlocks it",
                failures.count
            );
            return locked(message, RetryAdvice::Never);
        }
        let now = self.0.clock.now();
        // A clock that was set back cannot lengthen the lock beyond what it was set to.
        let wait = failures
            .until
            .map(|until| (until - now).min(LONGEST.try_into().unwrap_or(time::Duration::MAX)));
        if let Some(wait) = wait.filter(|wait| wait.is_positive()) {
            let message = format!(
                "{} logins of this user failed; the next may be tried in {} s",
                failures.count,
                wait.whole_seconds() + 1
            );
            let wait = wait.try_into().unwrap_or(LONGEST);
            return locked(message, RetryAdvice::After(wait));
        }
        Ok(())
    }

    /// Counts a login that the broker has refused for its credentials, and nothing else. Anything
    /// that shows them to be right clears the count.
    pub(super) async fn count(
        &self,
        broker: &BrokerId,
        user: &str,
        caller: Option<&str>,
        step: &Result<LoginStep>,
    ) {
        match step {
            Err(error) if error.kind() == ErrorKind::InvalidCredentials => {
                if let Some(caller) = caller {
                    self.count_caller(caller);
                }
                self.count_user(broker, user).await;
            }
            Ok(LoginStep::Granted(_)) => {
                if let Err(error) = self.forget_failures(broker, user).await {
                    self.0.storage_failed(broker, None, error);
                }
            }
            _ => {}
        }
    }

    async fn count_user(&self, broker: &BrokerId, user: &str) {
        let key = (broker.clone(), user_key(user).into_owned());
        let before = match self.failures(broker, user).await {
            Ok(failures) => failures,
            // Not readable now: what this process remembers still counts.
            Err(_) => self
                .0
                .lockouts
                .users()
                .get(&key)
                .copied()
                .unwrap_or_default(),
        };
        let count = before.count.saturating_add(1);
        let until = lock_after(count).map(|wait| self.0.after(wait));
        // Memory stands in for the store only where that fails; other processes share the store.
        match self.store_failures(broker, user, count, until).await {
            Ok(()) => {
                self.0.lockouts.users().remove(&key);
            }
            Err(error) => {
                let failures = Failures { count, until };
                self.0.lockouts.users().insert(key, failures);
                self.0.storage_failed(broker, None, error);
            }
        }
        if until.is_some() || count >= STOP_AT {
            let until = until.filter(|_| count < STOP_AT);
            tracing::warn!(%broker, count, "logins of a user are locked");
            self.0
                .emit(broker, None, SessionEventKind::LockedOut { until });
        }
    }

    /// Returns the failures of a user: what is stored or what is remembered, whichever is more.
    async fn failures(&self, broker: &BrokerId, user: &str) -> Result<Failures> {
        let key = (broker.clone(), user_key(user).into_owned());
        let mut worst = self
            .0
            .lockouts
            .users()
            .get(&key)
            .copied()
            .unwrap_or_default();
        let now = self.0.clock.now();
        for head in self.lockout_records(broker, user).await? {
            let Some(record) = self.0.store.load(&head.key, now).await? else {
                continue;
            };
            let stored = StoredLockout::decode(&record.body)?;
            if stored.failures > worst.count {
                worst = Failures {
                    count: stored.failures,
                    until: stored.until,
                };
            }
        }
        Ok(worst)
    }

    async fn store_failures(
        &self,
        broker: &BrokerId,
        user: &str,
        count: u32,
        until: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        // A count that ends in a stop is kept until somebody unlocks it.
        let expires_at = (count < STOP_AT).then(|| self.0.after(KEEP));
        let body = StoredLockout::new(count, until).encode()?;
        let stored = self.lockout_records(broker, user).await?.into_iter().next();
        let (head, write) = match stored {
            Some(head) => {
                let version = head.version;
                let mut head = head.with_version(version + 1);
                user.clone_into(&mut head.user);
                (head, Write::Replace { version })
            }
            None => {
                let id = self
                    .0
                    .random_id()
                    .map_err(|e| StoreError::Write(e.into()))?;
                let key = RecordKey::new(RecordKind::LOCKOUT, id);
                let head = RecordHead::new(key, broker.clone(), user, now);
                let limit = Some(1);
                (head, Write::Insert { limit, now })
            }
        };
        let record = Record::new(head.with_expiry(expires_at), body);
        self.0.store.save(&record, write).await
    }

    async fn lockout_records(
        &self,
        broker: &BrokerId,
        user: &str,
    ) -> Result<Vec<RecordHead>, StoreError> {
        let query = RecordQuery::new()
            .with_kind(RecordKind::LOCKOUT)
            .with_broker(broker.clone())
            .with_user(user)
            .alive_at(self.0.clock.now());
        self.0.store.list(&query).await
    }

    fn count_caller(&self, caller: &str) {
        let now = self.0.clock.monotonic();
        let mut callers = self.0.lockouts.callers();
        callers.retain(|_, failures| {
            failures
                .back()
                .is_some_and(|at| now.saturating_sub(*at) < CALLER_WINDOW)
        });
        let failures = callers.entry(caller.to_owned()).or_default();
        failures.push_back(now);
        if failures.len() > CALLER_FAILURES {
            failures.pop_front();
        }
    }

    /// Returns how long a caller has to wait, if it has to.
    fn caller_wait(&self, caller: &str) -> Option<Duration> {
        let now = self.0.clock.monotonic();
        let callers = self.0.lockouts.callers();
        let failures = callers.get(caller)?;
        if failures.len() < CALLER_FAILURES {
            return None;
        }
        let oldest = failures.front()?;
        (*oldest + CALLER_WINDOW)
            .checked_sub(now)
            .filter(|wait| !wait.is_zero())
    }
}

/// Returns how long the user is locked after `count` failures in a row.
fn lock_after(count: u32) -> Option<Duration> {
    let doublings = count.checked_sub(LOCK_AT)?;
    let seconds = FIRST.as_secs().checked_shl(doublings.min(32))?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

const LOCK_AT: u32 = 3;
const STOP_AT: u32 = 10;
const FIRST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(60 * 60);
const KEEP: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const CALLER_FAILURES: usize = 20;
const CALLER_WINDOW: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_doubles_from_30_seconds_to_an_hour() {
        let seconds: Vec<_> = (0..=11)
            .map(|count| lock_after(count).map_or(0, |wait| wait.as_secs()))
            .collect();
        assert_eq!(
            seconds,
            [0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
        );
    }
}
