//! Which faults are armed, and which request meets which of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Kind, Moment};
use crate::random::happens;

/// Which requests a fault is for: all conditions that are set have to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matcher {
    pub(super) route: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
}

impl Matcher {
    /// Every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests to a route by its name in scripts, such as `place_order`.
    #[must_use]
    pub fn route(name: impl Into<String>) -> Self {
        Self {
            route: Some(name.into()),
            ..Self::default()
        }
    }

    /// Requests to a path; a final `*` stands for any rest.
    #[must_use]
    pub fn path(path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    fn matches(&self, route: &str, method: &str, path: &str) -> bool {
        let path_fits = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == wanted,
        };
        self.route.as_ref().is_none_or(|wanted| wanted == route)
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(path_fits)
    }
}

/// A fault to come: for which requests, of which kind, and when.
///
/// Without limits every matching request meets it. If several faults fit a request, the one that
/// was added first is played.
///
/// ```
/// use wheelhouse_sim::{Fault, Kind, tradelocker::Route};
///
/// // The third placement and the one after it lose their answers.
/// let fault = Fault::new(Route::PlaceOrder, Kind::DropAnswer).after(2).times(2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    matcher: Matcher,
    kind: Kind,
    after: u64,
    times: Option<u64>,
    share: u32,
    acts: bool,
}

impl Fault {
    /// Creates a fault that every matching request meets.
    pub fn new(matcher: impl Into<Matcher>, kind: Kind) -> Self {
        let acts = kind.acts();
        Self {
            matcher: matcher.into(),
            kind,
            after: 0,
            times: None,
            share: 1_000_000,
            acts,
        }
    }

    /// Lets this many matching requests pass first. Default 0.
    #[must_use]
    pub fn after(mut self, requests: u64) -> Self {
        self.after = requests;
        self
    }

    /// Plays at most this often. Default: without end.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Plays for a share of the matching requests, chosen by the simulator's seed: in parts of a
    /// million, so 200,000 is a fifth. Default 1,000,000.
    #[must_use]
    pub fn share(mut self, parts_per_million: u32) -> Self {
        self.share = parts_per_million.min(1_000_000);
        self
    }

    /// Says whether the broker acts on the request although the answer is spoilt or replaced.
    ///
    /// The default depends on the [`Kind`]. A page with status 502 after the order was placed is
    /// `Kind::Html(502)` with `acting(true)`. A kind that spoils the broker's answer has only
    /// `{}` to spoil after `acting(false)`.
    #[must_use]
    pub fn acting(mut self, acts: bool) -> Self {
        self.acts = acts;
        self
    }
}

/// Names a fault that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultId(u64);

/// The faults of one simulated broker, to be changed at any time. Clones share them.
#[derive(Debug, Clone)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug)]
struct Plan {
    seed: u64,
    next: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    fault: Fault,
    met: u64,
    played: u64,
}

/// A fault that a request has met.
#[derive(Debug, Clone)]
pub(crate) struct Armed {
    pub(crate) kind: Kind,
    pub(crate) acts: bool,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            plan: Arc::new(Mutex::new(Plan {
                seed,
                next: 0,
                entries: Vec::new(),
            })),
        }
    }

    /// Adds a fault behind those that are there.
    pub fn add(&self, fault: Fault) -> FaultId {
        let mut plan = self.lock();
        plan.next += 1;
        let id = plan.next;
        plan.entries.push(Entry {
            id,
            fault,
            met: 0,
            played: 0,
        });
        FaultId(id)
    }

    /// Takes a fault away; true if it was there.
    pub fn remove(&self, id: FaultId) -> bool {
        let mut plan = self.lock();
        let before = plan.entries.len();
        plan.entries.retain(|entry| entry.id != id.0);
        plan.entries.len() < before
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }

    /// How often a fault was played; 0 once it is removed.
    #[must_use]
    pub fn played(&self, id: FaultId) -> u64 {
        self.lock()
            .entries
            .iter()
            .find(|entry| entry.id == id.0)
            .map_or(0, |entry| entry.played)
    }

    pub(crate) fn pick(&self, route: &str, method: &str, path: &str) -> Option<Armed> {
        self.lock().pick(|fault| {
            fault.kind != Kind::Reset(Moment::OnConnect)
                && fault.matcher.matches(route, method, path)
        })
    }

    pub(crate) fn resets_next_connection(&self) -> bool {
        self.lock()
            .pick(|fault| fault.kind == Kind::Reset(Moment::OnConnect))
            .is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn pick(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Armed> {
        let seed = self.seed;
        let entry = self
            .entries
            .iter_mut()
            .filter(|entry| fits(&entry.fault))
            .find_map(|entry| {
                entry.met += 1;
                let due = entry.met > entry.fault.after
                    && entry.fault.times.is_none_or(|times| entry.played < times)
                    && happens(seed.wrapping_add(entry.id), entry.met, entry.fault.share);
                due.then_some(entry)
            })?;
        entry.played += 1;
        Some(Armed {
            kind: entry.fault.kind.clone(),
            acts: entry.fault.acts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(faults: &Faults, requests: usize) -> Vec<Option<&'static str>> {
        let pick = || faults.pick("place_order", "POST", "/trade/accounts/1/orders");
        (0..requests)
            .map(|_| pick().map(|armed| armed.kind.name()))
            .collect()
    }

    #[test]
    fn a_fault_waits_then_plays_its_times() {
        let faults = Faults::new(1);
        let id = faults.add(
            Fault::new(Matcher::any(), Kind::Duplicate)
                .after(1)
                .times(2),
        );
        assert_eq!(
            names(&faults, 4),
            [None, Some("duplicate"), Some("duplicate"), None]
        );
        assert_eq!(faults.played(id), 2);
        assert!(faults.remove(id) && !faults.remove(id));
    }

    #[test]
    fn the_first_fault_that_is_due_is_played() {
        let faults = Faults::new(1);
        faults.add(Fault::new(Matcher::route("quotes"), Kind::DropAnswer));
        faults.add(Fault::new(Matcher::path("/trade/*").method("post"), Kind::Duplicate).times(1));
        faults.add(Fault::new(Matcher::any(), Kind::CloseQuietly));
        assert_eq!(
            names(&faults, 2),
            [Some("duplicate"), Some("close_quietly")]
        );
        faults.clear();
        assert_eq!(names(&faults, 1), [None]);
    }

    #[test]
    fn a_share_follows_from_the_seed() {
        let run = |seed| {
            let faults = Faults::new(seed);
            faults.add(Fault::new(Matcher::any(), Kind::DropAnswer).share(200_000));
            names(&faults, 200)
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
    }

    #[test]
    fn a_reset_on_connect_is_for_connections_only() {
        let faults = Faults::new(1);
        faults.add(Fault::new(Matcher::any(), Kind::Reset(Moment::OnConnect)).times(1));
        assert_eq!(names(&faults, 1), [None]);
        assert!(faults.resets_next_connection() && !faults.resets_next_connection());
    }
}
