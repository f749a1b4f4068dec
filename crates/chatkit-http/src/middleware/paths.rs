//! The facts about each path that are needed before, or without, a matching route: its methods, the
//! media types of its responses, and the format of its errors.

use chatkit_domain::Resource;
use std::collections::BTreeMap;

use poem::http::Method;
use serde_json::Value;

use crate::problem::ErrorFormat;

/// The media types of a response, or none if `Accept` is not checked.
pub(crate) type MediaTypes = &'static [&'static str];

/// The media types of most operations.
pub(crate) const JSON: MediaTypes = &["application/json", "application/problem+json"];

/// The media type of a stream of events.
pub(crate) const EVENTS: MediaTypes = &["text/event-stream"];

/// An operation, as the middleware knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// The media types that the caller must accept one of.
    pub(crate) accepts: MediaTypes,
    /// The format of errors that no handler has formatted.
    pub(crate) errors: ErrorFormat,
    /// The resource that is not found if an id in the path is malformed.
    pub(crate) resource: Option<Resource>,
}

impl Known {
    /// An operation whose path contains no id.
    pub(crate) const fn new(accepts: MediaTypes, errors: ErrorFormat) -> Self {
        Self {
            accepts,
            errors,
            resource: None,
        }
    }
}

/// All paths of the API.
#[derive(Debug, Default)]
pub(crate) struct Paths(Vec<Path>);

#[derive(Debug)]
struct Path {
    segments: Vec<String>,
    methods: BTreeMap<String, Known>,
}

impl Paths {
    /// The paths of the contract.
    pub(crate) fn of_contract(document: &Value) -> Self {
        let mut paths = Self::default();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let known = Known {
                    resource: resource(path),
                    ..Known::new(accepts(operation), ErrorFormat::PROBLEM)
                };
                paths.add(path, &method.to_ascii_uppercase(), known);
            }
        }
        paths
    }

    /// Adds a method of a path. `GET` includes `HEAD`.
    pub(crate) fn add(&mut self, path: &str, method: &str, known: Known) {
        let segments = segments(path);
        let index = self.0.iter().position(|path| path.segments == segments);
        let index = index.unwrap_or_else(|| {
            self.0.push(Path {
                segments,
                methods: BTreeMap::new(),
            });
            // Literal segments take precedence over parameters, as in routing.
            self.0.sort_by_key(Path::parameters);
            let added = |path: &Path| path.methods.is_empty();
            self.0.iter().position(added).unwrap_or_default()
        });
        let methods = &mut self.0[index].methods;
        methods.insert(method.to_owned(), known);
        if method == "GET" {
            methods.insert("HEAD".to_owned(), known);
        }
    }

    /// The operation of this method and path.
    pub(super) fn operation(&self, method: &Method, path: &str) -> Option<Known> {
        self.find(path)?.methods.get(method.as_str()).copied()
    }

    /// The methods of a path, for `Allow`.
    pub(super) fn allow(&self, path: &str) -> String {
        let methods = self.find(path).map(|path| &path.methods);
        let methods: Vec<_> = methods
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        if methods.is_empty() {
            // A path of the pages, which can only be read.
            return "GET, HEAD".to_owned();
        }
        methods.join(", ")
    }

    /// The facts about a path that all of its methods share.
    pub(super) fn any_operation(&self, path: &str) -> Known {
        let methods = self.find(path).map(|path| &path.methods);
        let known = methods.and_then(|methods| methods.values().next().copied());
        known.unwrap_or(Known::new(&[], ErrorFormat::PROBLEM))
    }

    fn find(&self, path: &str) -> Option<&Path> {
        self.0.iter().find(|known| known.matches(path))
    }
}

impl Path {
    fn parameters(&self) -> usize {
        let parameters = self.segments.iter().filter(|part| is_parameter(part));
        parameters.count()
    }

    /// Whether a request's path is this one, without an allocation: every request asks.
    fn matches(&self, path: &str) -> bool {
        let mut wanted = path.split('/');
        let mut known = self.segments.iter();
        let is_match = known.all(|known| {
            let wanted = wanted.next();
            wanted.is_some_and(|wanted| is_parameter(known) || known == wanted)
        });
        is_match && wanted.next().is_none()
    }
}

/// The media types of an operation of the contract.
fn accepts(operation: &Value) -> MediaTypes {
    let content = &operation["responses"]["200"]["content"];
    if content["text/event-stream"].is_null() {
        JSON
    } else {
        EVENTS
    }
}

/// The resource that the last id of a path names.
fn resource(path: &str) -> Option<Resource> {
    let last = path.split('/').rfind(|part| is_parameter(part));
    match last {
        Some("{conversation_id}") => Some(Resource::Conversation),
        Some("{message_id}") => Some(Resource::Message),
        Some("{run_id}") => Some(Resource::Run),
        _ => None,
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn is_parameter(part: &str) -> bool {
    part.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_names_the_methods() {
        let paths = Paths::of_contract(&crate::contract::document::json());
        for (path, methods) in [
            ("/api/chat/conversations", "GET, HEAD, POST"),
            ("/api/chat/conversations/abc", "DELETE, GET, HEAD, PUT"),
            ("/api/v1/chat", "POST"),
            ("/api/someone/chat", "POST"),
            ("/nothing", "GET, HEAD"),
        ] {
            assert_eq!(paths.allow(path), methods);
        }
    }

    #[test]
    fn the_contract_names_the_media_types() {
        let paths = Paths::of_contract(&crate::contract::document::json());
        let accepts = |path: &str| {
            paths
                .operation(&Method::GET, path)
                .map(|known| known.accepts)
        };
        assert_eq!(accepts("/api/info"), Some(JSON));
        let events = "/api/chat/conversations/a/runs/b/events";
        assert_eq!(accepts(events), Some(EVENTS));
    }
}
