//! The chat page and the widget, embedded in the binary: what is built from `ui/` stands in `dist/`,
//! checked in, so that building the server needs no Node.

mod asset;

use std::{collections::HashMap, sync::LazyLock};

use poem::{
    Endpoint, Request, Response, Result,
    error::{MethodNotAllowedError, NotFoundError},
    http::{HeaderName, Method, header},
};

use self::asset::Asset;

/// The page itself.
const PAGE: &str = "index.html";

/// The script of the widget, which pages of other origins load.
const WIDGET: &str = "widget.js";

/// Where the page's address names a conversation, which the page then opens.
const CONVERSATION: &str = "c/";

/// Every file, by its name. They are compressed once, when the first one is asked for.
static ASSETS: LazyLock<HashMap<String, Asset>> = LazyLock::new(asset::all);

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Answers the page and what belongs to it; anything else is not found.
#[derive(Clone, Debug)]
pub struct Pages {
    policy: String,
}

impl Pages {
    /// The pages, which may be shown in frames of these origins; of none, without any.
    #[must_use]
    pub fn new(frame_ancestors: &[String]) -> Self {
        Self {
            policy: policy(frame_ancestors),
        }
    }
}

impl Endpoint for Pages {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let (name, asset) = find(request.uri().path()).ok_or(NotFoundError)?;
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(MethodNotAllowedError.into());
        }
        let answer = asset.answer(&request);
        let answer = match name {
            PAGE => answer.with(header::CONTENT_SECURITY_POLICY, &self.policy),
            // Pages that otherwise load nothing of other origins may load it (the Fetch standard,
            // "Cross-Origin-Resource-Policy header").
            WIDGET => answer.with(CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"),
            _ => answer,
        };
        Ok(answer.into_response())
    }
}

/// The file that a path names, and the file's own name.
fn find(path: &str) -> Option<(&str, &'static Asset)> {
    let name = path.strip_prefix('/').filter(|name| *name != PAGE)?;
    let name = if name.is_empty() || is_conversation(name) {
        PAGE
    } else {
        name
    };
    Some((name, ASSETS.get(name)?))
}

/// Whether a path names a conversation: `c/` and an id, which the page looks at itself.
fn is_conversation(name: &str) -> bool {
    let id = name.strip_prefix(CONVERSATION);
    id.is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
}

/// What the page may do (Content Security Policy, Level 3, and Trusted Types): it runs and shows what
/// came with it and nothing else, reads no text as markup but what it sanitises, and talks to its own
/// server alone.
fn policy(frame_ancestors: &[String]) -> String {
    let ancestors = if frame_ancestors.is_empty() {
        "'none'".to_owned()
    } else {
        frame_ancestors.join(" ")
    };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types chatkit; frame-ancestors {ancestors}"
    )
}
