use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
    time::Duration,
};

use spinning_top::{
    RawSpinlock,
    lock_api::{Mutex, MutexGuard},
    relax::Relax,
};

use crate::{
    LimitClass, LimitScope, Quota,
    local::{
        bucket::{Bucket, Shares, nanos},
        turnstile::Turnstile,
    },
};

const SHARDS: usize = 64;

/// A configured quota outlives the last call of its scope by this; adapters read the broker's
/// limits at least daily.
const CONFIGURATION_LIFE: Duration = Duration::from_secs(26 * 60 * 60);

/// Every scope that has been seen lately.
#[derive(Debug)]
pub(super) struct Scopes {
    shards: Vec<Lock<Shard>>,
    max_per_shard: usize,
}

#[derive(Debug)]
struct Shard {
    scopes: HashMap<LimitScope, Scope, BuildHasherDefault<Precomputed>>,
    sweep_at: usize,
}

/// One user, account or address, and its buckets.
#[derive(Debug, Default)]
pub(super) struct Scope {
    paused_until: u64,
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
            Lock::new(Shard {
                scopes: HashMap::default(),
                sweep_at: 64,
            })
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            max_per_shard: max.div_ceil(SHARDS).max(1),
        }
    }

    /// Finds the scope, or makes room for it and adds it.
    pub(super) fn update<T>(
        &self,
        scope: &LimitScope,
        now: u64,
        change: impl FnOnce(&mut Scope) -> T,
    ) -> T {
        let mut shard = self.lock(scope);
        if let Some(found) = shard.scopes.get_mut(scope) {
            found.touched = now;
            return change(found);
        }
        shard.make_room(now, self.max_per_shard);
        let added = shard.scopes.entry(scope.clone()).or_default();
        added.touched = now;
        change(added)
    }

    /// Looks at the scope, if it is remembered.
    pub(super) fn look<T>(&self, scope: &LimitScope, look: impl FnOnce(&Scope) -> T) -> Option<T> {
        self.lock(scope).scopes.get(scope).map(look)
    }

    pub(super) fn sweep(&self, now: u64) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.sweep(now);
            shard.scopes.shrink_to_fit();
        }
    }

    pub(super) fn len(&self) -> usize {
        let len = |shard: &Lock<Shard>| {
            let shard = shard.lock();
            shard.scopes.len()
        };
        self.shards.iter().map(len).sum()
    }

    fn lock(&self, scope: &LimitScope) -> MutexGuard<'_, RawSpinlock<Patience>, Shard> {
        // The map uses the other bits.
        let shard = &self.shards[(scope.precomputed_hash() >> 40) as usize % SHARDS];
        shard.lock()
    }
}

impl Shard {
    fn make_room(&mut self, now: u64, max: usize) {
        if self.scopes.len() >= self.sweep_at {
            self.sweep(now);
            self.sweep_at = (self.scopes.len() * 2).max(64);
        }
        if self.scopes.len() >= max {
            self.drop_oldest();
        }
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
        (self.paused_until > now).then(|| Duration::from_nanos(self.paused_until - now))
    }

    pub(super) fn pause(&mut self, until: u64) {
        self.paused_until = self.paused_until.max(until);
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
    #[inline]
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

/// A lock that is held for some twenty nanoseconds and given back with a plain store. A mutex of the
/// standard library takes as long as all the rest of a check.
type Lock<T> = Mutex<RawSpinlock<Patience>, T>;

/// Spins for a moment, then lets others run: the holder may have lost its processor.
#[derive(Debug, Default)]
struct Patience(u8);

impl Relax for Patience {
    fn relax(&mut self) {
        if self.0 < 64 {
            self.0 += 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
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
