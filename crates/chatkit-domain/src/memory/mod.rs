//! A store in memory, which implements every port with plain maps.
//!
//! It states the rules of the ports without SQL, and passes their conformance suite. Everything is
//! lost when the last clone is dropped, and every write copies the whole state. Use it in tests.

mod content;
mod conversation;
mod end;
mod entry;
mod journal;
mod log;
mod maintenance;
mod message;
mod recovery;
mod run;
mod start;
mod state;
mod task;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Repositories, RepositoryError, TaskRepository};

use self::state::State;

/// A store in memory that implements every port. Clones share their data.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The ports of the agent and the API.
    #[must_use]
    pub fn repositories(&self) -> Repositories {
        let store = Arc::new(self.clone());
        Repositories {
            conversations: store.clone(),
            messages: store.clone(),
            runs: store.clone(),
            journal: store.clone(),
            maintenance: store,
        }
    }

    /// The port of the task tools.
    #[must_use]
    pub fn tasks(&self) -> Arc<dyn TaskRepository> {
        Arc::new(self.clone())
    }

    /// The state, for a step that only reads.
    fn read(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out a step that writes. A step that fails leaves the state as it was.
    fn write<T>(
        &self,
        step: impl FnOnce(&mut State) -> Result<T, RepositoryError>,
    ) -> Result<T, RepositoryError> {
        let mut state = self.read();
        let mut draft = state.clone();
        let result = step(&mut draft)?;
        *state = draft;
        Ok(result)
    }
}
