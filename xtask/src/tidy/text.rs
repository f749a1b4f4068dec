//! Checks the text of a file: its marks of unfinished work, its module documentation, and its
//! length.

use super::Finding;

/// Marks of unfinished work. They are concatenated, so that this file contains none of them.
const MARKS: [&str; 6] = [
    concat!("#[", "ignore"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// The endings of files that are searched for marks.
const SOURCES: [&str; 3] = [".rs", ".ts", ".py"];

/// The files that must have module documentation.
const MODULE_ROOTS: [&str; 3] = ["lib.rs", "main.rs", "mod.rs"];

/// The most lines of a file in `crates/`.
const LONGEST: usize = 600;

/// Returns the findings in a file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    if is_generated(path) {
        return Vec::new();
    }
    marks(path, text)
        .chain(missing_module_docs(path, text))
        .chain(excess_length(path, text))
        .collect()
}

/// Whether a program generated the file.
fn is_generated(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut folders = folders.split('/');
    folders.any(|folder| ["dist", "generated"].contains(&folder))
        || name.ends_with(".lock")
        || name == "package-lock.json"
}

/// A finding for each mark of unfinished work.
fn marks(path: &str, text: &str) -> impl Iterator<Item = Finding> {
    let is_source = SOURCES.iter().any(|ending| path.ends_with(ending));
    let lines = text.lines().filter(move |_| is_source);
    lines.enumerate().flat_map(move |(index, line)| {
        let marks = MARKS.iter().filter(|mark| has_word(line, mark));
        marks.map(move |mark| Finding {
            path: path.to_owned(),
            line: index + 1,
            what: format!("`{mark}`: finish the code, or remove it"),
        })
    })
}

/// Whether `line` contains `word`, and not only as a part of a longer word.
fn has_word(line: &str, word: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = &line[..start];
        let after = &line[start + word.len()..];
        let begins = !word.starts_with(is_letter) || !before.ends_with(is_letter);
        let ends = !word.ends_with(is_letter) || !after.starts_with(is_letter);
        begins && ends
    })
}

/// A finding if the file is the root of a module and has no documentation.
fn missing_module_docs(path: &str, text: &str) -> Option<Finding> {
    let mut parts = path.rsplit('/');
    let is_root = parts
        .next()
        .is_some_and(|name| MODULE_ROOTS.contains(&name));
    let is_test = parts.any(|folder| folder == "tests");
    (is_root && !is_test && !text.starts_with("//!")).then(|| Finding {
        path: path.to_owned(),
        line: 1,
        what: "start with `//!` and the responsibility of the module".to_owned(),
    })
}

/// A finding if the file is too long for one topic.
fn excess_length(path: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    (path.starts_with("crates/") && lines > LONGEST).then(|| Finding {
        path: path.to_owned(),
        line: LONGEST + 1,
        what: format!("{lines} lines, at most {LONGEST} are allowed: split the file by topic"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks which lines of a file have findings.
    fn check_lines(path: &str, text: &str, expected: &[usize]) {
        let findings = check(path, text);
        let lines: Vec<_> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, expected, "{path}: {findings:?}");
    }

    #[test]
    fn each_mark_is_found_in_source_files_only() {
        for mark in MARKS {
            let text = format!("one\n// {mark} )] two\n");
            check_lines("crates/a/src/b.rs", &text, &[2]);
            check_lines("tests/clients/a.ts", &text, &[2]);
            check_lines("tests/clients/a.py", &text, &[2]);
            check_lines("README.md", &text, &[]);
        }
    }

    #[test]
    fn a_mark_within_a_longer_word_is_ignored() {
        for mark in MARKS {
            if mark.starts_with(char::is_alphabetic) {
                check_lines("a.rs", &format!("let a = my_{mark};"), &[]);
            }
        }
    }

    #[test]
    fn a_module_root_must_start_with_documentation() {
        check_lines("crates/a/src/lib.rs", "use a;\n", &[1]);
        check_lines("xtask/src/tidy/mod.rs", "", &[1]);
        check_lines("crates/a/src/lib.rs", "//! A.\n", &[]);
        check_lines("crates/a/src/b.rs", "use a;\n", &[]);
        check_lines("tests/http/main.rs", "use a;\n", &[]);
    }

    #[test]
    fn the_length_of_a_file_in_crates_is_limited() {
        let longest = "\n".repeat(LONGEST);
        let longer = "\n".repeat(LONGEST + 1);
        check_lines("crates/a/src/b.rs", &longest, &[]);
        check_lines("crates/a/src/b.rs", &longer, &[LONGEST + 1]);
        check_lines("migration/src/b.rs", &longer, &[]);
    }

    #[test]
    fn generated_files_are_ignored() {
        let longer = "\n".repeat(LONGEST + 1);
        check_lines("crates/a/dist/b.js", &longer, &[]);
        check_lines("crates/a/ui/package-lock.json", &longer, &[]);
        check_lines("crates/a/generated/b.rs", MARKS[1], &[]);
    }
}
