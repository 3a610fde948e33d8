use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    LimitClass, LimitScope, Quota,
    local::{
        bucket::{Bucket, Shares, nanos},
        turnstile::Turnstile,
    },
};

const SHARDS: usize = 16;

/// A configured quota outlives the last call of its scope by this; adapters read the broker's
/// limits at least daily.
const CONFIGURATION_LIFE: Duration = Duration::from_secs(26 * 60 * 60);

/// Every scope that has been seen lately.
#[derive(Debug)]
pub(super) struct Scopes {
    shards: Vec<RwLock<Shard>>,
    max_per_shard: usize,
}

#[derive(Debug)]
pub(super) struct Shard {
    scopes: HashMap<LimitScope, Scope, BuildHasherDefault<Precomputed>>,
    sweep_at: usize,
}

/// One user, account or address, and its buckets.
#[derive(Debug, Default)]
pub(super) struct Scope {
    paused_until: AtomicU64,
    touched: u64,
    classes: Vec<Class>,
    configured: Vec<(LimitClass, Quota)>,
}

#[derive(Debug)]
pub(super) struct Class {
    pub(super) class: LimitClass,
    pub(super) bucket: Bucket,
    pub(super) turnstile: Arc<Turnstile>,
    pub(super) rejected_at: Option<u64>,
    /// When the next step of slowness is taken back; `u64::MAX` if there is none.
    pub(super) relax_at: u64,
}

impl Scopes {
    pub(super) fn new(max: usize) -> Self {
        let shard = || {
            RwLock::new(Shard {
                scopes: HashMap::default(),
                sweep_at: 64,
            })
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            max_per_shard: max.div_ceil(SHARDS).max(1),
        }
    }

    pub(super) fn read(&self, scope: &LimitScope) -> RwLockReadGuard<'_, Shard> {
        self.shard(scope)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the scope, or makes room for it and adds it.
    pub(super) fn update<T>(
        &self,
        scope: &LimitScope,
        now: u64,
        change: impl FnOnce(&mut Scope) -> T,
    ) -> T {
        let mut shard = self.write(scope);
        if !shard.scopes.contains_key(scope) {
            if shard.scopes.len() >= shard.sweep_at {
                shard.sweep(now);
                shard.sweep_at = (shard.scopes.len() * 2).max(64);
            }
            if shard.scopes.len() >= self.max_per_shard {
                shard.drop_oldest();
            }
        }
        let found = shard.scopes.entry(scope.clone()).or_default();
        found.touched = now;
        change(found)
    }

    pub(super) fn sweep(&self, now: u64) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.sweep(now);
            shard.scopes.shrink_to_fit();
        }
    }

    pub(super) fn len(&self) -> usize {
        let len = |shard: &RwLock<Shard>| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            shard.scopes.len()
        };
        self.shards.iter().map(len).sum()
    }

    fn write(&self, scope: &LimitScope) -> RwLockWriteGuard<'_, Shard> {
        self.shard(scope)
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, scope: &LimitScope) -> &RwLock<Shard> {
        // The map uses the other bits.
        &self.shards[(scope.precomputed_hash() >> 40) as usize % SHARDS]
    }
}

impl Shard {
    pub(super) fn get(&self, scope: &LimitScope) -> Option<&Scope> {
        self.scopes.get(scope)
    }

    fn sweep(&mut self, now: u64) {
        self.scopes.retain(|_, scope| {
            scope.classes.retain(|class| !class.is_idle(now));
            !scope.classes.is_empty() || scope.is_paused(now) || scope.is_configured(now)
        });
    }

    fn drop_oldest(&mut self) {
        let oldest = self
            .scopes
            .iter()
            .filter(|(_, scope)| scope.classes.iter().all(|class| !class.has_waiters()))
            .min_by_key(|(_, scope)| scope.last_used())
            .map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            self.scopes.remove(&key);
        }
    }
}

impl Scope {
    pub(super) fn paused(&self, now: u64) -> Option<Duration> {
        let until = self.paused_until.load(Ordering::Relaxed);
        (until > now).then(|| Duration::from_nanos(until - now))
    }

    pub(super) fn pause(&self, until: u64) {
        self.paused_until.fetch_max(until, Ordering::Relaxed);
    }

    pub(super) fn classes(&self) -> &[Class] {
        &self.classes
    }

    pub(super) fn configured(&self) -> &[(LimitClass, Quota)] {
        &self.configured
    }

    pub(super) fn class(&self, class: LimitClass) -> Option<&Class> {
        self.classes.iter().find(|known| known.class == class)
    }

    /// Finds the class, or adds it with the quota that holds for it here.
    pub(super) fn class_mut(&mut self, class: LimitClass, shares: Shares) -> &mut Class {
        let index = match self.classes.iter().position(|known| known.class == class) {
            Some(index) => index,
            None => {
                self.classes.push(Class {
                    class,
                    bucket: Bucket::new(self.quota(class), shares),
                    turnstile: Arc::new(Turnstile::new()),
                    rejected_at: None,
                    relax_at: u64::MAX,
                });
                self.classes.len() - 1
            }
        };
        &mut self.classes[index]
    }

    pub(super) fn configure(&mut self, class: LimitClass, quota: Quota, shares: Shares) {
        self.configured.retain(|(known, _)| *known != class);
        if quota != class.default_quota() {
            self.configured.push((class, quota));
        }
        if let Some(known) = self.classes.iter_mut().find(|known| known.class == class)
            && known.bucket.quota() != quota
        {
            known.bucket = known.bucket.rebuilt(quota, shares, known.bucket.slowness());
        }
    }

    fn quota(&self, class: LimitClass) -> Quota {
        self.configured
            .iter()
            .find(|(known, _)| *known == class)
            .map_or(class.default_quota(), |(_, quota)| *quota)
    }

    fn is_paused(&self, now: u64) -> bool {
        self.paused(now).is_some()
    }

    fn is_configured(&self, now: u64) -> bool {
        !self.configured.is_empty()
            && now.saturating_sub(self.last_used()) < nanos(CONFIGURATION_LIFE)
    }

    fn last_used(&self) -> u64 {
        let fresh = self.classes.iter().map(|class| class.bucket.fresh_at());
        fresh.max().unwrap_or(0).max(self.touched)
    }
}

impl Class {
    fn is_idle(&self, now: u64) -> bool {
        self.bucket.fresh_at() <= now && self.relax_at == u64::MAX && !self.has_waiters()
    }

    fn has_waiters(&self) -> bool {
        Arc::strong_count(&self.turnstile) > 1
    }
}

/// Takes the hash that a [`LimitScope`] carries with it.
#[derive(Debug, Default)]
struct Precomputed(u64);

impl Hasher for Precomputed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}
