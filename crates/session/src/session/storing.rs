use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;
use wheelhouse_core::{Error, ErrorKind, Result};

use super::{Inner, destroyed, timing::Timing};
use crate::{Grant, Record, RecordHead, SessionEventKind, StoreError, Write, body::StoredSession};

/// What a look into the store has changed.
pub(super) enum Reloaded {
    /// Newer tokens were there and are used now.
    Adopted,
    /// Nothing newer was there.
    Same,
}

/// What has become of a write.
pub(super) enum Saved {
    /// The record is gone: the session was ended elsewhere.
    Gone,
    /// The store failed; the tokens are only in memory.
    No { error: Error },
    /// Newer tokens were there and are used now.
    Overtaken,
    /// It is written.
    Yes { version: u64 },
}

impl Inner {
    /// Takes over what another process has written. Ends the session if its record is gone or is an
    /// older one.
    pub(super) async fn reload(&self) -> Result<Reloaded> {
        let now = self.now();
        let known = self.state().version;
        let loaded = match self.shared.store.load(&self.key(), now.wall).await {
            Ok(Some(record)) => StoredSession::decode(&record.body).map(|s| Some((record.head, s))),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let (head, stored) = match loaded {
            Ok(Some(loaded)) => loaded,
            Ok(None) => {
                let error = destroyed().at_broker(self.broker.clone());
                self.end(error.clone(), SessionEventKind::Revoked);
                return Err(error);
            }
            Err(error) => {
                let error = Error::from(error).at_broker(self.broker.clone());
                // What this process wrote opened yesterday: somebody else has been at it.
                if error.kind() == ErrorKind::CorruptRecord {
                    let reason = error.clone();
                    self.end(error.clone(), SessionEventKind::Invalidated { reason });
                }
                return Err(error);
            }
        };
        let random = &*self.shared.random;
        let timing = Timing::new(&self.policy, &stored.grant, stored.obtained_at, now, random)?;

        let mut state = self.state();
        if head.version < known {
            let reason = self.error(
                ErrorKind::RolledBack,
                "an older record stands where this session's was; log in again",
            );
            let kind = SessionEventKind::Invalidated {
                reason: reason.clone(),
            };
            self.end_in(&mut state, reason.clone(), kind);
            return Err(reason);
        }
        if head.version < state.version {
            // A refresh has written here since the record was read.
            return Ok(Reloaded::Same);
        }
        state.version = head.version;
        if stored.generation <= state.generation {
            return Ok(Reloaded::Same);
        }
        let generation = stored.generation;
        state.put(stored.grant, generation, timing);
        state.storage_error = None;
        drop(state);
        self.emit(SessionEventKind::Adopted { generation });
        Ok(Reloaded::Adopted)
    }

    /// Writes tokens over the version that is known.
    pub(super) async fn save(
        &self,
        grant: &Grant,
        generation: u64,
        obtained_at: OffsetDateTime,
    ) -> Saved {
        // The second try is for a version that has grown without newer tokens, as when a key was
        // rotated.
        for _ in 0..2 {
            let version = self.state().version;
            match self.write(grant, generation, obtained_at, version).await {
                Ok(version) => return Saved::Yes { version },
                Err(StoreError::Conflict) => match self.reload().await {
                    Ok(Reloaded::Same) => {}
                    Ok(Reloaded::Adopted) => return Saved::Overtaken,
                    Err(_) if self.state().ended.is_some() => return Saved::Gone,
                    Err(error) => return self.not_saved(error),
                },
                Err(error) => return self.not_saved(error.into()),
            }
        }
        self.not_saved(StoreError::Conflict.into())
    }

    fn not_saved(&self, error: Error) -> Saved {
        let error = self
            .shared
            .storage_failed(&self.broker, Some(&self.id), error);
        Saved::No { error }
    }

    async fn write(
        &self,
        grant: &Grant,
        generation: u64,
        obtained_at: OffsetDateTime,
        version: u64,
    ) -> Result<u64, StoreError> {
        let stored = StoredSession {
            realm: self.realm.clone(),
            identity: self.identity.clone(),
            generation,
            obtained_at,
            grant: grant.clone(),
        };
        let user = self.identity.user();
        let head = RecordHead::new(self.key(), self.broker.clone(), user, self.created_at)
            .with_version(version + 1)
            .with_expiry(self.stored_expiry);
        let record = Record::new(head, stored.encode()?);
        let write = Write::Replace { version };
        self.shared.store.save(&record, write).await?;
        Ok(version + 1)
    }

    /// Tries to store the present tokens until that succeeds, somebody else has stored newer ones, or
    /// the session has ended.
    pub(super) fn keep_storing(self: &Arc<Self>) {
        if std::mem::replace(&mut self.state().storing, true) {
            return;
        }
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                inner.shared.clock.sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                if inner.store_once().await {
                    // Looked at once more: a refresh may have failed to store meanwhile, and left its
                    // tokens to this task.
                    let mut state = inner.state();
                    if state.storage_error.is_none() || state.ended.is_some() {
                        state.storing = false;
                        return;
                    }
                }
            }
        });
    }

    /// Tells whether there is nothing left to store.
    async fn store_once(&self) -> bool {
        let (grant, generation) = {
            let state = self.state();
            if state.ended.is_some() || state.storage_error.is_none() {
                return true;
            }
            (Arc::clone(&state.grant), state.generation)
        };
        let saved = self.save(&grant, generation, self.shared.clock.now()).await;
        let mut state = self.state();
        match saved {
            Saved::Yes { version } => {
                state.version = state.version.max(version);
                // A refresh that ran meanwhile has tokens of its own to store.
                if state.generation != generation {
                    return state.storage_error.is_none();
                }
                state.storage_error = None;
                drop(state);
                self.emit(SessionEventKind::StorageRecovered);
                true
            }
            Saved::No { error } => {
                state.storage_error = Some(error);
                false
            }
            Saved::Gone | Saved::Overtaken => true,
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
