use std::sync::Arc;

use async_trait::async_trait;
use wheelhouse_session::{MemoryStore, SessionStore};
use wheelhouse_testkit::{
    TestFailure,
    store::{Encrypted, StoreHarness},
};

#[derive(Default)]
struct Memory(MemoryStore);

#[async_trait]
impl StoreHarness for Memory {
    async fn open(&self) -> Result<Arc<dyn SessionStore>, TestFailure> {
        Ok(Arc::new(self.0.clone()))
    }
}

wheelhouse_testkit::session_store_conformance!(plain, Memory::default());
wheelhouse_testkit::session_store_conformance!(encrypted, Encrypted::new(Memory::default()));
