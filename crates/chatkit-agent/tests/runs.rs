//! Runs on the store in memory, with a provider that follows a script.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot continue panics"
)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chatkit_agent::{
    Agent, AgentParts, AgentResponder, AgentSettings, EndedRun, Reply, Responder, ResponderError,
    StartInput, StartRun, Started, StartedRun, Turn,
    provider::{
        FinishReason, InputItem, ModelEvent, ModelRequest, ModelStream, Provider, ProviderError,
        RequestedCall,
    },
};
use chatkit_domain::{
    Aside, Caller, Clock, ConversationId, Dialect, ItemEvent, ItemId, MessageEvent, MessageText,
    NewConversation, NumberedEvent, Repositories, RunErrorCode, RunEvent, RunStatus, RunTarget,
    SystemClock, ToolCallEvent, ToolCallStatus, UserId, memory::MemoryStore,
};
use chatkit_protocol::widget::build;
use chatkit_tools::{ToolRegistry, tasks};
use futures::{StreamExt, stream};

/// The events of one answer of the model; without an end it is cut off.
type Script = Vec<ModelEvent>;

/// Answers each request with the next script, and records the requests.
#[derive(Debug, Default)]
struct ScriptedProvider {
    scripts: Mutex<VecDeque<Script>>,
    requests: Mutex<Vec<ModelRequest>>,
}

impl ScriptedProvider {
    /// The last item of the last request.
    fn last_input(&self) -> InputItem {
        let requests = self.requests.lock().unwrap();
        requests.last().unwrap().input.last().unwrap().clone()
    }
}

#[async_trait]
impl Provider for ScriptedProvider {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        self.requests.lock().unwrap().push(request);
        let script = self.scripts.lock().unwrap().pop_front().unwrap();
        Ok(stream::iter(script.into_iter().map(Ok)).boxed())
    }
}

fn text(text: &str) -> ModelEvent {
    ModelEvent::TextDelta(text.to_owned())
}

const END: ModelEvent = ModelEvent::Finished(FinishReason::Stop);

/// An agent on a store of its own.
struct Fixture {
    agent: Agent,
    repositories: Repositories,
    provider: Arc<ScriptedProvider>,
    caller: Caller,
    conversation: ConversationId,
}

impl Fixture {
    async fn new(scripts: impl IntoIterator<Item = Script>) -> Self {
        Self::with_responder(scripts, AgentResponder).await
    }

    async fn with_responder(
        scripts: impl IntoIterator<Item = Script>,
        responder: impl Responder + 'static,
    ) -> Self {
        let store = MemoryStore::new();
        let repositories = store.repositories();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let provider = Arc::new(ScriptedProvider {
            scripts: Mutex::new(scripts.into_iter().collect()),
            ..ScriptedProvider::default()
        });
        let mut tools = ToolRegistry::default();
        tasks::register(&mut tools, &store.tasks()).unwrap();
        let caller = Caller::new(UserId::parse("alice").unwrap());
        let new = NewConversation {
            id: clock.id(),
            title: None,
            now: clock.now(),
        };
        let conversation = repositories.conversations.insert(&caller, new).await;
        let parts = AgentParts {
            repositories: repositories.clone(),
            provider: provider.clone(),
            tools,
            responder: Arc::new(responder),
            clock,
        };
        Self {
            agent: Agent::new(AgentSettings::new("scripted"), parts)
                .await
                .unwrap(),
            repositories,
            provider,
            caller,
            conversation: conversation.unwrap().id,
        }
    }

    async fn start(&self, input: StartInput) -> StartedRun {
        let target = RunTarget::Existing(self.conversation);
        let start = StartRun::new(target, input, Dialect::Rest);
        match self.agent.start(&self.caller, start).await.unwrap() {
            Started::New(run) => *run,
            Started::Known(run) => panic!("expected a new run, got {run:?}"),
        }
    }

    async fn say(&self, message: &str) -> StartedRun {
        let text = MessageText::parse(message.to_owned()).unwrap();
        self.start(StartInput::Message(text, None)).await
    }

    /// The texts of the history.
    async fn history(&self) -> Vec<String> {
        let messages = &self.repositories.messages;
        let context = messages.context(&self.caller, self.conversation, 50).await;
        let items = context.unwrap().items.into_iter();
        items
            .filter_map(|item| match item {
                chatkit_domain::Item::Message(message) => Some(message.content),
                _ => None,
            })
            .collect()
    }

    /// The events of an ended run, as a late follower reads them.
    async fn events(&self, ended: &EndedRun) -> Vec<Arc<NumberedEvent>> {
        let (caller, run) = (&self.caller, ended.run.id);
        let follower = self.agent.follow(caller, self.conversation, run, 0).await;
        let mut follower = follower.unwrap().unwrap();
        let mut events = Vec::new();
        while let Some(more) = follower.next().await.unwrap() {
            events.extend(more);
        }
        events
    }
}

/// Reads a run to its end. Returns its events and its end.
async fn read(mut run: StartedRun) -> (Vec<Arc<NumberedEvent>>, EndedRun) {
    let mut events = Vec::new();
    while let Some(more) = run.next_events().await {
        events.extend(more);
    }
    (events, run.finished().await.unwrap())
}

fn kinds(events: &[Arc<NumberedEvent>]) -> Vec<&'static str> {
    events
        .iter()
        .map(|numbered| match &numbered.event {
            RunEvent::Started(_) => "started",
            RunEvent::Message(MessageEvent::Created(_)) => "message created",
            RunEvent::Message(MessageEvent::Completed(_)) => "message completed",
            RunEvent::Message(MessageEvent::Replaced(_)) => "message replaced",
            RunEvent::Message(MessageEvent::Removed(_)) => "message removed",
            RunEvent::Text { .. } => "text",
            RunEvent::Reasoning { .. } => "reasoning",
            RunEvent::ToolCall(ToolCallEvent::Started(_)) => "tool call started",
            RunEvent::ToolCall(ToolCallEvent::Completed(_)) => "tool call completed",
            RunEvent::Item(ItemEvent::Done(_)) => "item done",
            RunEvent::Item(_) => "item",
            RunEvent::Conversation(_) => "conversation",
            RunEvent::Aside(_) => "aside",
            RunEvent::Ended(_) => "ended",
        })
        .collect()
}

#[tokio::test]
async fn a_tool_call_is_stored_with_the_answer_and_returned_to_the_model() {
    let call = RequestedCall {
        call_id: "call_1".to_owned(),
        tool_name: "add_task".to_owned(),
        arguments: r#"{"title": "Buy milk"}"#.to_owned(),
        provider_data: None,
    };
    let scripts = [
        vec![ModelEvent::ToolCall(call), END],
        vec![text("Done"), text("."), END],
    ];
    let fixture = Fixture::new(scripts).await;
    let (events, ended) = read(fixture.say("Add milk").await).await;
    let expected = [
        "started",
        "message created",
        "tool call started",
        "tool call completed",
        "text",
        "text",
        "message completed",
        "ended",
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(ended.run.status, RunStatus::Completed);
    let answer = ended.assistant_message.clone().unwrap();
    assert_eq!(answer.content, "Done.");
    assert_eq!(answer.tool_calls[0].status, ToolCallStatus::Success);
    let last = fixture.provider.last_input();
    assert!(matches!(last, InputItem::ToolResult { call_id, .. } if call_id == "call_1"));
    assert_eq!(fixture.events(&ended).await, events);
}

#[tokio::test]
async fn a_cut_off_answer_is_stored_as_incomplete() {
    let fixture = Fixture::new([vec![text("Half an ans")]]).await;
    let (_, ended) = read(fixture.say("Hello").await).await;
    assert_eq!(ended.run.status, RunStatus::Failed);
    let error = ended.run.error.unwrap();
    assert_eq!(error.code, RunErrorCode::ModelFailed);
    assert_eq!(fixture.history().await, ["Hello", "Half an ans"]);
}

#[tokio::test]
async fn a_failed_regeneration_restores_the_answer() {
    let scripts = [vec![text("First."), END], vec![text("Sec")]];
    let fixture = Fixture::new(scripts).await;
    let (_, first) = read(fixture.say("Hello").await).await;
    let message: ItemId = first.run.user_message_id.unwrap();
    let (_, second) = read(fixture.start(StartInput::Regenerate(message)).await).await;
    assert_eq!(second.run.status, RunStatus::Failed);
    assert_eq!(second.assistant_message, None);
    assert_eq!(fixture.history().await, ["Hello", "First."]);
}

#[tokio::test]
async fn a_run_that_nobody_follows_is_rebuilt_from_what_it_left() {
    let fixture = Fixture::new([vec![text("One "), text("two."), END]]).await;
    let ended = fixture.say("Count").await.finished().await.unwrap();
    let events = fixture.events(&ended).await;
    let expected = [
        "started",
        "message created",
        "text",
        "message completed",
        "ended",
    ];
    assert_eq!(kinds(&events), expected);
}

#[tokio::test]
async fn a_shutdown_interrupts_a_run_and_stores_its_text() {
    #[derive(Debug)]
    struct Silent;

    #[async_trait]
    impl Responder for Silent {
        async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
            let mut message = turn.message();
            message.text("So far");
            std::future::pending().await
        }
    }

    let fixture = Fixture::with_responder([], Silent).await;
    let mut run = fixture.say("Hello").await;
    let mut events = Vec::new();
    while !kinds(&events).contains(&"text") {
        events.extend(run.next_events().await.unwrap());
    }
    fixture.agent.shutdown(Duration::ZERO).await;
    let ended = run.finished().await.unwrap();
    assert_eq!(ended.run.error.unwrap().code, RunErrorCode::Interrupted);
    assert_eq!(fixture.history().await, ["Hello", "So far"]);
}

#[tokio::test]
async fn the_end_of_an_interrupted_run_repeats_its_message() {
    #[derive(Debug)]
    struct Hanging;

    #[async_trait]
    impl Responder for Hanging {
        async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
            turn.say("Said.").await?;
            std::future::pending().await
        }
    }

    let fixture = Fixture::with_responder([], Hanging).await;
    let mut run = fixture.say("Hello").await;
    let mut events = Vec::new();
    while !kinds(&events).contains(&"message completed") {
        events.extend(run.next_events().await.unwrap());
    }
    fixture.agent.shutdown(Duration::ZERO).await;
    let (closing, ended) = read(run).await;
    assert_eq!(kinds(&closing), ["message completed", "ended"]);
    let numbers: Vec<u64> = closing.iter().map(|event| event.number).collect();
    let last = events.last().unwrap().number;
    assert_eq!(numbers, [last + 1_000_000, last + 1_000_001]);
    assert_eq!(ended.assistant_message.as_ref().unwrap().content, "Said.");
    events.extend(closing);
    assert_eq!(fixture.events(&ended).await, events);
}

/// Shows a widget, writes two messages, replaces the first, and withdraws a third.
#[derive(Debug)]
struct Showman;

#[async_trait]
impl Responder for Showman {
    async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
        turn.progress("Looking", None);
        turn.widget(build::card([build::text("Sunny")]).widget(), None)
            .await?;
        let first = turn.say("It is\0 sunny.").await?;
        let content = vec![chatkit_protocol::OutputText::new("It is very sunny.")];
        let kind = chatkit_protocol::ItemKind::AssistantMessage { content };
        turn.replace(first, kind).await?;
        let draft = turn.say("A draft.").await?;
        turn.remove(draft).await?;
        turn.say("Enjoy.").await?;
        Ok(Reply::Done)
    }
}

#[tokio::test]
async fn each_fact_of_a_responder_is_emitted_once() {
    let fixture = Fixture::with_responder([], Showman).await;
    let (events, ended) = read(fixture.say("Weather?").await).await;
    let expected = [
        "started",
        "message created",
        "aside",
        "item done",
        "message completed",
        "message replaced",
        "message completed",
        "message removed",
        "message completed",
        "ended",
    ];
    assert_eq!(kinds(&events), expected);
    assert!(matches!(
        &events[2].event,
        RunEvent::Aside(Aside::Progress { text, .. }) if text == "Looking"
    ));
    let RunEvent::Message(MessageEvent::Completed(first)) = &events[4].event else {
        panic!("{:?}", events[4]);
    };
    assert_eq!(first.content, "It is\u{fffd} sunny.");
    let last = ended.assistant_message.as_ref().unwrap();
    assert_eq!(last.content, "Enjoy.");
    let expected = ["Weather?", "It is very sunny.", "Enjoy."];
    assert_eq!(fixture.history().await, expected);
}

#[tokio::test]
async fn swept_events_of_a_responder_are_rebuilt_with_their_numbers() {
    #[derive(Debug)]
    struct Greeter;

    #[async_trait]
    impl Responder for Greeter {
        async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
            turn.say("Hi.").await?;
            Ok(Reply::Done)
        }
    }

    let fixture = Fixture::with_responder([], Greeter).await;
    let (events, ended) = read(fixture.say("Hello").await).await;
    let expected = ["started", "message created", "message completed", "ended"];
    assert_eq!(kinds(&events), expected);
    let after_end = ended.run.ended_at.unwrap() + Duration::from_millis(1);
    let swept = fixture.repositories.journal.sweep_events(after_end).await;
    assert_eq!(swept.unwrap(), 1);
    let rebuilt = fixture.events(&ended).await;
    assert_eq!(kinds(&rebuilt), expected);
    // The first event names the answer that the run left, not the one that was reserved.
    assert_eq!(rebuilt[1..], events[1..]);
}
