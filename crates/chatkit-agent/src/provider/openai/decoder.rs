//! Decodes the bytes of an answer into events, for both APIs.
//!
//! Reads server-sent events, and a single JSON object from servers that ignore `stream`. Memory is
//! bounded, and each byte is read once.

use std::collections::VecDeque;

use super::{
    answer::{Broken, Part, Parts, Stage, garbage},
    attached::Tag,
    chat::ChatAnswer,
    options::OpenAiApi,
    responses::ResponseAnswer,
    sse::{Event, EventReader},
    think::{Piece, ThinkSplitter},
};
use crate::provider::{ModelEvent, ProviderError, json::Halves};

/// The maximum size of an answer that is a single JSON object, in bytes.
const MAX_WHOLE_BYTES: usize = 4 * 1024 * 1024;

/// Decodes one answer.
#[derive(Debug)]
pub(super) struct Decoder {
    form: Form,
    answer: Answer,
    think: ThinkSplitter,
    text_halves: Halves,
    reasoning_halves: Halves,
    is_ended: bool,
}

/// The form of the answer. Its first character determines it.
#[derive(Debug)]
enum Form {
    Unknown,
    Events(EventReader),
    Whole(Vec<u8>),
}

#[derive(Debug)]
enum Answer {
    Chat(ChatAnswer),
    Response(ResponseAnswer),
}

impl Decoder {
    pub(super) fn new(api: OpenAiApi, model: &str) -> Self {
        let tag = Tag {
            api: api.as_str(),
            model: model.to_owned(),
        };
        Self {
            form: Form::Unknown,
            answer: match api {
                OpenAiApi::ChatCompletions => Answer::Chat(ChatAnswer::new(tag)),
                OpenAiApi::Responses => Answer::Response(ResponseAnswer::new(tag)),
            },
            think: ThinkSplitter::default(),
            text_halves: Halves::default(),
            reasoning_halves: Halves::default(),
            is_ended: false,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        if self.is_ended {
            return Stage::Ended;
        }
        match &self.answer {
            Answer::Chat(answer) => answer.stage(),
            Answer::Response(answer) => answer.stage(),
        }
    }

    /// Reads more bytes, and appends their events to the answer.
    ///
    /// # Errors
    /// [`Broken`]. Nothing can be read after an error.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        out: &mut VecDeque<ModelEvent>,
    ) -> Result<(), Broken> {
        let mut bytes = bytes;
        if let Form::Unknown = self.form {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            match bytes.trim_ascii_start().first() {
                None => return Ok(()),
                Some(b'{' | b'[') => self.form = Form::Whole(Vec::new()),
                Some(_) => self.form = Form::Events(EventReader::default()),
            }
        }
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Whole(whole) if whole.len() + bytes.len() > MAX_WHOLE_BYTES => {
                Err(garbage("the answer is larger than 4 MiB").into())
            }
            Form::Whole(whole) => {
                whole.extend_from_slice(bytes);
                Ok(())
            }
            Form::Events(reader) => {
                let mut events = Vec::new();
                let read = reader.read(bytes, &mut events);
                self.add_events(events, out)?;
                read.map_err(|error| ProviderError::Failed(Box::new(error)).into())
            }
        }
    }

    /// Reads the end of the bytes, and appends the remaining events.
    ///
    /// # Errors
    /// [`Broken`], also if the answer is not complete.
    pub(super) fn end(&mut self, out: &mut VecDeque<ModelEvent>) -> Result<(), Broken> {
        match std::mem::replace(&mut self.form, Form::Unknown) {
            Form::Unknown => {}
            Form::Whole(whole) => {
                let parts = match &mut self.answer {
                    Answer::Chat(answer) => answer.whole(&whole)?,
                    Answer::Response(answer) => answer.whole(&whole)?,
                };
                self.add_parts(parts, out);
            }
            Form::Events(mut reader) => {
                let mut events = Vec::new();
                reader.end(&mut events);
                self.add_events(events, out)?;
            }
        }
        if self.stage() == Stage::Open {
            return Err(garbage("the answer was cut off").into());
        }
        self.finish(out);
        Ok(())
    }

    /// Appends the events at the end of an answer: calls, usage, and the finish reason.
    pub(super) fn finish(&mut self, out: &mut VecDeque<ModelEvent>) {
        if let Some(text) = self.text_halves.end() {
            out.extend(self.think.read(text).into_iter().map(event));
        }
        out.extend(self.reasoning_halves.end().map(ModelEvent::ReasoningDelta));
        out.extend(self.think.end().map(event));
        let (calls, usage, reason) = match &mut self.answer {
            Answer::Chat(answer) => answer.finish(),
            Answer::Response(answer) => answer.finish(),
        };
        out.extend(calls);
        out.extend(usage.map(ModelEvent::Usage));
        out.push_back(ModelEvent::Finished(reason));
    }

    fn add_events(
        &mut self,
        events: Vec<Event>,
        out: &mut VecDeque<ModelEvent>,
    ) -> Result<(), Broken> {
        for event in events.into_iter().flat_map(separate) {
            if self.is_ended {
                break;
            }
            if event.data.starts_with(b"[DONE]") {
                self.is_ended = true;
                break;
            }
            let parts = self.add_event(&event)?;
            self.add_parts(parts, out);
        }
        Ok(())
    }

    fn add_event(&mut self, event: &Event) -> Result<Parts, Broken> {
        match &mut self.answer {
            Answer::Chat(answer) => answer.add(&event.name, &event.data),
            Answer::Response(answer) => answer.add(&event.name, &event.data),
        }
    }

    fn add_parts(&mut self, parts: Parts, out: &mut VecDeque<ModelEvent>) {
        let has_halves = parts.has_halves;
        for part in parts.parts {
            match part {
                Part::Text(text) => {
                    let text = self.text_halves.join(text, has_halves);
                    let pieces = self.think.read(text).into_iter();
                    out.extend(pieces.map(event).filter(is_non_empty));
                }
                Part::Reasoning(text) => {
                    let text = self.reasoning_halves.join(text, has_halves);
                    out.extend(Some(ModelEvent::ReasoningDelta(text)).filter(is_non_empty));
                }
                Part::Working => out.push_back(ModelEvent::Working),
            }
        }
    }
}

/// Splits a block of lines into events if the server did not separate them by empty lines. The end
/// marker shows that. Otherwise the lines may be the JSON of a single event.
fn separate(event: Event) -> Vec<Event> {
    let lines = || event.data.split(|byte| *byte == b'\n');
    if event.data.starts_with(b"[DONE]") || !lines().any(|line| line.starts_with(b"[DONE]")) {
        return vec![event];
    }
    let of_line = |line: &[u8]| Event {
        name: event.name.clone(),
        data: line.to_vec(),
    };
    lines().map(of_line).collect()
}

fn event(piece: Piece) -> ModelEvent {
    match piece {
        Piece::Text(text) => ModelEvent::TextDelta(text),
        Piece::Reasoning(text) => ModelEvent::ReasoningDelta(text),
    }
}

fn is_non_empty(event: &ModelEvent) -> bool {
    match event {
        ModelEvent::TextDelta(text) | ModelEvent::ReasoningDelta(text) => !text.is_empty(),
        _ => true,
    }
}
