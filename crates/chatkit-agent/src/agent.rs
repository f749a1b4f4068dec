//! The API of the agent.

use std::{sync::Arc, time::Duration};

use chatkit_domain::{
    self as domain, Caller, Clock, ConversationId, Repositories, RepositoryError, Run, RunId,
    RunInput, RunOutcome, RunOwner,
};
use chatkit_tools::ToolRegistry;
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinSet,
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::Instrument;

use crate::{
    core::AgentCore,
    error::AgentError,
    log::{
        feed::Feed,
        follower::Follower,
        journal::{EnteredRun, Journal, Stop},
    },
    provider::Provider,
    request::{StartInput, StartRun},
    responder::Responder,
    run::respond::Respond,
    settings::AgentSettings,
    started::{Started, StartedRun},
    sweep,
};

/// The parts of an [`Agent`].
#[derive(Clone, Debug)]
pub struct AgentParts {
    /// The repositories.
    pub repositories: Repositories,
    /// The provider of the model.
    pub provider: Arc<dyn Provider>,
    /// The tools that the model may call.
    pub tools: ToolRegistry,
    /// The responder that answers first. [`AgentResponder`](crate::AgentResponder) leaves turns to
    /// the model.
    pub responder: Arc<dyn Responder>,
    /// The source of the current time and of new ids.
    pub clock: Arc<dyn Clock>,
}

/// The agent, which answers runs. Clones are cheap and share the same agent.
#[derive(Clone, Debug)]
pub struct Agent {
    core: Arc<AgentCore>,
    responder: Arc<dyn Responder>,
    /// Limits the active runs of this process.
    slots: Arc<Semaphore>,
    runs: TaskTracker,
    background: Arc<Mutex<JoinSet<()>>>,
}

/// A run that occupies a slot. A shutdown waits for it.
struct RunTask {
    entered: EnteredRun,
    _slot: OwnedSemaphorePermit,
    _counted: TaskTrackerToken,
}

impl Agent {
    /// Creates an agent and starts its background work, which ends with the last clone.
    ///
    /// # Errors
    /// [`RepositoryError`] if the process cannot be registered as an owner of runs.
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
        repositories.journal.enter(owner).await?;
        let core = Arc::new(AgentCore {
            settings,
            repositories,
            provider,
            definitions: tools.definitions().cloned().collect(),
            tools,
            clock,
            journal: Arc::new(Journal::new(owner)),
            feed: Arc::new(Feed::default()),
            draining: CancellationToken::new(),
        });
        Ok(Self {
            responder,
            slots: Arc::new(Semaphore::new(core.settings.max_runs)),
            runs: TaskTracker::new(),
            background: Arc::new(Mutex::new(background(&core))),
            core,
        })
    }

    /// Stores the user's message and starts to answer it. The run continues even if the future is
    /// dropped.
    ///
    /// # Errors
    /// [`AgentError::Draining`], [`AgentError::Busy`], or [`AgentError::Repository`] with the
    /// errors of [`RunRepository::start`](chatkit_domain::RunRepository::start).
    pub async fn start(&self, caller: &Caller, start: StartRun) -> Result<Started, AgentError> {
        // Take the token before the check, so that a shutdown that starts now waits for this run.
        let counted = self.runs.token();
        if self.core.draining.is_cancelled() {
            return Err(AgentError::Draining);
        }
        let slots = self.slots.clone();
        let slot = slots.try_acquire_owned().map_err(|_| AgentError::Busy)?;
        let options = start.options.clone();
        let start = self.run_to_start(start);
        let (id, conversation) = (start.id, start.target.conversation_id());
        let span = tracing::info_span!(
            "run",
            run_id = %id,
            conversation_id = %conversation,
            user_id = caller.user_id().as_str(),
        );
        let task = RunTask {
            entered: self.core.journal.enter(id, start.assistant_message_id),
            _slot: slot,
            _counted: counted,
        };
        let log = task.entered.log().clone();
        let (started_sender, started) = oneshot::channel();
        let (finished_sender, finished) = oneshot::channel();
        let (agent, owner) = (self.clone(), caller.clone());
        let run = async move {
            let entered = &task.entered;
            let run = agent.store_start(&owner, start, entered, started_sender);
            if let Some(run) = run.await {
                let respond = Respond {
                    core: &agent.core,
                    responder: &*agent.responder,
                    entered,
                };
                if let Some(ended) = respond.run(&owner, &run, &options).await {
                    let _ = finished_sender.send(ended);
                }
            }
            // The slot is free only now.
            drop(task);
        };
        self.runs.spawn(run.instrument(span));
        match started.await.map_err(|_| AgentError::Lost)?? {
            domain::Started::New(run) => {
                let core = self.core.clone();
                Ok(Started::New(Box::new(StartedRun {
                    follower: Follower::of_own(core, caller.clone(), conversation, id, log),
                    run: run.run,
                    user_message: run.user_message,
                    finished,
                })))
            }
            domain::Started::Known(run) => Ok(Started::Known(run)),
        }
    }

    /// Stores the start of a run, and sends the result to the request. Returns a new run, which
    /// continues even if the request has gone.
    async fn store_start(
        &self,
        owner: &Caller,
        start: domain::StartRun,
        entered: &EnteredRun,
        result: oneshot::Sender<Result<domain::Started, RepositoryError>>,
    ) -> Option<domain::StartedRun> {
        let started = self.core.repositories.runs.start(owner, start).await;
        let run = match &started {
            Ok(domain::Started::New(run)) => {
                entered.set_started();
                entered.emit_start(run);
                Some((**run).clone())
            }
            _ => None,
        };
        let _ = result.send(started);
        run
    }

    fn run_to_start(&self, start: StartRun) -> domain::StartRun {
        let AgentCore {
            clock,
            settings,
            journal,
            ..
        } = &*self.core;
        domain::StartRun {
            id: clock.id(),
            target: start.target,
            input: match start.input {
                StartInput::Message(text, details) => RunInput::Message {
                    id: clock.id(),
                    text,
                    details,
                },
                StartInput::Regenerate(message) => RunInput::Regenerate(message),
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

    /// Follows a run from the event after `after` to its end. Any process may answer the run. 0 is
    /// the start of the run. Returns `None` if the run has ended and no event follows.
    ///
    /// # Errors
    /// [`AgentError::Repository`] with `NotFound(Run)`.
    pub async fn follow(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<Option<Follower>, AgentError> {
        Follower::new(self.core.clone(), caller.clone(), conversation, run, after).await
    }

    /// Waits for the end of a run of any process, and returns its outcome.
    ///
    /// # Errors
    /// [`AgentError::Repository`] with `NotFound(Run)` if the conversation is deleted.
    pub async fn wait_for(&self, caller: &Caller, run: &Run) -> Result<RunOutcome, AgentError> {
        let runs = &self.core.repositories.runs;
        let (conversation, id) = (run.conversation_id, run.id);
        let mut status = run.status;
        while status.is_active() {
            tokio::time::sleep(WAIT_PERIOD).await;
            status = runs.get(caller, conversation, id).await?.status;
        }
        Ok(runs.outcome(caller, conversation, id).await?)
    }

    /// Asks a run to stop, and returns its current state. Any process may answer the run. A run of
    /// this process stops at once, and a run of another process within about a second. If that
    /// process is dead, the run stops when its lease expires.
    ///
    /// # Errors
    /// [`AgentError::Repository`] with `NotFound(Run)`.
    pub async fn cancel(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, AgentError> {
        let runs = &self.core.repositories.runs;
        let run = runs.cancel(caller, conversation, run).await?;
        if run.status.is_active() {
            self.core.journal.stop(run.id, Stop::Cancelled);
        }
        Ok(run)
    }

    /// Stops a run if this process answers it.
    pub fn stop_own(&self, run: RunId) {
        self.core.journal.stop(run, Stop::Cancelled);
    }

    /// Deletes a conversation and stops its active run.
    ///
    /// # Errors
    /// [`AgentError::Repository`] with `NotFound(Conversation)`.
    pub async fn delete_conversation(
        &self,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<(), AgentError> {
        let now = self.core.clock.now();
        let conversations = &self.core.repositories.conversations;
        if let Some(run) = conversations.delete(caller, id, now).await? {
            self.core.journal.stop(run, Stop::Cancelled);
        }
        Ok(())
    }

    /// Stops the agent. It accepts no new runs, cuts the followers of other processes' runs, and
    /// waits up to `grace` for active runs. Then it interrupts the remaining runs and ends the
    /// background work.
    pub async fn shutdown(&self, grace: Duration) {
        self.core.draining.cancel();
        self.runs.close();
        if tokio::time::timeout(grace, self.runs.wait()).await.is_err() {
            self.core.journal.stop_all(Stop::Interrupted);
            // Interrupted runs only store their end. If the database is unavailable, another
            // replica closes them.
            let _ = tokio::time::timeout(Duration::from_secs(5), self.runs.wait()).await;
        }
        let background = std::mem::take(&mut *self.background.lock().await);
        drop(background);
    }

    /// Whether the first message determines the title of a conversation.
    #[must_use]
    pub fn has_automatic_titles(&self) -> bool {
        !self.responder.names_conversations()
    }

    /// Whether the agent has a tool with this name.
    #[must_use]
    pub fn has_tool(&self, name: &str) -> bool {
        self.core.tools.contains(name)
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &AgentSettings {
        &self.core.settings
    }
}

/// Starts the background work of an agent.
fn background(core: &AgentCore) -> JoinSet<()> {
    let AgentCore {
        settings,
        repositories,
        clock,
        journal,
        feed,
        ..
    } = core;
    let ttl = settings.deleted_ttl;
    let mut tasks = JoinSet::new();
    let (store, own) = (repositories.clone(), journal.clone());
    tasks.spawn(async move { own.run(&store).await });
    let (store, feed) = (repositories.clone(), feed.clone());
    tasks.spawn(async move { feed.run(&store).await });
    let (store, now, own) = (repositories.clone(), clock.clone(), journal.clone());
    tasks.spawn(async move { sweep::close_expired_runs(&store, &now, &own).await });
    let (store, now) = (repositories.clone(), clock.clone());
    tasks.spawn(async move { sweep::sweep_events(&store, &now).await });
    let (store, now) = (repositories.clone(), clock.clone());
    tasks.spawn(async move { sweep::purge_deleted(&store, &now, ttl).await });
    tasks
}

/// The time between two reads of a run that another process may answer.
const WAIT_PERIOD: Duration = Duration::from_millis(200);
