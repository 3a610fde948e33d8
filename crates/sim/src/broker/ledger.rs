//! Bounded lists of what really happened.

use crate::log::RequestRecord;

/// A ledger that takes note of requests.
pub(crate) trait Observes: Clone + Send + Sync + 'static {
    /// Remembers at most so many entries in each list.
    fn of(capacity: usize) -> Self;
    /// Takes note of a request.
    fn observe(&self, record: RequestRecord);
}

/// Writes a broker's `Ledger`: its lists, and a list of requests to `Route`s of the broker.
macro_rules! ledger {
    ($($(#[$doc:meta])* $list:ident / $push:ident: $entry:ty,)+) => {
        /// The broker's own memory. Clones share it; each list is bounded and forgets its oldest
        /// entries.
        #[derive(Debug, Clone)]
        pub struct Ledger {
            lists: std::sync::Arc<std::sync::Mutex<Lists>>,
        }

        #[derive(Debug)]
        struct Lists {
            serial: u64,
            requests: $crate::log::Log<$crate::RequestRecord>,
            $($list: $crate::log::Log<$entry>,)+
        }

        impl Ledger {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $list(&self) -> Vec<$entry> {
                    self.lock().$list.to_vec()
                }

                pub(super) fn $push(&self, entry: $entry) {
                    self.lock().$list.push(entry);
                }
            )+

            /// Every request seen, oldest first.
            #[must_use]
            pub fn requests(&self) -> Vec<$crate::RequestRecord> {
                self.lock().requests.to_vec()
            }

            /// How many requests a route has seen.
            #[must_use]
            pub fn count(&self, route: Route) -> usize {
                let of = |request: &&$crate::RequestRecord| request.route == route.name();
                self.lock().requests.iter().filter(of).count()
            }

            /// Forgets everything, and gives the memory back.
            pub fn clear(&self) {
                let mut lists = self.lock();
                lists.requests.clear();
                $(lists.$list.clear();)+
            }

            /// How many entries fell out of the bound since the last [`clear`](Self::clear).
            #[must_use]
            pub fn forgotten(&self) -> u64 {
                let lists = self.lock();
                lists.requests.forgotten() $(+ lists.$list.forgotten())+
            }

            fn lock(&self) -> std::sync::MutexGuard<'_, Lists> {
                self.lists
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
            }
        }

        impl $crate::broker::Observes for Ledger {
            fn of(capacity: usize) -> Self {
                let lists = Lists {
                    serial: 0,
                    requests: $crate::log::Log::new(capacity),
                    $($list: $crate::log::Log::new(capacity),)+
                };
                Self {
                    lists: std::sync::Arc::new(std::sync::Mutex::new(lists)),
                }
            }

            fn observe(&self, mut record: $crate::RequestRecord) {
                let mut lists = self.lock();
                lists.serial += 1;
                record.serial = lists.serial;
                lists.requests.push(record);
            }
        }
    };
}

pub(crate) use ledger;
