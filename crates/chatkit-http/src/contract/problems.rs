//! The problems that each operation can have.
//!
//! An operation's error type names statuses (`problem::responses`). The request adds others: ids in
//! the path, parameters, and a body can be wrong. Each status is described once, here.

use serde_json::{Value, json};

use super::schemas::members;

/// A status with its description.
struct ProblemDoc {
    status: u16,
    name: &'static str,
    description: &'static str,
    /// A header of the response: its name, its type, and its description.
    header: Option<(&'static str, &'static str, &'static str)>,
}

const fn problem(status: u16, name: &'static str, description: &'static str) -> ProblemDoc {
    ProblemDoc {
        status,
        name,
        description,
        header: None,
    }
}

const RETRY_AFTER: Option<(&str, &str, &str)> =
    Some(("Retry-After", "integer", "Seconds to wait before a retry."));

const PROBLEMS: [ProblemDoc; 15] = [
    problem(400, "UnreadableBody", "The body is not JSON."),
    ProblemDoc {
        header: Some((
            "WWW-Authenticate",
            "string",
            "The challenge (RFC 6750 section 3).",
        )),
        ..problem(
            401,
            "Unauthorized",
            "The request has no token, or the token is not valid.",
        )
    },
    problem(
        403,
        "Forbidden",
        "The path or `X-Expected-User` names another user than the token (`other_user`), or a \
         page of an origin that is not listed used the cookie (`foreign_origin`).",
    ),
    problem(
        404,
        "NotFound",
        "The resource does not exist, or belongs to another user.",
    ),
    problem(
        406,
        "NotAcceptable",
        "The `Accept` header excludes the media type of the response.",
    ),
    problem(
        409,
        "Conflict",
        "Another run is active in the conversation (`run_active`, with `active_run_id`), or the \
         run was stopped before it produced any text (`run_cancelled`).",
    ),
    problem(413, "PayloadTooLarge", "The body is larger than 1 MiB."),
    problem(
        415,
        "UnsupportedMediaType",
        "The body is not `application/json`.",
    ),
    problem(
        422,
        "InvalidValue",
        "Values break their rules. `errors` lists these values.",
    ),
    ProblemDoc {
        header: RETRY_AFTER,
        ..problem(429, "TooManyRuns", "The user has too many active runs.")
    },
    problem(500, "InternalError", "The server failed to answer."),
    problem(
        501,
        "NotConfigured",
        "The server has no secret to sign a session with.",
    ),
    problem(
        502,
        "ModelFailed",
        "The message is stored, but the model returned no usable answer.",
    ),
    ProblemDoc {
        header: RETRY_AFTER,
        ..problem(
            503,
            "Unavailable",
            "The server is busy or stopping, or the model is overloaded. Try again later.",
        )
    },
    problem(
        504,
        "ModelTimeout",
        "The message is stored, but the model took too long.",
    ),
];

/// Adds the statuses that follow from each operation's request, and replaces all problems by
/// references to their descriptions.
pub(super) fn describe(document: &mut Value) {
    for item in members(&mut document["paths"]).values_mut() {
        for operation in members(item).values_mut() {
            let wrong_requests = statuses_of_request(operation);
            let responses = members(&mut operation["responses"]);
            for problem in &PROBLEMS {
                let status = problem.status.to_string();
                if responses.shift_remove(&status).is_some()
                    || wrong_requests.contains(&problem.status)
                {
                    let reference = format!("#/components/responses/{}", problem.name);
                    responses.insert(status, json!({"$ref": reference}));
                }
            }
        }
    }
    let named = PROBLEMS
        .iter()
        .map(|problem| (problem.name.to_owned(), problem.response()))
        .collect();
    document["components"]["responses"] = Value::Object(named);
}

/// The statuses of wrong ids, parameters and bodies.
fn statuses_of_request(operation: &Value) -> Vec<u16> {
    let parameters = operation["parameters"].as_array();
    let has = |place: &str| {
        let mut parameters = parameters.into_iter().flatten();
        parameters.any(|parameter| parameter["in"] == place)
    };
    let mut statuses = Vec::new();
    if has("path") {
        statuses.push(404);
    }
    if has("query") {
        statuses.push(422);
    }
    if !operation["requestBody"].is_null() {
        statuses.extend([400, 413, 415, 422]);
    }
    statuses
}

impl ProblemDoc {
    fn response(&self) -> Value {
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        let mut response = json!({
            "description": self.description,
            "content": {"application/problem+json": {"schema": schema}},
        });
        if let Some((name, kind, description)) = self.header {
            response["headers"] = json!({
                name: {"description": description, "schema": {"type": kind}}
            });
        }
        response
    }
}
