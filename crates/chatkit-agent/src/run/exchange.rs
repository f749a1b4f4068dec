//! Sends one request to the model, and shortens it if the model refuses it.

use std::{sync::Arc, time::Instant};

use chatkit_domain::{PARAGRAPH, RunErrorCode, Usage, replace_nul};
use futures::StreamExt;

use super::{
    failure::EngineFailure,
    progress::{Progress, Round},
    thinking::Thinking,
};
use crate::{
    core::AgentCore,
    log::journal::EnteredRun,
    metrics,
    provider::{
        FinishReason, InputItem, ModelEvent, ModelRequest, ModelStream, ProviderError, ToolChoice,
    },
    request::RunOptions,
    transcript::{text::cut, window::Window},
    turn::emitter::Emitter,
};

/// The maximum number of times that the window is halved. Then only the newest message is sent.
const MAX_HALVINGS: u32 = 3;

/// The maximum number of characters of a result in this run, if the newest message together with
/// the complete results is too long.
const SHORT_RESULT_CHARS: usize = 1_000;

/// The maximum number of reasoning items of a run. Each needs a row and a transaction.
const MAX_THOUGHTS: u32 = 64;

/// The replacement for a tool's result in a request that the model's filter refused.
const WITHHELD_RESULT: &str = "The result was omitted because the content filter refused it.";

/// The requests of one run to the model, and the answer so far.
pub(super) struct Exchange<'a> {
    core: Arc<AgentCore>,
    entered: &'a EnteredRun,
    emitter: &'a Emitter<'a>,
    options: RunOptions,
    pub(super) progress: Progress,
    /// The reasoning item that the model is writing.
    thinking: Option<Thinking>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        core: Arc<AgentCore>,
        entered: &'a EnteredRun,
        emitter: &'a Emitter<'a>,
        options: RunOptions,
    ) -> Self {
        Self {
            core,
            entered,
            emitter,
            options,
            progress: Progress::default(),
            thinking: None,
        }
    }

    /// Sends one request to the model. If the input is too long, drops half of it and retries. If
    /// the model's filter refuses the input, retries once with the newest message alone. Never
    /// sends the same request twice.
    pub(super) async fn ask(
        &mut self,
        window: &mut Window,
        this_run: &mut Vec<InputItem>,
        round: u32,
    ) -> Result<Round, EngineFailure> {
        let mut halvings = 0;
        let mut was_filtered = false;
        // The window to restore after a request with a temporarily smaller one.
        let mut full = None;
        loop {
            let before = self.progress.chars;
            let result = self.ask_with(window, this_run, round).await;
            let has_no_output = self.progress.chars == before;
            match result {
                Err(EngineFailure::Model(ProviderError::ContextTooLong))
                    if has_no_output && self.shrink(window, this_run, &mut halvings) => {}
                Err(EngineFailure::Model(ProviderError::ContentFiltered)) if has_no_output => {
                    let had_more = if round == 0 {
                        // These are the calls of earlier attempts to answer the message.
                        !std::mem::take(this_run).is_empty()
                    } else {
                        withhold_results(this_run)
                    };
                    if was_filtered || window.is_newest_only() && !had_more {
                        // The message itself is to blame only if the request contained nothing
                        // else.
                        self.progress.withholds_message = this_run.is_empty();
                        return Err(ProviderError::ContentFiltered.into());
                    }
                    was_filtered = true;
                    window.keep_newest_only();
                }
                // The unknown reason may be in the history, so retry without it. The reason may
                // also be temporary, so later requests contain the history again.
                Err(EngineFailure::Model(ProviderError::Rejected(_)))
                    if has_no_output && full.is_none() && !window.is_newest_only() =>
                {
                    full = Some(window.clone());
                    window.keep_newest_only();
                }
                Ok(round) => {
                    if let Some(full) = full {
                        *window = full;
                    }
                    // Later runs start their windows here, so they leave out the dropped items too.
                    self.progress.window_start = window.start();
                    return Ok(round);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Shortens the input. Returns whether that was possible.
    fn shrink(&self, window: &mut Window, this_run: &mut [InputItem], halvings: &mut u32) -> bool {
        if window.is_newest_only() {
            return shorten_results(this_run);
        }
        if *halvings < MAX_HALVINGS {
            *halvings += 1;
            let lengths = this_run.iter().map(InputItem::length);
            let settings = &self.core.settings;
            let instructions = instructions(&settings.instructions, &self.options);
            window.halve(instructions.chars().count() + lengths.sum::<usize>());
        } else {
            window.keep_newest_only();
        }
        true
    }

    async fn ask_with(
        &mut self,
        window: &Window,
        this_run: &[InputItem],
        round: u32,
    ) -> Result<Round, EngineFailure> {
        let AgentCore {
            settings,
            definitions,
            ..
        } = &*self.core;
        let options = &self.options;
        let mut input = window.input();
        input.extend_from_slice(this_run);
        let request = ModelRequest {
            model: options
                .model
                .clone()
                .unwrap_or_else(|| settings.model.clone()),
            instructions: instructions(&settings.instructions, options),
            input,
            tools: definitions.clone(),
            tool_choice: match &options.tool {
                _ if round >= settings.max_tool_rounds => ToolChoice::None,
                Some(tool) if round == 0 => ToolChoice::Tool(tool.clone()),
                _ => ToolChoice::Auto,
            },
            sampling: options.sampling.clone(),
            cache_key: self.emitter.fence.conversation_id.to_string(),
        };
        self.progress.asking_since = Some(Instant::now());
        let mut result = self.exchange(request).await;
        if self.progress.finish_reason == FinishReason::ContentFilter
            && matches!(&result, Ok(round) if round.is_empty())
        {
            result = Err(ProviderError::ContentFiltered.into());
        }
        self.progress.stop_asking(match &result {
            Err(EngineFailure::Model(error)) => metrics::model_outcome(error),
            _ => "answered",
        });
        result
    }

    /// Sends a request to the model and reads its answer.
    async fn exchange(&mut self, request: ModelRequest) -> Result<Round, EngineFailure> {
        let asked = request.length();
        let core = Arc::clone(&self.core);
        let answer = core.provider.respond(request);
        let answer = tokio::time::timeout(core.settings.model_timeout, answer);
        let stream = answer.await.unwrap_or(Err(ProviderError::TimedOut))?;
        self.read(stream, asked).await
    }

    async fn read(
        &mut self,
        mut stream: ModelStream,
        asked: usize,
    ) -> Result<Round, EngineFailure> {
        let silence = self.core.settings.model_timeout;
        let before = self.progress.chars;
        let mut round = Round {
            text: String::new(),
            calls: Vec::new(),
        };
        let mut usage = None;
        loop {
            let event = tokio::time::timeout(silence, stream.next())
                .await
                .map_err(|_| EngineFailure::from(ProviderError::TimedOut))?
                .ok_or_else(|| ProviderError::Failed("the answer was cut off".into()))?;
            match event? {
                ModelEvent::TextDelta(text) => {
                    round.text.push_str(&text);
                    self.add_text(text).await?;
                }
                ModelEvent::ReasoningDelta(text) => self.add_reasoning(text),
                ModelEvent::Working => {}
                ModelEvent::ToolCall(call) => round.calls.push(call),
                ModelEvent::Usage(counted) => usage = Some(counted),
                ModelEvent::Finished(reason) => {
                    self.progress.finish_reason = reason;
                    break;
                }
            }
        }
        let arguments = round
            .calls
            .iter()
            .map(|call| call.arguments.chars().count());
        let written = self.progress.chars - before + arguments.sum::<usize>();
        self.progress.usage += usage.unwrap_or_else(|| Usage::estimate(asked, written));
        Ok(round)
    }

    async fn add_text(&mut self, text: String) -> Result<(), EngineFailure> {
        if text.is_empty() {
            return Ok(());
        }
        self.end_thinking().await?;
        if std::mem::take(&mut self.progress.is_new_round) && !self.progress.text.is_empty() {
            self.push(PARAGRAPH.to_owned());
        }
        self.push(replace_nul(text));
        if self.progress.chars > self.core.settings.max_answer_chars {
            return Err(EngineFailure::Run(RunErrorCode::AnswerTooLong, None));
        }
        Ok(())
    }

    /// Emits reasoning up to the maximum length of an answer. Drops the rest.
    fn add_reasoning(&mut self, text: String) {
        self.progress.reasoning_chars += text.chars().count();
        if self.progress.reasoning_chars > self.core.settings.max_answer_chars {
            return;
        }
        let text = replace_nul(text);
        let is_open = self.thinking.is_some();
        let starts_another = !is_open && !self.progress.reasoning.is_empty();
        self.progress.reasoning.push(&text, starts_another);
        let start = || Thinking::new(self.core.clock.id(), self.entered.message_id());
        let thinking = self.thinking.get_or_insert_with(start);
        self.entered.emit(thinking.add(text, starts_another));
    }

    /// Stores the current reasoning item, because other output follows.
    pub(super) async fn end_thinking(&mut self) -> Result<(), EngineFailure> {
        if self.progress.thoughts == MAX_THOUGHTS {
            // The rest of the run's reasoning goes into one item.
            return Ok(());
        }
        if let Some(thinking) = self.thinking.take() {
            self.progress.thoughts += 1;
            thinking.done(self.emitter).await?;
        }
        Ok(())
    }

    fn push(&mut self, text: String) {
        self.progress.text.push_str(&text);
        self.progress.chars += text.chars().count();
        self.entered.emit_text(text);
    }
}

/// Replaces the tool results of this run. Returns whether any result changed.
fn withhold_results(this_run: &mut [InputItem]) -> bool {
    let mut has_changed = false;
    for item in this_run {
        if let InputItem::ToolResult { output, .. } = item
            && output != WITHHELD_RESULT
        {
            WITHHELD_RESULT.clone_into(output);
            has_changed = true;
        }
    }
    has_changed
}

/// Shortens the tool results of this run. Returns whether any result changed.
fn shorten_results(this_run: &mut [InputItem]) -> bool {
    let mut has_changed = false;
    for item in this_run {
        if let InputItem::ToolResult { output, .. } = item
            && output.chars().count() > SHORT_RESULT_CHARS + 1
        {
            *output = cut(std::mem::take(output), SHORT_RESULT_CHARS);
            has_changed = true;
        }
    }
    has_changed
}

impl ModelRequest {
    /// Returns the length of the request in characters, for servers that do not count tokens.
    fn length(&self) -> usize {
        let input = self.input.iter().map(InputItem::length);
        self.instructions.chars().count() + input.sum::<usize>()
    }
}

/// Joins the instructions of the settings and those of this turn.
fn instructions(settings: &str, turn: &RunOptions) -> String {
    let language = |locale| format!("The language of the user's interface is {locale}.");
    let language = turn.locale.as_ref().map(language).unwrap_or_default();
    let parts: Vec<&str> = [settings, &turn.instructions, &language]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("\n\n")
}
