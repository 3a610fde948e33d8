//! What every [`SessionStore`](wheelhouse_session::SessionStore) has to do, as checks that run on any.
//!
//! ```
//! use std::sync::Arc;
//! use wheelhouse_session::{MemoryStore, SessionStore};
//! use wheelhouse_testkit::{TestFailure, store::{Encrypted, StoreHarness}};
//!
//! #[derive(Default)]
//! struct Memory(MemoryStore);
//!
//! #[async_trait::async_trait]
//! impl StoreHarness for Memory {
//!     async fn open(&self) -> Result<Arc<dyn SessionStore>, TestFailure> {
//!         Ok(Arc::new(self.0.clone()))
//!     }
//! }
//!
//! wheelhouse_testkit::session_store_conformance!(plain, Memory::default());
//! wheelhouse_testkit::session_store_conformance!(encrypted, Encrypted::new(Memory::default()));
//! ```

mod harness;
mod leases;
mod lists;
mod records;
mod sealed;
mod writers;

pub use harness::{Encrypted, StoreHarness};
pub use leases::*;
pub use lists::*;
pub use records::*;
pub use sealed::*;
pub use writers::*;

/// Makes a module with one test for each check of the [store suite](crate::store).
///
/// The first argument names the module; the second is an expression that makes a
/// [`StoreHarness`](crate::store::StoreHarness) over an empty store, each time that it is evaluated.
/// The crate that uses it needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! session_store_conformance {
    ($name:ident, $harness:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::__session_store_checks! {
                $harness;
                a_record_is_loaded_as_it_was_saved
                a_missing_record_is_none
                deleting_twice_finds_nothing_the_second_time
                expired_record_is_not_loaded
                hostile_text_is_kept_and_has_no_effect
                unknown_kinds_and_bodies_are_kept
                what_was_saved_is_there_for_the_next_process

                lists_keep_to_what_they_ask
                pruning_takes_what_has_expired_and_nothing_else

                a_hundred_at_once_leave_as_many_as_the_limit
                a_refused_write_changes_nothing
                a_sixth_session_is_refused
                an_expired_record_makes_room
                an_overwrite_needs_the_version_that_stands_there
                increments_of_many_writers_add_up
                of_two_writers_one_is_refused

                a_lease_is_handed_over_when_its_time_is_over
                a_lease_is_handed_over_when_it_is_released
                a_lease_keeps_others_out

                enc_3_records_do_not_open_elsewhere
                enc_8_no_secret_is_readable_in_an_encrypted_store
                records_of_a_newer_format_are_refused_and_kept
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __session_store_checks {
    ($harness:expr; $($check:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $check() -> $crate::TestResult {
            $crate::store::$check(&$harness).await
        }
    )*};
}
