//! The methods that a path has, for `Allow`.

use serde_json::Value;

/// Paths outside of the contract that are written to.
const ONLY_WRITTEN: [&str; 3] = ["/v1/chat/completions", "/api/v1/chatkit", "/chatkit"];

/// All others outside of it.
const ONLY_READ: &str = "GET, HEAD";

/// Which methods the paths of the contract have.
#[derive(Debug)]
pub(super) struct Allow {
    paths: Vec<(Vec<String>, String)>,
}

impl Allow {
    pub(super) fn new(document: &Value) -> Self {
        let empty = serde_json::Map::new();
        let paths = document["paths"].as_object().unwrap_or(&empty);
        let mut paths: Vec<_> = paths
            .iter()
            .map(|(path, item)| (segments(path), methods(item)))
            .collect();
        // Literal segments win over parameters, as in routing.
        paths.sort_by_key(|(path, _)| path.iter().filter(|part| is_parameter(part)).count());
        Self { paths }
    }

    /// The methods of a path that exists.
    pub(super) fn of(&self, path: &str) -> String {
        if ONLY_WRITTEN.contains(&path) {
            return "POST".to_owned();
        }
        let wanted = segments(path);
        self.paths
            .iter()
            .find(|(path, _)| matches(path, &wanted))
            .map_or_else(|| ONLY_READ.to_owned(), |(_, methods)| methods.clone())
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn methods(item: &Value) -> String {
    let mut methods: Vec<String> = item
        .as_object()
        .into_iter()
        .flat_map(|item| item.keys())
        .map(|method| method.to_ascii_uppercase())
        .collect();
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".to_owned());
    }
    methods.sort();
    methods.join(", ")
}

fn matches(path: &[String], wanted: &[String]) -> bool {
    path.len() == wanted.len()
        && path
            .iter()
            .zip(wanted)
            .all(|(part, wanted)| is_parameter(part) || part == wanted)
}

fn is_parameter(part: &str) -> bool {
    part.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_names_the_methods() {
        let allow = Allow::new(&crate::document::json());
        assert_eq!(allow.of("/api/chat/conversations"), "GET, HEAD, POST");
        assert_eq!(
            allow.of("/api/chat/conversations/abc"),
            "DELETE, GET, HEAD, PUT"
        );
        assert_eq!(allow.of("/api/v1/chat"), "POST");
        assert_eq!(allow.of("/api/someone/chat"), "POST");
        assert_eq!(allow.of("/health/live"), "GET, HEAD");
    }
}
