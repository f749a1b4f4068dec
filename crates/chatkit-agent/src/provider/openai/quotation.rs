//! Distinguishes a server's own words from quotations of the conversation.

use crate::provider::{InputItem, ModelRequest};

/// The shortest part of a text that counts as a quotation, in letters and digits.
const SHORTEST: usize = 10;

/// The shortest text that counts as quoted as a whole, in letters and digits.
const SHORTEST_WHOLE: usize = 3;

/// Whether a phrase also appears in the request, so that the server may only quote it.
pub(super) fn is_quoted(phrase: &str, request: &ModelRequest) -> bool {
    let phrase = normalize(phrase);
    texts(request).any(|text| normalize(text).contains(&phrase))
}

/// Whether a message may quote any part of the request.
pub(super) fn quotes_any(message: &str, request: &ModelRequest) -> bool {
    let message = normalize(message);
    let chars: Vec<char> = message.chars().collect();
    let parts: Vec<String> = chars
        .windows(SHORTEST)
        .map(|part| part.iter().collect())
        .collect();
    texts(request).any(|text| {
        let text = normalize(text);
        let is_whole = text.len() >= SHORTEST_WHOLE && message.contains(&text);
        is_whole || parts.iter().any(|part| text.contains(part))
    })
}

/// Returns all texts of a request that a user or a tool may have written.
fn texts(request: &ModelRequest) -> impl Iterator<Item = &str> {
    let own = [request.instructions.as_str()];
    let stop = request.sampling.stop.iter().map(String::as_str);
    let input = request.input.iter().flat_map(texts_of);
    own.into_iter().chain(stop).chain(input)
}

fn texts_of(item: &InputItem) -> Vec<&str> {
    match item {
        InputItem::User(text) | InputItem::Note(text) => vec![text],
        InputItem::Assistant { text, calls } => {
            let calls = calls.iter();
            let texts = calls.flat_map(|call| {
                // Attached data may quote the user too.
                let data = call.provider_data.as_deref().unwrap_or_default();
                [call.arguments.as_str(), &call.tool_name, data]
            });
            texts.chain([text.as_str()]).collect()
        }
        InputItem::ToolResult { output, .. } => vec![output],
    }
}

/// Normalizes text so that a quotation compares equal to its source.
fn normalize(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
