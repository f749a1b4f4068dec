//! The loop that answers one run: ask the model, call the tools it asks for, ask again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chatkit_domain::{
    FinishRun, Item, ItemId, MessageStatus, RepositoryError, RunEnd, RunError, RunErrorCode, Usage,
    replace_nul,
};
use chatkit_tools::ToolContext;
use futures::StreamExt;

use crate::{
    agent::{Shared, insist},
    emitter::Emitter,
    journal::{EnteredRun, Stop},
    metrics,
    provider::{
        FinishReason, InputItem, ModelEvent, ModelRequest, ModelStream, ProviderError,
        RequestedCall,
    },
    respond::STOPPED_NOTE,
    start::RunOptions,
    thinking::Thinking,
    tool_round::ToolRound,
    transcript::{hidden, round_input, transcript},
};

/// Most tool calls of one round that are carried out.
const MAX_ROUND_CALLS: usize = 32;

/// What the model is told when it asks for more.
const TOO_MANY_CALLS_NOTE: &str =
    "Only the first 32 tool calls of a round are carried out; the others were not.";

/// What stands between the texts of two rounds.
const ROUND_SEPARATOR: &str = "\n\n";

/// Answers one run.
pub(crate) struct Engine<'a> {
    shared: Arc<Shared>,
    context: ToolContext,
    entered: &'a EnteredRun,
    emitter: &'a Emitter<'a>,
    task: Task,
    progress: Progress,
}

/// What the engine is to do, besides the conversation itself.
#[derive(Debug)]
pub(crate) struct Task {
    /// The message that the run answers.
    pub(crate) user_message_id: ItemId,
    /// Whether earlier runs may have failed to answer it.
    pub(crate) again: bool,
    /// How this run departs from the settings.
    pub(crate) options: RunOptions,
}

/// What has come of the run so far; it outlives a loop that is stopped in the middle.
#[derive(Debug, Default)]
struct Progress {
    text: String,
    chars: usize,
    reasoning_chars: usize,
    thinking: Option<Thinking>,
    /// Whether the next text begins a new round and so a new paragraph.
    new_round: bool,
    called_tools: bool,
    usage: Usage,
    finish_reason: FinishReason,
    /// How long the model was waited for.
    model_time: Duration,
    /// Since when it is waited for.
    asking_since: Option<Instant>,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) finish: FinishRun,
    pub(crate) finish_reason: FinishReason,
    /// How long the model was waited for.
    pub(crate) model_time: Duration,
}

/// Why the loop ended without an answer.
#[derive(Debug)]
enum Failure {
    /// A bound or an error, with its cause for the log.
    Run(
        RunErrorCode,
        Option<Box<dyn std::error::Error + Send + Sync>>,
    ),
    /// The model.
    Model(ProviderError),
    Stop(Stop),
}

impl<'a> Engine<'a> {
    pub(crate) fn new(
        shared: Arc<Shared>,
        context: ToolContext,
        entered: &'a EnteredRun,
        emitter: &'a Emitter<'a>,
        task: Task,
    ) -> Self {
        Self {
            shared,
            context,
            entered,
            emitter,
            task,
            progress: Progress::default(),
        }
    }

    /// Answers, until the answer is whole, its time is over, a bound is met or somebody stops it. `None` when the
    /// run is not this process's any more.
    pub(crate) async fn answer(mut self, until: tokio::time::Instant) -> Option<Answered> {
        let entered = self.entered;
        let result = tokio::select! {
            biased;
            reason = entered.stopped() => Err(Failure::Stop(reason)),
            result = tokio::time::timeout_at(until, self.converse()) =>
                result.unwrap_or(Err(Failure::Run(RunErrorCode::ModelTimeout, None))),
        };
        self.context.cancellation.cancel();
        self.progress.stop_asking("stopped");
        let Progress {
            finish_reason,
            model_time,
            ..
        } = self.progress;
        Some(Answered {
            finish: self.conclude(result)?,
            finish_reason,
            model_time,
        })
    }

    fn conclude(self, result: Result<(), Failure>) -> Option<FinishRun> {
        let Progress {
            text,
            called_tools,
            usage,
            ..
        } = self.progress;
        let kept = (!text.trim().is_empty()).then_some(text);
        let mut note = None;
        let (end, answer) = match result {
            Ok(()) if kept.is_none() && !called_tools => {
                tracing::warn!("the model answered with nothing");
                (failed(RunErrorCode::ModelFailed), None)
            }
            Ok(()) => {
                let text = kept.unwrap_or_default();
                (RunEnd::Completed, Some((text, MessageStatus::Completed)))
            }
            Err(Failure::Model(error)) => {
                let code = code_of(&error);
                tracing::warn!(
                    code = code.as_str(),
                    error = &error as &dyn std::error::Error,
                    "the model failed the run"
                );
                (failed(code), None)
            }
            Err(Failure::Run(code, cause)) => {
                tracing::warn!(
                    code = code.as_str(),
                    error = cause.as_deref(),
                    "the run failed"
                );
                (failed(code), None)
            }
            Err(Failure::Stop(Stop::Cancelled)) => {
                note = Some((self.shared.clock.id(), STOPPED_NOTE.to_owned()));
                let answer = kept.map(|text| (text, MessageStatus::Incomplete));
                (RunEnd::Cancelled, answer)
            }
            Err(Failure::Stop(Stop::Interrupted)) => {
                let answer = kept.map(|text| (text, MessageStatus::Incomplete));
                (failed(RunErrorCode::Interrupted), answer)
            }
            Err(Failure::Stop(Stop::Lost)) => return None,
        };
        Some(FinishRun {
            end,
            answer,
            begun: None,
            note,
            usage: Some(usage),
            events: None,
            last_event: 0,
            now: self.shared.clock.now(),
        })
    }

    async fn converse(&mut self) -> Result<(), Failure> {
        let items = self.history().await?;
        let max_rounds = self.shared.settings.max_tool_rounds;
        let mut this_run = self.failed_calls().await?;
        for round in 0..=max_rounds {
            let may_call = round < max_rounds;
            let mut calls = self.ask(&items, &this_run, round).await?;
            let too_many = calls.len() > MAX_ROUND_CALLS;
            calls.truncate(MAX_ROUND_CALLS);
            if calls.is_empty() {
                return Ok(());
            }
            if !may_call {
                break;
            }
            self.end_thinking().await?;
            self.progress.called_tools = true;
            self.progress.new_round = true;
            let tools = ToolRound {
                shared: &self.shared,
                fence: self.emitter.fence,
                context: &self.context,
                entered: self.entered,
                round,
            };
            this_run.extend(tools.call(calls).await?);
            if too_many {
                this_run.push(InputItem::Note(hidden(TOO_MANY_CALLS_NOTE)));
            }
        }
        Err(Failure::Run(RunErrorCode::TooManyToolRounds, None))
    }

    /// What runs that failed to answer the same message did already, so that it is not repeated.
    async fn failed_calls(&self) -> Result<Vec<InputItem>, Failure> {
        if !self.task.again {
            return Ok(Vec::new());
        }
        let Shared { repositories, .. } = &*self.shared;
        let (conversation, message) = (
            self.emitter.fence.conversation_id,
            self.task.user_message_id,
        );
        let calls = repositories
            .runs
            .failed_tool_calls(&self.context.caller, conversation, message)
            .await?;
        Ok(calls
            .chunk_by(|one, other| (one.run_id, one.round) == (other.run_id, other.round))
            .flat_map(round_input)
            .collect())
    }

    async fn history(&self) -> Result<Vec<Item>, Failure> {
        let Shared {
            repositories,
            settings,
            ..
        } = &*self.shared;
        let caller = &self.context.caller;
        let (conversation, most) = (
            self.emitter.fence.conversation_id,
            settings.context_messages,
        );
        insist(|| repositories.messages.context(caller, conversation, most))
            .await
            .map_err(|error| match error {
                // The conversation was deleted since the run began.
                RepositoryError::NotFound => Failure::Stop(Stop::Cancelled),
                error => error.into(),
            })
    }

    /// Asks the model once. When the conversation is too long for it, half of the window is
    /// dropped, at most three times.
    async fn ask(
        &mut self,
        items: &[Item],
        this_run: &[InputItem],
        round: u32,
    ) -> Result<Vec<RequestedCall>, Failure> {
        let shared = self.shared.clone();
        let settings = &shared.settings;
        let before = self.progress.chars;
        let tools = if round < settings.max_tool_rounds {
            shared.definitions.clone()
        } else {
            Arc::default()
        };
        let mut window = (settings.context_messages as usize, settings.context_chars);
        for _ in 0..=3 {
            let mut input = transcript(items, window.0, window.1);
            input.extend_from_slice(this_run);
            let options = &self.task.options;
            let request = ModelRequest {
                model: options
                    .model
                    .clone()
                    .unwrap_or_else(|| settings.model.clone()),
                instructions: instructions(&settings.instructions, options),
                input,
                tools: tools.clone(),
                tool_choice: (round == 0 && !tools.is_empty())
                    .then(|| options.tool.clone())
                    .flatten(),
                sampling: options.sampling.clone(),
            };
            self.progress.asking_since = Some(Instant::now());
            let result = self.exchange(request).await;
            self.progress.stop_asking(match &result {
                Err(Failure::Model(error)) => metrics::model_outcome(error),
                _ => "answered",
            });
            match result {
                Err(Failure::Model(ProviderError::ContextTooLong))
                    if self.progress.chars == before =>
                {
                    window = (window.0 / 2, window.1 / 2);
                }
                result => return result,
            }
        }
        Err(ProviderError::ContextTooLong.into())
    }

    /// Asks the model and reads its answer: its text into the progress, its calls into the result.
    async fn exchange(&mut self, request: ModelRequest) -> Result<Vec<RequestedCall>, Failure> {
        let asked = request.length();
        let Shared {
            settings, provider, ..
        } = &*self.shared;
        let answer = tokio::time::timeout(settings.model_timeout, provider.respond(request));
        let stream = answer.await.unwrap_or(Err(ProviderError::TimedOut))?;
        self.read(stream, asked).await
    }

    async fn read(
        &mut self,
        mut stream: ModelStream,
        asked: usize,
    ) -> Result<Vec<RequestedCall>, Failure> {
        let silence = self.shared.settings.model_timeout;
        let before = self.progress.chars;
        let mut calls = Vec::new();
        let mut usage = None;
        loop {
            let event = tokio::time::timeout(silence, stream.next())
                .await
                .map_err(|_| Failure::from(ProviderError::TimedOut))?
                .ok_or_else(|| Failure::from(ProviderError::Failed("the answer was cut".into())))?;
            match event? {
                ModelEvent::TextDelta(text) => self.add_text(text).await?,
                ModelEvent::ReasoningDelta(text) => self.add_reasoning(text),
                ModelEvent::ToolCall(call) => calls.push(call),
                ModelEvent::Usage(counted) => usage = Some(counted),
                ModelEvent::Finished(reason) => {
                    self.progress.finish_reason = reason;
                    break;
                }
            }
        }
        let written = self.progress.chars - before
            + calls
                .iter()
                .map(|call| call.arguments.chars().count())
                .sum::<usize>();
        self.progress.usage += usage.unwrap_or_else(|| Usage::estimate(asked, written));
        Ok(calls)
    }

    async fn add_text(&mut self, text: String) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        self.end_thinking().await?;
        if std::mem::take(&mut self.progress.new_round) && !self.progress.text.is_empty() {
            self.push(ROUND_SEPARATOR.to_owned());
        }
        self.push(replace_nul(text));
        if self.progress.chars > self.shared.settings.max_answer_chars {
            return Err(Failure::Run(RunErrorCode::AnswerTooLong, None));
        }
        Ok(())
    }

    /// Tells a summary of reasoning, as far as it is no longer than an answer may be.
    fn add_reasoning(&mut self, text: String) {
        self.progress.reasoning_chars += text.chars().count();
        if self.progress.reasoning_chars <= self.shared.settings.max_answer_chars {
            let begin = || Thinking::new(self.shared.clock.id());
            let thinking = self.progress.thinking.get_or_insert_with(begin);
            self.entered.tell(thinking.add(replace_nul(text)));
        }
    }

    /// Keeps what the model has thought: something else follows.
    async fn end_thinking(&mut self) -> Result<(), Failure> {
        if let Some(thinking) = self.progress.thinking.take() {
            thinking.done(self.emitter).await?;
        }
        Ok(())
    }

    fn push(&mut self, text: String) {
        self.progress.text.push_str(&text);
        self.progress.chars += text.chars().count();
        self.entered.say(text);
    }
}

impl Progress {
    /// Counts a request to the model that has ended, whichever way; nothing where there is none.
    fn stop_asking(&mut self, outcome: &'static str) {
        if let Some(since) = self.asking_since.take() {
            let took = since.elapsed();
            self.model_time += took;
            metrics::model_call(outcome, took);
        }
    }
}

impl ModelRequest {
    /// Characters of the request, for servers that do not count tokens.
    fn length(&self) -> usize {
        let input = self.input.iter().map(InputItem::length);
        self.instructions.chars().count() + input.sum::<usize>()
    }
}

/// The settings' instructions, then those of this turn alone.
fn instructions(settings: &str, turn: &RunOptions) -> String {
    let language = |locale| format!("The language of the user's interface is {locale}.");
    let language = turn.locale.as_ref().map(language).unwrap_or_default();
    let parts: Vec<&str> = [settings, &turn.instructions, &language]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("\n\n")
}

fn failed(code: RunErrorCode) -> RunEnd {
    RunEnd::Failed(RunError::new(code))
}

fn code_of(error: &ProviderError) -> RunErrorCode {
    match error {
        ProviderError::Failed(_) | ProviderError::ContextTooLong => RunErrorCode::ModelFailed,
        ProviderError::Overloaded { .. } => RunErrorCode::ModelOverloaded,
        ProviderError::TimedOut => RunErrorCode::ModelTimeout,
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Self::Model(error)
    }
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::RunLost => Self::Stop(Stop::Lost),
            RepositoryError::Unavailable(_) => {
                Self::Run(RunErrorCode::Unavailable, Some(Box::new(error)))
            }
            error => Self::Run(RunErrorCode::Internal, Some(Box::new(error))),
        }
    }
}
