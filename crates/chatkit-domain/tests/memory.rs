//! The conformance suite of the ports on the store in memory.

use chatkit_domain::{conformance::Store, memory::MemoryStore};

/// An empty store, for each fact its own.
async fn store() -> ((), Store) {
    let store = MemoryStore::new();
    ((), Store::new(store.repositories(), store.tasks()))
}

chatkit_domain::conformance_tests!(store);
