//! Checks the dependencies between the files of a crate, read from their imports and paths.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

/// The protocols of `chatkit-http`. Only `chatkit_or_completion.rs` and `routes.rs` use several.
const PROTOCOLS: [&str; 3] = ["rest", "chatkit", "completions"];

/// The path of a module in its crate. Empty for the root.
type Module = Vec<String>;

/// The other modules that each module uses.
type Arrows = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn the_files_of_a_crate_form_no_circle() {
    for entry in fs::read_dir(crates()).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let arrows = arrows(&folder.join("src"));
        for module in arrows.keys() {
            let circle = path_back(&arrows, module);
            assert!(circle.is_none(), "{name}: {}", circle.unwrap_or_default());
        }
    }
}

#[test]
fn protocols_do_not_depend_on_each_other() {
    let arrows = arrows(&crates().join("chatkit-http/src"));
    let protocol = |module: &Module| {
        let first = module.first();
        first
            .filter(|name| PROTOCOLS.contains(&name.as_str()))
            .cloned()
    };
    let mut protocols = BTreeSet::new();
    for (from, targets) in &arrows {
        let Some(own) = protocol(from) else { continue };
        for to in targets {
            let other = protocol(to).is_some_and(|other| other != own);
            assert!(!other, "{} names {}", from.join("::"), to.join("::"));
        }
        protocols.insert(own);
    }
    assert_eq!(protocols.len(), PROTOCOLS.len());
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

/// Returns a path from a module back to itself, if there is one.
fn path_back(arrows: &Arrows, start: &Module) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![vec![start]];
    while let Some(path) = open.pop() {
        for next in arrows.get(*path.last()?).into_iter().flatten() {
            let longer: Vec<_> = path.iter().copied().chain([next]).collect();
            if next == start {
                let names: Vec<_> = longer.iter().map(|module| module.join("::")).collect();
                return Some(names.join(" -> "));
            }
            if seen.insert(next) {
                open.push(longer);
            }
        }
    }
    None
}

fn arrows(source: &Path) -> Arrows {
    let mut files = BTreeMap::new();
    read(source, &mut Vec::new(), &mut files);
    files
        .iter()
        .map(|(module, text)| {
            let named = paths(text).into_iter();
            let targets = named.filter_map(|path| target(&files, module, &path));
            (module.clone(), targets.collect())
        })
        .collect()
}

/// Reads the files of a folder, without comments and unit tests.
fn read(folder: &Path, module: &mut Module, files: &mut BTreeMap<Module, String>) {
    let comment = Regex::new("//.*").unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        module.push(name.clone());
        if path.is_dir() {
            read(&path, module, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let is_own = !matches!(name.as_str(), "mod" | "lib" | "main");
            let module = module[..module.len() - usize::from(!is_own)].to_vec();
            files.insert(module, comment.replace_all(code, "").into_owned());
        }
        module.pop();
    }
}

/// Returns all paths in the code that start in this crate, or in a module that the file declares.
fn paths(code: &str) -> Vec<String> {
    let import = Regex::new(r"\buse\s+((?:crate|super|self)\b[^;]*);").unwrap();
    let inline = Regex::new(r"\b(?:crate|super)(?:::\w+)+").unwrap();
    let mut paths: Vec<String> = import
        .captures_iter(code)
        .flat_map(|found| expand(found[1].trim()))
        .collect();
    let rest = import.replace_all(code, "");
    let child = Regex::new(r"\bmod\s+(\w+);").unwrap();
    for found in child.captures_iter(&rest) {
        let named = Regex::new(&format!(r"(?:^|[^\w:]){}::\w+", &found[1])).unwrap();
        if named.is_match(&rest) {
            paths.push(format!("self::{}", &found[1]));
        }
    }
    paths.extend(
        inline
            .find_iter(&rest)
            .map(|found| found.as_str().to_owned()),
    );
    paths
}

/// Expands an import with braces to single paths.
fn expand(import: &str) -> Vec<String> {
    let Some((prefix, rest)) = import.split_once('{') else {
        return vec![import.to_owned()];
    };
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for letter in inside.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    let parts = parts.iter().map(|part| part.trim());
    let parts = parts.filter(|part| !part.is_empty());
    parts
        .flat_map(|part| expand(&format!("{prefix}{part}")))
        .collect()
}

/// Returns the module that a path leads to, unless it is `from` itself. For a re-exported name,
/// this is the module that defines the name.
fn target(files: &BTreeMap<Module, String>, from: &Module, path: &str) -> Option<Module> {
    let module = containing(files, resolve(from, path));
    let name = path.rsplit("::").next().unwrap_or_default().trim();
    let module = source_of(files, module, name);
    (module != *from).then_some(module)
}

fn resolve(from: &Module, path: &str) -> Module {
    let mut module = from.clone();
    for segment in path.split("::").map(str::trim) {
        match segment {
            "crate" => module.clear(),
            "self" => {}
            "super" => drop(module.pop()),
            name => module.push(name.to_owned()),
        }
    }
    module
}

/// Returns the innermost module with its own file that contains this path.
fn containing(files: &BTreeMap<Module, String>, mut path: Module) -> Module {
    while !path.is_empty() && !files.contains_key(&path) {
        path.pop();
    }
    path
}

/// Returns the module that defines a name, if `module` only re-exports it. Otherwise returns
/// `module`.
fn source_of(files: &BTreeMap<Module, String>, module: Module, name: &str) -> Module {
    let export = Regex::new(r"\bpub(?:\([^)]*\))?\s+use\s+([^;]+);").unwrap();
    let code = files.get(&module).map(String::as_str).unwrap_or_default();
    let exported = export
        .captures_iter(code)
        .flat_map(|found| expand(found[1].trim()));
    for path in exported {
        if path.rsplit([':', ' ']).next() == Some(name) {
            let source = containing(files, resolve(&module, &path));
            if source != module && !source.is_empty() {
                return source_of(files, source, name);
            }
        }
    }
    module
}
