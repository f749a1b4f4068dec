//! Interprets a server's refusal: a status with a body, or an error within a stream.
//!
//! Servers agree on little more than "an error is JSON". The status determines the meaning first,
//! then the codes, and last the text. A body may quote the conversation, so the log only gets its
//! codes. The message is logged only for configuration errors.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use serde_json::Value;

use super::{
    quotation::{is_quoted, quotes_any},
    wording,
};
use crate::provider::{ModelRequest, ProviderError, Sampling};

/// The maximum number of bytes that are read of an error's body.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The maximum number of characters of a server's message that are logged.
const LOGGED_CHARS: usize = 200;

/// The maximum `Retry-After` that is passed on.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A server's error response, parsed.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// The status of the response. `None` for an error within a stream.
    status: Option<StatusCode>,
    code: String,
    kind: String,
    /// The refused member of the request, if the server names it.
    pub(super) param: String,
    pub(super) message: String,
    /// All texts of the error, in lower case.
    pub(super) text: String,
    retry_after: Option<Duration>,
}

/// A refusal in the form for the log.
#[derive(Debug, thiserror::Error)]
#[error("status {status}, code {code:?}, type {kind:?}, param {param:?}{message}")]
struct Reported {
    status: u16,
    code: String,
    kind: String,
    param: String,
    /// The start of the server's message, or an empty text.
    message: String,
}

impl Refusal {
    /// Reads the refusal of a request.
    pub(super) async fn read(response: Response) -> Self {
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = read_start(response).await;
        let value = serde_json::from_str(&body).unwrap_or(Value::String(body.clone()));
        Self {
            status: Some(status),
            retry_after,
            text: body.to_lowercase(),
            ..Self::of(&value)
        }
    }

    /// Reads an error within a stream.
    pub(super) fn in_stream(error: &Value) -> Self {
        Self {
            text: error.to_string().to_lowercase(),
            ..Self::of(error)
        }
    }

    /// Reads the members of an error in all known forms: OpenAI's, a list with one element
    /// (Gemini), a flat object (Mistral, vLLM), and FastAPI's.
    fn of(value: &Value) -> Self {
        let value = value.get(0).unwrap_or(value);
        let error = match &value["error"] {
            Value::Null => value,
            error => error,
        };
        let detail = &error["detail"];
        let detail = detail.get(0).unwrap_or(detail);
        let message = [
            &error["message"],
            &error["msg"],
            &detail["msg"],
            detail,
            error,
        ];
        Self {
            code: word(&error["code"]),
            kind: word(
                [&error["type"], &error["status"], &detail["type"]]
                    .into_iter()
                    .find(|kind| kind.is_string())
                    .unwrap_or(&Value::Null),
            ),
            param: match &error["param"] {
                Value::String(param) => without_none(param).to_owned(),
                _ => path_of(&detail["loc"]),
            },
            message: message
                .into_iter()
                .find_map(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            ..Self::default()
        }
    }

    /// Whether the code or type of the error is one of these.
    fn has_code(&self, words: &[&str]) -> bool {
        let is = |own: &str| words.iter().any(|word| own.eq_ignore_ascii_case(word));
        is(&self.code) || is(&self.kind)
    }

    /// Whether the server may accept another form of the request. It does not ask for a retry, a
    /// shorter input or another key.
    pub(super) fn may_ask_for_changes(&self) -> bool {
        let is_other = self.is_overloaded() || self.is_quota_error() || self.is_filtered();
        !is_other && !self.is_too_long() && !matches!(self.effective_status(), 401..=403)
    }

    /// Whether the server rejects the request itself.
    pub(super) fn is_bad_request(&self) -> bool {
        matches!(self.effective_status(), 0 | 400 | 404 | 422)
    }

    /// Returns the parts of the path to the refused member.
    pub(super) fn param_parts(&self) -> impl Iterator<Item = &str> {
        self.param.split(['.', '/', '[', ']'])
    }

    /// Returns the status of the response, or else the status in the body. Returns 0 if neither
    /// exists.
    fn effective_status(&self) -> u16 {
        let own = self.status.map(|status| status.as_u16());
        let named = || {
            self.code
                .parse()
                .ok()
                .filter(|code| (400..600).contains(code))
        };
        own.filter(|status| *status != 200)
            .or_else(named)
            .unwrap_or_default()
    }

    /// Whether the same request may succeed a little later. Within a stream the server has already
    /// accepted the request, so only an overload is temporary.
    pub(super) fn may_pass(&self) -> bool {
        let is_server_error = self.status.is_some_and(|status| status.is_server_error());
        let may = is_server_error || self.effective_status() == 408 || self.is_overloaded();
        may && !self.is_too_long() && !self.is_filtered() && !self.is_quota_error()
    }

    /// Returns the delay that the server requests.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    fn is_overloaded(&self) -> bool {
        match self.effective_status() {
            413 => false,
            429 | 529 => true,
            503 => self.retry_after.is_some() || self.has_code(wording::OVERLOADED),
            _ => self.has_code(wording::OVERLOADED),
        }
    }

    fn is_quota_error(&self) -> bool {
        self.effective_status() == 402 || self.has_code(wording::QUOTA)
    }

    fn is_filtered(&self) -> bool {
        self.has_code(wording::FILTERED_CODES)
            || (matches!(self.effective_status(), 0 | 400 | 403 | 422 | 451)
                && contains(&self.text, wording::FILTERED))
    }

    fn is_too_long(&self) -> bool {
        let is_certain = self.has_code(wording::TOO_LONG_CODES)
            || self.effective_status() == 413
            || contains(&self.text, wording::TOO_LARGE);
        if is_certain {
            return true;
        }
        // A rate limit may also mention tokens.
        !self.is_overloaded() && contains(&self.text, wording::TOO_LONG)
    }

    /// Whether the refused member is the conversation itself. That is not a configuration error.
    fn is_of_conversation(&self) -> bool {
        self.param_parts()
            .any(|part| matches!(part, "messages" | "input" | "prompt"))
    }

    /// Returns the setting to check if the refusal is about configuration.
    fn setting(&self) -> Option<&'static str> {
        if self.is_quota_error() {
            return Some("OPENAI_API_KEY (its quota is used up)");
        }
        if self.has_code(wording::UNKNOWN_MODEL) {
            return Some("OPENAI_MODEL");
        }
        match self.effective_status() {
            401 | 403 => Some("OPENAI_API_KEY"),
            // The path does not exist, or the model does not.
            404 if contains(&self.text, &["model"]) => Some("OPENAI_MODEL"),
            300..400 | 404 | 405 => Some("OPENAI_BASE_URL"),
            400 | 422 if !self.param.is_empty() && !self.is_of_conversation() => {
                Some("OPENAI_API and OPENAI_MODEL")
            }
            _ => None,
        }
    }

    /// Returns the refused parameter of the caller.
    fn refused_parameter(&self, sampling: &Sampling) -> Option<&'static str> {
        if !self.is_bad_request() {
            return None;
        }
        let is_named = |wire: &str| {
            let in_text = self.param.is_empty() && names(&self.text, wire);
            in_text || self.param_parts().any(|part| part == wire)
        };
        let mut set = sampling.names().into_iter();
        set.find(|name| match *name {
            // These names are also ordinary words, so the text is not searched.
            "stop" | "seed" => self.param_parts().any(|part| part == *name),
            // The Responses API has another name for this parameter.
            name if name.starts_with("max_") => is_named(name) || is_named("max_output_tokens"),
            name => is_named(name),
        })
    }

    /// Converts the refusal to the run's error. `request` is the refused request. Without it, the
    /// server's message may quote anything and is not logged.
    pub(super) fn into_error(
        self,
        sampling: &Sampling,
        request: Option<&ModelRequest>,
        api_key: Option<&str>,
    ) -> ProviderError {
        // Check this first: an error about the caller's maximum length also mentions the length of
        // the context.
        if let Some(parameter) = self.refused_parameter(sampling) {
            return ProviderError::ParameterRefused { parameter };
        }
        // Words count only if the server does not quote them from the request.
        let own = |words: &[&str]| {
            let mut found = words.iter().filter(|word| self.text.contains(**word));
            found.any(|word| request.is_none_or(|request| !is_quoted(word, request)))
        };
        let has_long_code =
            self.has_code(wording::TOO_LONG_CODES) || self.effective_status() == 413;
        let has_long_words = || own(wording::TOO_LONG) || own(wording::TOO_LARGE);
        if self.is_too_long() && (has_long_code || has_long_words()) {
            return ProviderError::ContextTooLong;
        }
        let has_filter_code = self.has_code(wording::FILTERED_CODES);
        if self.is_filtered() && (has_filter_code || own(wording::FILTERED)) {
            return ProviderError::ContentFiltered;
        }
        let setting = self.setting();
        if setting.is_none() && self.is_overloaded() {
            let retry_after = self.retry_after;
            return ProviderError::Overloaded { retry_after };
        }
        match setting {
            Some(setting) => {
                let quotes = |request| quotes_any(&self.message, request);
                let is_own = request.is_some_and(|request| !quotes(request));
                ProviderError::Unavailable {
                    setting,
                    source: Box::new(self.reported(request, is_own, api_key)),
                }
            }
            None => {
                let is_rejected = matches!(self.effective_status(), 400 | 422);
                let source = Box::new(self.reported(request, false, api_key));
                if is_rejected {
                    ProviderError::Rejected(source)
                } else {
                    ProviderError::Failed(source)
                }
            }
        }
    }

    fn reported(
        self,
        request: Option<&ModelRequest>,
        with_message: bool,
        api_key: Option<&str>,
    ) -> Reported {
        let message = match api_key.filter(|key| !key.is_empty()) {
            Some(key) => self.message.replace(key, "…"),
            None => self.message.clone(),
        };
        let start: String = without_secrets(&message)
            .chars()
            .take(LOGGED_CHARS)
            .collect();
        // A server may copy its codes from the request.
        let own = |code: &str| {
            let is_quoted = request.is_some_and(|request| is_quoted(code, request));
            let code = loggable_code(code);
            if is_quoted && !KNOWN_WORDS.contains(&code.as_str()) {
                String::new()
            } else {
                code
            }
        };
        Reported {
            status: self.effective_status(),
            code: own(&self.code),
            kind: own(&self.kind),
            param: own(&self.param),
            message: if with_message && !start.trim().is_empty() {
                format!(", message {start:?}")
            } else {
                String::new()
            },
        }
    }
}

/// Short codes that a conversation may contain by chance.
const KNOWN_WORDS: [&str; 4] = ["", "error", "model", "server_error"];

/// Removes quotations and words that look like keys from a message.
fn without_secrets(message: &str) -> String {
    let mut mark = None;
    let unquoted: String = message
        .chars()
        .map(|c| match mark {
            Some(open) => {
                mark = Some(open).filter(|open| *open != c);
                '…'
            }
            None => {
                mark = Some(c).filter(|c| matches!(c, '"' | '`'));
                c
            }
        })
        .collect();
    let is_key = |word: &&str| {
        let word = word.to_ascii_lowercase();
        word.contains("sk-") || word.contains("sk%2d") || word.contains("bearer")
    };
    let words = unquoted.split_whitespace();
    let words = words.map(|word| if is_key(&word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a lowercase text contains one of these phrases.
pub(super) fn contains(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Whether a lowercase text mentions a parameter. A name that is also an English word must be in
/// quotation marks.
pub(super) fn names(text: &str, name: &str) -> bool {
    let is_word = !name.contains('_') && name != "temperature";
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        let is_mark = |c: Option<char>| matches!(c, Some('\'' | '"' | '`' | '\\'));
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if is_word {
            is_mark(before) && is_mark(after)
        } else {
            !is_part(before) && !is_part(after)
        }
    })
}

/// Joins a path such as `["body", "messages", 0, "content"]` (FastAPI) with dots.
fn path_of(location: &Value) -> String {
    let parts = location.as_array().into_iter().flatten();
    let parts = parts.filter_map(|part| match part {
        Value::String(part) => Some(part.clone()),
        Value::Number(part) => Some(part.to_string()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join(".")
}

/// Replaces Python's or JSON's word for nothing by an empty text. Some gateways send it as text.
fn without_none(text: &str) -> &str {
    match text {
        "None" | "null" | "undefined" => "",
        text => text,
    }
}

/// Converts a code to text for the log.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => loggable_code(text),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Returns an error code, or an empty text if it has other characters. Such a text may quote the
/// conversation.
fn loggable_code(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    let text = without_none(text);
    let is_code = text.len() <= 64 && text.chars().all(fits);
    if is_code {
        text.to_owned()
    } else {
        String::new()
    }
}

/// Parses `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match value.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(value).ok()?;
            let wait = date.with_timezone(&Utc) - Utc::now();
            wait.to_std().unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

async fn read_start(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= MAX_BODY_BYTES {
            break;
        }
    }
    bytes.truncate(MAX_BODY_BYTES);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
