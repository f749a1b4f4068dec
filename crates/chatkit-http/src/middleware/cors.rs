//! Cross-origin calls (the Fetch standard, "CORS protocol"): exact origins, with credentials.
//!
//! The library's own middleware refuses every origin that is not listed, even the server's own, and
//! sends no `Vary`.

use poem::{
    Request, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS");

const EXPOSED: HeaderValue = HeaderValue::from_static(
    "X-Conversation-Id, X-Request-Id, ETag, Location, Retry-After, Idempotency-Replayed",
);

/// Request headers that pages may send, in addition to `x-stainless-*` of the OpenAI SDKs.
const ALLOWED: [&str; 11] = [
    "authorization",
    "content-type",
    "accept",
    "accept-language",
    "idempotency-key",
    "if-none-match",
    "last-event-id",
    "x-conversation-id",
    "x-expected-user",
    "x-request-id",
    "traceparent",
];

/// How long a browser may cache a preflight, in seconds. Chromium caches no longer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The origins whose pages may call.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Vec<String>,
}

impl Cors {
    pub(super) fn new(origins: &[String]) -> Self {
        Self {
            origins: origins.to_vec(),
        }
    }

    /// The response to a preflight of a listed origin. Preflights carry no credentials.
    pub(super) fn preflight(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight || !self.lists(headers.get(header::ORIGIN)?) {
            return None;
        }
        let mut response = StatusCode::NO_CONTENT.into();
        let answer = Response::headers_mut(&mut response);
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if let Some(allowed) = allowed_of(headers) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        }
        answer.append(
            header::VARY,
            HeaderValue::from_static("Access-Control-Request-Headers"),
        );
        Some(response)
    }

    /// Lets a listed origin read the response. Every response varies by origin, so that a cache
    /// does not mix the responses for two origins.
    pub(super) fn mark(&self, origin: Option<&HeaderValue>, response: &mut Response) {
        let headers = response.headers_mut();
        add_vary_origin(headers);
        let Some(origin) = origin.filter(|origin| self.lists(origin)) else {
            return;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }

    fn lists(&self, origin: &HeaderValue) -> bool {
        self.origins
            .iter()
            .any(|listed| listed.as_bytes() == origin.as_bytes())
    }
}

/// Returns the headers of a preflight's request that are allowed.
fn allowed_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = headers
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)?
        .to_str()
        .ok()?
        .to_ascii_lowercase();
    let allowed: Vec<&str> = asked
        .split(',')
        .map(str::trim)
        .filter(|name| ALLOWED.contains(name) || name.starts_with("x-stainless-"))
        .collect();
    HeaderValue::from_str(&allowed.join(", ")).ok()
}

fn add_vary_origin(headers: &mut HeaderMap) {
    let varies = headers
        .get_all(header::VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("origin"));
    if !varies {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}
