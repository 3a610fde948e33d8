use wheelhouse_testkit::store::Encrypted;

use crate::harness::SqliteHarness;

wheelhouse_testkit::session_store_conformance!(plain, SqliteHarness::default());
wheelhouse_testkit::session_store_conformance!(encrypted, Encrypted::new(SqliteHarness::default()));
