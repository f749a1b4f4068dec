//! Following a run, whichever process answers it.

use std::sync::Arc;

use chatkit_domain::{
    Caller, ConversationId, EventPage, NumberedEvent, RepositoryError, RunId, closing_events,
    retold_events,
};
use tokio::sync::watch;

use crate::{
    agent::{Shared, insist},
    run_log::{Read, RunLog},
    start::AgentError,
};

/// Follows a run from one event to its end. Nothing waits for a follower: it costs its place in
/// the run, however slowly it reads.
#[derive(Debug)]
pub struct Follower {
    shared: Arc<Shared>,
    caller: Caller,
    conversation: ConversationId,
    run: RunId,
    /// The last event that was given.
    after: u64,
    source: Source,
}

/// Where the next events are read.
#[derive(Debug)]
enum Source {
    /// Among those that are stored, of which these may have been read.
    Stored(Option<Box<EventPage>>),
    /// Where they come in.
    Live(Live),
    /// Nowhere: the run's end was given.
    Ended,
}

#[derive(Debug)]
struct Live {
    log: Arc<RunLog>,
    changes: watch::Receiver<()>,
    /// Whether another process answers the run.
    is_remote: bool,
    /// Whether it has been reached: a log may begin behind what is needed next.
    is_reached: bool,
}

/// Why a follower ends before its run does: it can go on behind the last event that it was given,
/// perhaps at another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// It fell so far behind that what it needs next is not in memory any more.
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
    /// Follows a run that may be anybody's; `None` when there is nothing behind the event.
    pub(crate) async fn new(
        shared: Arc<Shared>,
        caller: Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<Option<Self>, AgentError> {
        let runs = &shared.repositories.runs;
        let page = runs.events(&caller, conversation, run, after).await?;
        if page.end.as_ref().is_some_and(|(_, last)| after >= *last) {
            return Ok(None);
        }
        Ok(Some(Self {
            shared,
            caller,
            conversation,
            run,
            after,
            source: Source::Stored(Some(Box::new(page))),
        }))
    }

    /// Follows a run that this process has just begun.
    pub(crate) fn of_own(
        shared: Arc<Shared>,
        caller: Caller,
        conversation: ConversationId,
        run: RunId,
        log: Arc<RunLog>,
    ) -> Self {
        let live = Live::new(log, false);
        Self {
            shared,
            caller,
            conversation,
            run,
            after: 0,
            source: Source::Live(live),
        }
    }

    /// The next events, in order and each once; `None` behind the run's end, and when its
    /// conversation is no more. A call that is dropped takes nothing away.
    ///
    /// # Errors
    /// [`Cut`]: then it can be called again all the same, and goes on by reading what is stored.
    pub async fn next(&mut self) -> Result<Option<Vec<NumberedEvent>>, Cut> {
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
    ) -> Result<(Vec<NumberedEvent>, Option<Source>), Cut> {
        let page = match page {
            Some(page) => *page,
            None => match self.page().await? {
                Some(page) => page,
                None => return Ok((Vec::new(), Some(Source::Ended))),
            },
        };
        let mut events = page.events;
        if let Some((outcome, last)) = page.end {
            if events.is_empty() {
                events = retold_events(&outcome, last, self.after);
            } else {
                let answer = outcome.assistant_message.as_ref();
                events.extend(closing_events(&outcome.run, answer, last));
            }
            return Ok((events, Some(Source::Ended)));
        }
        if !events.is_empty() || page.has_more {
            // Also behind events that this version does not know.
            self.after = page.last;
            return Ok((events, None));
        }
        let live = match self.shared.journal.log(self.run) {
            Some(log) => Live::new(log, false),
            None if self.shared.draining.is_cancelled() => return Err(Cut::Draining),
            None => Live::new(self.shared.feed.follow(self.run, self.after), true),
        };
        Ok((events, Some(Source::Live(live))))
    }

    /// What is stored behind the last event; `None` when the conversation is no more. A database
    /// that is away is waited for.
    async fn page(&self) -> Result<Option<EventPage>, Cut> {
        let runs = &self.shared.repositories.runs;
        let page = insist(|| runs.events(&self.caller, self.conversation, self.run, self.after));
        let is_own = self.shared.journal.log(self.run).is_some();
        let page = tokio::select! {
            page = page => page,
            () = self.shared.draining.cancelled(), if !is_own => return Err(Cut::Draining),
        };
        match page {
            Ok(page) => Ok(Some(page)),
            Err(RepositoryError::NotFound) => Ok(None),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not read the events of a run"
                );
                Err(Cut::Unavailable)
            }
        }
    }

    async fn read_live(&mut self) -> Result<(Vec<NumberedEvent>, Option<Source>), Cut> {
        let Source::Live(live) = &mut self.source else {
            return Ok((Vec::new(), None));
        };
        // What changes from here on wakes it.
        live.changes.mark_unchanged();
        match live.log.read(self.after) {
            Read::Events(events) => {
                live.is_reached = true;
                Ok((events, None))
            }
            Read::Last(events) => Ok((events, Some(Source::Ended))),
            Read::Elsewhere => Ok((Vec::new(), Some(Source::Stored(None)))),
            // All that is missing is stored: of runs of others because it came from there, and of
            // an own one because only that is dropped.
            Read::Behind if live.is_remote || !live.is_reached => {
                Ok((Vec::new(), Some(Source::Stored(None))))
            }
            Read::Behind => {
                self.source = Source::Stored(None);
                Err(Cut::Slow)
            }
            Read::Nothing => {
                live.is_reached = true;
                let draining = &self.shared.draining;
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
