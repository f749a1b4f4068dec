use serde_json::{Value, json};

use super::*;
use crate::provider::{InputItem, ToolChoice};

/// Returns a refusal with this status and body.
fn refusal(status: u16, body: &str) -> Refusal {
    let value = serde_json::from_str(body).unwrap_or(Value::String(body.to_owned()));
    Refusal {
        status: StatusCode::from_u16(status).ok(),
        text: body.to_lowercase(),
        ..Refusal::of(&value)
    }
}

/// Returns a request in which the user sent this text.
fn request() -> ModelRequest {
    ModelRequest {
        model: "m".to_owned(),
        instructions: "Be kind.".to_owned(),
        input: vec![InputItem::User("secret words: my PIN is 4711".to_owned())],
        tools: std::sync::Arc::default(),
        tool_choice: ToolChoice::Auto,
        sampling: Sampling::default(),
        cache_key: String::new(),
    }
}

fn error(status: u16, body: &str) -> ProviderError {
    refusal(status, body).into_error(&Sampling::default(), Some(&request()), Some("sk-secret"))
}

/// Returns the error with all its causes, in the form for the log.
fn logged(error: &ProviderError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

#[test]
fn known_phrases_mean_the_input_is_too_long() {
    for (status, body) in [
        (400, r#"{"error":{"code":"context_length_exceeded"}}"#),
        (400, "This model's maximum Context Length is 8192 tokens"),
        (500, "the request exceeds the available context size"),
        (
            400,
            r#"[{"error":{"code":400,"message":"The input token count (2181) exceeds the maximum number of tokens allowed (2048).","status":"INVALID_ARGUMENT"}}]"#,
        ),
        (400, "Input is too long for requested model"),
        (422, "`inputs` tokens + `max_new_tokens` must be <= 4096"),
        (400, "Range of input length should be [1, 30720]"),
        (
            400,
            r#"{"error":"This model's maximum prompt length is 131072"}"#,
        ),
        (413, r#"{"error":{"type":"request_too_large"}}"#),
    ] {
        assert!(
            matches!(error(status, body), ProviderError::ContextTooLong),
            "{body}"
        );
        assert!(!refusal(status, body).may_pass(), "{body}");
    }
    let rate = r#"{"error":{"code":"rate_limit_exceeded","message":"too many tokens per minute"}}"#;
    assert!(matches!(error(429, rate), ProviderError::Overloaded { .. }));
}

#[test]
fn a_configuration_error_names_its_setting_and_logs_the_message() {
    for (status, body, setting) in [
        (
            401,
            r#"{"error":{"code":"invalid_api_key","message":"Bad key sk-secret"}}"#,
            "OPENAI_API_KEY",
        ),
        (402, "pay first", "quota"),
        (429, r#"{"error":{"code":"insufficient_quota"}}"#, "quota"),
        (
            404,
            r#"{"error":{"message":"The model `x` does not exist"}}"#,
            "OPENAI_MODEL",
        ),
        (404, "page not found", "OPENAI_BASE_URL"),
        (307, "", "OPENAI_BASE_URL"),
        (
            400,
            r#"{"message":"Invalid model: x","type":"invalid_model"}"#,
            "OPENAI_MODEL",
        ),
        (
            400,
            r#"{"error":{"param":"stream","message":"m"}}"#,
            "OPENAI_API",
        ),
    ] {
        let error = error(status, body);
        let log = logged(&error);
        assert!(matches!(error, ProviderError::Unavailable { .. }), "{log}");
        assert!(log.contains(setting), "{log}");
        assert!(!log.contains("sk-secret"), "{log}");
    }
    let bad = error(401, r#"{"error":{"message":"Bad key"}}"#);
    assert!(logged(&bad).contains("Bad key"));
}

#[test]
fn text_that_may_quote_the_conversation_is_not_logged() {
    for body in [
        r#"{"error":{"code":"x","message":"secret words"}}"#,
        r#"{"error":{"code":"secret words and spaces","message":"m"}}"#,
        "secret words",
        r#"{"error":"secret words"}"#,
        r#"{"error":{"param":"messages.[1].content","message":"secret words"}}"#,
        r#"{"error":{"code":"my-PIN-is-4711 and more","message":"m"}}"#,
        r#"{"detail":[{"loc":["body","messages",0,"content"],"msg":"secret words"}]}"#,
        r#"{"error":{"message":"secret words","type":"None","param":"None","code":"400"}}"#,
    ] {
        let error = error(400, body);
        assert!(matches!(error, ProviderError::Rejected(_)), "{body}");
        assert!(
            !logged(&error).contains("4711") && !logged(&error).contains("secret"),
            "{}",
            logged(&error)
        );
    }
}

#[test]
fn a_message_about_configuration_that_quotes_the_user_is_not_logged() {
    for message in [
        "Request blocked: \"my PIN is 4711\"",
        "no: SECRET WORDS MY pin",
    ] {
        let body = json!({"error": {"message": message}}).to_string();
        let log = logged(&error(403, &body));
        assert!(!log.contains("4711") && !log.contains("SECRET"), "{log}");
        assert!(log.contains("OPENAI_API_KEY"), "{log}");
    }
}

#[test]
fn a_length_that_the_caller_set_is_the_callers_error() {
    let sampling = Sampling {
        max_tokens: Some(20_000),
        ..Sampling::default()
    };
    let body = "'max_tokens' or 'max_completion_tokens' is too large: 20000. This model's maximum context length is 4096 tokens";
    let error = refusal(400, body).into_error(&sampling, None, None);
    assert!(matches!(
        error,
        ProviderError::ParameterRefused {
            parameter: "max_tokens"
        }
    ));
    let error = refusal(400, body).into_error(&Sampling::default(), None, None);
    assert!(matches!(error, ProviderError::ContextTooLong));
    let error = refusal(413, "too large").into_error(&sampling, None, None);
    assert!(matches!(error, ProviderError::ContextTooLong));
}

#[test]
fn a_filter_refusal_is_recognized() {
    for (status, body) in [
        (400, r#"{"error":{"code":"content_filter","message":"m"}}"#),
        (
            400,
            r#"{"error":{"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
        ),
        (400, r#"{"error":{"code":"data_inspection_failed"}}"#),
        (400, r#"{"error":{"message":"Content Exists Risk"}}"#),
    ] {
        assert!(
            matches!(error(status, body), ProviderError::ContentFiltered),
            "{body}"
        );
    }
    assert!(matches!(
        error(500, "content_filter crashed"),
        ProviderError::Failed(_)
    ));
}

#[test]
fn a_callers_parameter_is_named() {
    let sampling = Sampling {
        temperature: Some(2.0),
        max_tokens: Some(1),
        ..Sampling::default()
    };
    for (body, expected) in [
        (json!({"error": {"param": "temperature"}}), "temperature"),
        (
            json!({"error": {"message": "Unsupported value: 'temperature' must be 1"}}),
            "temperature",
        ),
        (
            json!({"detail": [{"loc": ["body", "max_tokens"], "msg": "m"}]}),
            "max_tokens",
        ),
        (
            json!({"error": {"param": "max_output_tokens"}}),
            "max_tokens",
        ),
    ] {
        match refusal(400, &body.to_string()).into_error(&sampling, None, None) {
            ProviderError::ParameterRefused { parameter } => assert_eq!(parameter, expected),
            other => panic!("{other:?}"),
        }
    }
    // A parameter that the caller did not set is not the caller's error.
    let other = refusal(400, r#"{"error":{"param":"seed"}}"#);
    let error = other.into_error(&sampling, None, None);
    assert!(!matches!(error, ProviderError::ParameterRefused { .. }));
}
