//! What embedders call.

use std::{sync::Arc, time::Duration};

use chatkit_domain::{
    BeginRun, Begun, Caller, Clock, ConversationId, Repositories, RepositoryError, Run, RunId,
    RunInput, RunOutcome, RunOwner,
};
use chatkit_tools::{ToolDefinition, ToolRegistry};
use tokio::{
    sync::{Mutex, Semaphore, oneshot},
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::{
    feed::Feed,
    follower::Follower,
    journal::{Journal, Stop},
    provider::Provider,
    responder::Responder,
    settings::AgentSettings,
    start::{AgentError, Spoken, StartInput, StartRun, Started, StartedRun},
    sweep,
};

/// What an [`Agent`] works with.
#[derive(Clone, Debug)]
pub struct AgentParts {
    /// Where everything is kept.
    pub repositories: Repositories,
    /// The model.
    pub provider: Arc<dyn Provider>,
    /// What the model may use.
    pub tools: ToolRegistry,
    /// What answers first: [`AgentResponder`](crate::AgentResponder) leaves it to the model.
    pub responder: Arc<dyn Responder>,
    /// The time, and fresh ids.
    pub clock: Arc<dyn Clock>,
}

/// Answers runs. Cheap to clone; the clones are one agent.
#[derive(Clone, Debug)]
pub struct Agent {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: AgentSettings,
    pub(crate) repositories: Repositories,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) tools: ToolRegistry,
    pub(crate) responder: Arc<dyn Responder>,
    /// What a model is told of the tools.
    pub(crate) definitions: Arc<[ToolDefinition]>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) draining: CancellationToken,
    slots: Arc<Semaphore>,
    runs: TaskTracker,
    background: Mutex<JoinSet<()>>,
}

impl Agent {
    /// An agent over these parts. Its background work begins at once and ends with its last
    /// clone.
    ///
    /// # Errors
    /// When the repositories cannot be told that it begins.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub async fn new(settings: AgentSettings, parts: AgentParts) -> Result<Self, RepositoryError> {
        let AgentParts {
            repositories,
            provider,
            tools,
            responder,
            clock,
        } = parts;
        let owner = RunOwner {
            id: clock.uuid(),
            lease: settings.run_lease,
        };
        repositories.runs.enter(owner).await?;
        let journal = Arc::new(Journal::new(owner));
        let feed = Arc::new(Feed::default());
        let background = background(&settings, &repositories, &clock, (&journal, &feed));
        let shared = Shared {
            slots: Arc::new(Semaphore::new(settings.max_runs)),
            settings,
            repositories,
            provider,
            definitions: tools.definitions().cloned().collect(),
            tools,
            responder,
            clock,
            journal,
            feed,
            runs: TaskTracker::new(),
            draining: CancellationToken::new(),
            background: Mutex::new(background),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Stores the user's message and begins to answer it. Once this is called the run goes on,
    /// whatever becomes of the future.
    ///
    /// # Errors
    /// [`AgentError::Draining`]; [`AgentError::Busy`]; [`AgentError::Repository`] as
    /// [`RunRepository::begin`](chatkit_domain::RunRepository::begin) says.
    pub async fn start(&self, caller: &Caller, start: StartRun) -> Result<Started, AgentError> {
        // Taken before the question: a shutdown that begins now waits for this run.
        let counted = self.shared.runs.token();
        if self.shared.draining.is_cancelled() {
            return Err(AgentError::Draining);
        }
        let slots = self.shared.slots.clone();
        let slot = slots.try_acquire_owned().map_err(|_| AgentError::Busy)?;
        let options = start.options.clone();
        let begin = self.begin(start);
        let span = tracing::info_span!(
            "run",
            run_id = %begin.id,
            conversation_id = %begin.target.conversation_id(),
            user_id = caller.user_id().as_str(),
        );
        let (conversation, id) = (begin.target.conversation_id(), begin.id);
        let entered = self.shared.journal.enter(id, begin.assistant_message_id);
        let log = entered.log().clone();
        let (begun_sender, begun) = oneshot::channel();
        let (finished_sender, finished) = oneshot::channel();
        let shared = self.shared.clone();
        let follows = caller.clone();
        let caller = caller.clone();
        let run = async move {
            let _held = (slot, counted);
            let begun = shared.repositories.runs.begin(&caller, begin).await;
            let work = match &begun {
                Ok(Begun::New(begun)) => {
                    entered.begun();
                    entered.tell_begin(begun);
                    Some(begun.clone())
                }
                _ => None,
            };
            // Nobody may be waiting any more: the run does not mind.
            let _ = begun_sender.send(begun);
            if let Some(begun) = work
                && let Some(ended) = shared.answer(caller, *begun, options, entered).await
            {
                let _ = finished_sender.send(ended);
            }
        };
        self.shared.runs.spawn(run.instrument(span));
        match begun.await.map_err(|_| AgentError::Lost)?? {
            Begun::New(begun) => Ok(Started::New(Box::new(StartedRun {
                run: begun.run,
                user_message: begun.user_message,
                follower: Follower::of_own(self.shared.clone(), follows, conversation, id, log),
                spoken: Spoken::default(),
                finished,
            }))),
            Begun::Known(run) => Ok(Started::Known(run)),
        }
    }

    fn begin(&self, start: StartRun) -> BeginRun {
        let Shared {
            clock,
            settings,
            journal,
            ..
        } = &*self.shared;
        BeginRun {
            id: clock.id(),
            target: start.target,
            input: match start.input {
                StartInput::Say(text, details) => RunInput::Message {
                    id: clock.id(),
                    text,
                    details,
                },
                StartInput::Again(message) => RunInput::Again(message),
            },
            idempotency: start.idempotency,
            max_runs_per_user: settings.max_runs_per_user,
            assistant_message_id: clock.id(),
            dialect: start.dialect,
            names_conversation: self.has_automatic_titles(),
            model: start
                .options
                .model
                .unwrap_or_else(|| settings.model.clone()),
            owner: journal.owner(),
            now: clock.now(),
        }
    }

    /// Follows a run from behind an event to its end, whichever process answers it; from its
    /// beginning with 0. `None` when it has ended and there is nothing behind that event.
    ///
    /// # Errors
    /// [`AgentError::Repository`] with `NotFound`.
    pub async fn follow(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<Option<Follower>, AgentError> {
        let shared = self.shared.clone();
        Follower::new(shared, caller.clone(), conversation, run, after).await
    }

    /// Waits for the end of a run that may be anybody's, and returns what it left.
    ///
    /// # Errors
    /// [`AgentError::Repository`] with `NotFound` when its conversation is deleted meanwhile.
    pub async fn wait_for(&self, caller: &Caller, run: &Run) -> Result<RunOutcome, AgentError> {
        let runs = &self.shared.repositories.runs;
        let (conversation, id) = (run.conversation_id, run.id);
        let mut status = run.status;
        while status.is_active() {
            tokio::time::sleep(WAIT_PERIOD).await;
            status = runs.get(caller, conversation, id).await?.status;
        }
        Ok(runs.outcome(caller, conversation, id).await?)
    }

    /// Asks a run to stop, whichever process answers it, and returns it as it stands: one of this
    /// process stops at once, any other soon; one of a dead process when its lease ends.
    ///
    /// # Errors
    /// [`AgentError::Repository`] with `NotFound`.
    pub async fn cancel(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, AgentError> {
        let runs = &self.shared.repositories.runs;
        let run = runs.cancel(caller, conversation, run).await?;
        if run.status.is_active() {
            self.shared.journal.stop(run.id, Stop::Cancelled);
        }
        Ok(run)
    }

    /// Stops a run that this process answers, if it does.
    pub fn stop_own(&self, run: RunId) {
        self.shared.journal.stop(run, Stop::Cancelled);
    }

    /// Deletes a conversation and stops the run that answers in it.
    ///
    /// # Errors
    /// [`AgentError::Repository`] with `NotFound`.
    pub async fn delete_conversation(
        &self,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<(), AgentError> {
        let now = self.shared.clock.now();
        let conversations = &self.shared.repositories.conversations;
        let deleted = conversations.delete(caller, id, now).await?;
        if let Some(run) = deleted.cancelled_run {
            self.shared.journal.stop(run, Stop::Cancelled);
        }
        Ok(())
    }

    /// Takes no new runs and cuts those who follow runs of other processes; waits up to `grace` for
    /// the runs that answer, interrupts the rest, and ends the background work.
    pub async fn shutdown(&self, grace: Duration) {
        self.shared.draining.cancel();
        self.shared.runs.close();
        if tokio::time::timeout(grace, self.shared.runs.wait())
            .await
            .is_err()
        {
            self.shared.journal.stop_all(Stop::Interrupted);
            // Interrupted runs only have their end to store; a database that is away at this
            // moment leaves them to the next replica.
            let _ = tokio::time::timeout(Duration::from_secs(5), self.shared.runs.wait()).await;
        }
        let background = std::mem::take(&mut *self.shared.background.lock().await);
        drop(background);
    }

    /// Whether a conversation that nobody named takes its title from its first message.
    #[must_use]
    pub fn has_automatic_titles(&self) -> bool {
        !self.shared.responder.names_conversations()
    }

    /// Whether it has a tool of this name.
    #[must_use]
    pub fn has_tool(&self, name: &str) -> bool {
        self.shared.tools.contains(name)
    }

    /// How the agent answers.
    #[must_use]
    pub fn settings(&self) -> &AgentSettings {
        &self.shared.settings
    }
}

fn background(
    settings: &AgentSettings,
    repositories: &Repositories,
    clock: &Arc<dyn Clock>,
    (journal, feed): (&Arc<Journal>, &Arc<Feed>),
) -> JoinSet<()> {
    let ttl = settings.deleted_ttl;
    let mut tasks = JoinSet::new();
    let (keeping, kept) = (journal.clone(), repositories.clone());
    tasks.spawn(async move { keeping.keep(&kept).await });
    let (feed, followed) = (feed.clone(), repositories.clone());
    tasks.spawn(async move { feed.read(&followed).await });
    let (expiring, now, journal) = (repositories.clone(), clock.clone(), journal.clone());
    tasks.spawn(async move { sweep::close_expired_runs(&expiring, &now, &journal).await });
    let (fresh, now) = (repositories.clone(), clock.clone());
    tasks.spawn(async move { sweep::sweep_events(&fresh, &now).await });
    let (deleted, now) = (repositories.clone(), clock.clone());
    tasks.spawn(async move { sweep::purge_deleted(&deleted, &now, ttl).await });
    tasks
}

/// How often a run that is perhaps another process's is looked at by who waits for it.
const WAIT_PERIOD: Duration = Duration::from_millis(200);

/// How long the end of a run waits for a database that is away.
const PATIENCE: Duration = Duration::from_secs(60);

/// Repeats a write while the database is unavailable, up to [`PATIENCE`].
pub(crate) async fn insist<T, F>(mut write: impl FnMut() -> F) -> Result<T, RepositoryError>
where
    F: Future<Output = Result<T, RepositoryError>>,
{
    let begun = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        match write().await {
            Err(RepositoryError::Unavailable(_)) if begun.elapsed() < PATIENCE => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            result => return result,
        }
    }
}
