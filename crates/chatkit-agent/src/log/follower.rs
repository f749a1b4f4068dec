//! Followers of runs. Any process may answer the run.

use std::sync::Arc;

use chatkit_domain::{
    Caller, ConversationId, EventPage, EventsEnd, NumberedEvent, RepositoryError, RunId,
    closing_events, rebuilt_events,
};
use tokio::sync::watch;

use super::run_log::{Read, RunLog};
use crate::{core::AgentCore, error::AgentError, retry::retry_while_unavailable};

/// Follows a run from a given event to its end. A slow follower delays neither the run nor other
/// followers.
#[derive(Debug)]
pub struct Follower {
    core: Arc<AgentCore>,
    caller: Caller,
    conversation: ConversationId,
    run: RunId,
    /// The number of the last event that was returned.
    after: u64,
    source: Source,
}

/// The source of the next events.
#[derive(Debug)]
enum Source {
    /// The stored events, and a page of them that may have been read already.
    Stored(Option<Box<EventPage>>),
    /// The log of the run in this process.
    Live(Live),
    /// There are no more events, because the run's end was returned.
    Ended,
}

#[derive(Debug)]
struct Live {
    log: Arc<RunLog>,
    changes: watch::Receiver<()>,
    /// Whether another process answers the run.
    is_remote: bool,
    /// Whether an event was read from the log. Before that, the log may start after the next event.
    is_reached: bool,
}

/// The reason why a follower stops before the run's end. Another follower can continue after the
/// last event, also on another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// The follower is too slow: the next event is no longer in memory.
    #[error("the follower was too slow")]
    Slow,
    /// The process is stopping.
    #[error("the server is stopping")]
    Draining,
    /// The repositories could not be read.
    #[error("the events could not be read")]
    Unavailable,
}

impl Follower {
    /// Follows a run of any process. Returns `None` if no event follows.
    pub(crate) async fn new(
        core: Arc<AgentCore>,
        caller: Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<Option<Self>, AgentError> {
        let runs = &core.repositories.runs;
        let page = runs.events(&caller, conversation, run, after).await?;
        if page.end.as_ref().is_some_and(|end| after >= end.last_event) {
            return Ok(None);
        }
        Ok(Some(Self {
            core,
            caller,
            conversation,
            run,
            after,
            source: Source::Stored(Some(Box::new(page))),
        }))
    }

    /// Follows a run that this process has just started.
    pub(crate) fn of_own(
        core: Arc<AgentCore>,
        caller: Caller,
        conversation: ConversationId,
        run: RunId,
        log: Arc<RunLog>,
    ) -> Self {
        let live = Live::new(log, false);
        Self {
            core,
            caller,
            conversation,
            run,
            after: 0,
            source: Source::Live(live),
        }
    }

    /// Returns the next events in order, and each only once. Returns `None` after the run's end, or
    /// if the conversation was deleted. Dropping the future loses no events.
    ///
    /// # Errors
    /// [`Cut`]. Another call continues with the stored events.
    pub async fn next(&mut self) -> Result<Option<Vec<Arc<NumberedEvent>>>, Cut> {
        loop {
            let step = match &mut self.source {
                Source::Ended => return Ok(None),
                Source::Stored(page) => {
                    let page = page.take();
                    self.read_stored(page).await?
                }
                Source::Live(_) => self.read_live().await?,
            };
            let (events, source) = step;
            if let Some(source) = source {
                self.source = source;
            }
            if let Some(last) = events.last() {
                self.after = last.number;
                return Ok(Some(events));
            }
        }
    }

    async fn read_stored(
        &mut self,
        page: Option<Box<EventPage>>,
    ) -> Result<(Vec<Arc<NumberedEvent>>, Option<Source>), Cut> {
        let page = match page {
            Some(page) => *page,
            None => match self.page().await? {
                Some(page) => page,
                None => return Ok((Vec::new(), Some(Source::Ended))),
            },
        };
        let mut events = page.events;
        if let Some(end) = page.end {
            let EventsEnd {
                outcome,
                last_event,
            } = *end;
            if events.is_empty() {
                events = rebuilt_events(&outcome, last_event, self.after);
            } else {
                let answer = outcome.assistant_message.as_ref();
                events.extend(closing_events(&outcome.run, answer, last_event, page.last));
            }
            return Ok((events, Some(Source::Ended)));
        }
        if !events.is_empty() || page.has_more {
            // This skips events that this version cannot read.
            self.after = page.last;
            return Ok((events, None));
        }
        let live = match self.core.journal.log(self.run) {
            Some(log) => Live::new(log, false),
            None if self.core.draining.is_cancelled() => return Err(Cut::Draining),
            None => Live::new(self.core.feed.follow(self.run, self.after), true),
        };
        Ok((events, Some(Source::Live(live))))
    }

    /// Reads the stored events after the last returned one. Waits while the database is
    /// unavailable. Returns `None` if the conversation was deleted.
    async fn page(&self) -> Result<Option<EventPage>, Cut> {
        let runs = &self.core.repositories.runs;
        let page = retry_while_unavailable(|| {
            runs.events(&self.caller, self.conversation, self.run, self.after)
        });
        let is_own = self.core.journal.log(self.run).is_some();
        let page = tokio::select! {
            page = page => page,
            () = self.core.draining.cancelled(), if !is_own => return Err(Cut::Draining),
        };
        match page {
            Ok(page) => Ok(Some(page)),
            Err(RepositoryError::NotFound(_)) => Ok(None),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not read the events of a run"
                );
                Err(Cut::Unavailable)
            }
        }
    }

    async fn read_live(&mut self) -> Result<(Vec<Arc<NumberedEvent>>, Option<Source>), Cut> {
        let Source::Live(live) = &mut self.source else {
            return Ok((Vec::new(), None));
        };
        // A change after this line wakes the follower.
        live.changes.mark_unchanged();
        match live.log.read(self.after) {
            Read::Events(events) => {
                live.is_reached = true;
                Ok((events, None))
            }
            Read::Last(events) => Ok((events, Some(Source::Ended))),
            Read::Elsewhere => Ok((Vec::new(), Some(Source::Stored(None)))),
            // All missing events are stored: remote logs only contain stored events, and own logs
            // drop only stored events.
            Read::Behind if live.is_remote || !live.is_reached => {
                Ok((Vec::new(), Some(Source::Stored(None))))
            }
            Read::Behind => {
                self.source = Source::Stored(None);
                Err(Cut::Slow)
            }
            Read::Nothing => {
                live.is_reached = true;
                let draining = &self.core.draining;
                tokio::select! {
                    _ = live.changes.changed() => Ok((Vec::new(), None)),
                    () = draining.cancelled(), if live.is_remote => Err(Cut::Draining),
                }
            }
        }
    }
}

impl Live {
    fn new(log: Arc<RunLog>, is_remote: bool) -> Self {
        let changes = log.changes();
        Self {
            log,
            changes,
            is_remote,
            is_reached: false,
        }
    }
}
