//! The intents that the rules recognize in a request.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    pattern::{Prepared, pattern},
    reference::Reference,
};

/// The intent of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Add(Vec<NewTask>),
    List(Filter),
    Complete(Reference),
    Update {
        task: Reference,
        title: Option<String>,
        description: Option<String>,
    },
    Delete(Reference),
    Reopen,
    Greeting,
    Thanks,
    Help,
    Unknown,
}

/// A task to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewTask {
    pub(crate) title: String,
    pub(crate) description: Option<String>,
}

/// The tasks to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    All,
    Pending,
    Completed,
}

/// A pattern and a function that turns its match into an intent. The function may decline.
type Rule = (
    &'static LazyLock<Regex>,
    fn(&Prepared, &[&str]) -> Option<Intent>,
);

macro_rules! patterns {
    ($($name:ident = $text:expr;)*) => {
        $(static $name: LazyLock<Regex> = LazyLock::new(|| pattern($text));)*
        #[cfg(test)]
        fn all_patterns() -> Vec<&'static Regex> {
            vec![$(&*$name),*]
        }
    };
}

patterns! {
    GREETING = r"^(?:hi|hello|hey|howdy|greetings|good (?:morning|afternoon|evening|day))(?:[\s,]+(?:there|again|everyone|bot|assistant))?$";
    THANKS = r"^(?:thanks|thank you|thx|cheers|great|perfect|nice|awesome|cool)(?:[\s,]+(?:a lot|so much|very much|thanks|thank you))*$";
    HELP = r"^(?:help(?:\s+me)?|what (?:can|do) you do|what are you|who are you|how does this work|how do (?:i|you) (?:use|work).*|are you (?:an? )?(?:ai|bot|human|robot|language model|model|llm|gpt|chatgpt).*)$";
    REOPEN = r"^(?:(?:mark|set|change|flag)\s+.+\s+(?:as\s+|to\s+)?(?:not\s+(?:yet\s+)?(?:done|completed?|finished)|undone|incomplete|unfinished|pending|open)|(?:reopen|uncheck|uncomplete|un-complete|undo)\s+.+)$";
    DELETE = r"^(?:delete|remove|erase|drop|cancel|discard|trash|scrap|clear|get rid of|take off|cross out)\s+(.+?)(?:\s+(?:from|off)\s+(?:my|the)\s+(?:\S+\s+)?(?:list|tasks|todos))?$";
    MARK = r"^(?:mark|set|flag|check|tick|cross)\s+(?:off\s+)?(.+?)\s+(?:as\s+|to\s+)?(?:be\s+)?(?:completed?|done|finished|off|checked)(?:\s+(?:from|on)\s+my\s+list)?$";
    FINISH = r"^(?:complete|finish|close|resolve|check off|tick off|cross off|done with|i'm done with|i’m done with|i am done with|(?:i(?:'ve|’ve| have)?(?:\s+just)?(?:\s+already)?\s+)?(?:completed|finished|did)|i(?:'ve|’ve| have)(?:\s+just)?\s+done)\s+(.+)$";
    IS_DONE = r"^(.+?)\s+(?:is|are|was|were)\s+(?:now\s+|already\s+|all\s+)?(?:completed?|done|finished)$";
    NUMBER_DONE = r"^(.+?)\s+(?:done|completed?|finished)$";
    DESCRIBE = r"^add\s+(?:a\s+|the\s+)?(?:descriptions?|notes?|details?)\s+(?:to|for)\s+(.+?)\s*(?::|-|saying|that says)\s*(.+)$";
    DESCRIBE_AS = r"^add\s+(?:(?:a|the)\s+)?(?:descriptions?|notes?|details?)\s+(.+?)\s+to\s+((?:the\s+)?(?:task|item|number|#|to-?do).*)$";
    CHANGE = r"^(?:update|change|edit|modify|set|rename|retitle|alter|reword|call)\s+(?:the\s+)?(?:(title|name|descriptions?|details?|notes?)\s+(?:of|for|on)\s+)?(.+?)(?:'s|’s)?(?:\s+(?:the\s+)?(title|name|descriptions?|details?|notes?))?\s*(?:\s(?:to|as|into|with|to be)|:)\s+(.+)$";
    RENAME = r"^(?:rename|retitle)\s+((?:task|item|number|#)\s*\S+)\s+(.+)$";
    LIST_ONLY = r"^(?:(?:list|show|display|view)\s*)?(?:me\s+)?(?:all\s+)?(?:of\s+)?(?:my\s+|the\s+)?((?:all|open|pending|incomplete|unfinished|remaining|outstanding|completed|complete|done|finished)\s+)?(?:tasks?|to-?dos?|to do list|to-?do list|task list|list|items)(?:\s+list)?$";
    LIST = r"^(?:list|show|display|view|see|get|give|read|print|tell|check|what|what's|what’s|whats|which|how many|do i have|are there|have i|any|is|are|summari[sz]e)\b.*\b(?:tasks?|to-?dos?|to do list|list|agenda|things to do)\b";
    LIST_WHAT = r"^what(?:'s|’s|s| is| do i| else| should i| have i| did i| must i)\b.*\b(?:to do|left|pending|remaining|outstanding|open|done|finished|completed|on my plate|do (?:today|next|now|first))\b";
    ADD_NOUN = r"^(?:add|create|make|new|put|insert|write down|note down|note|jot down|set up|schedule|enter|log|register|give me)\s+(?:me\s+)?(?:an?\s+|the\s+|one\s+|some\s+|these\s+|two\s+|three\s+)?(?:(?:new|another|more|extra|further|following|urgent|quick)\s+)*(tasks?|to-?dos?|to do|items?|reminders?|entry|entries)\b[\s:,–-]*(.*)$";
    ADD_TO_LIST = r"^(?:add|put|note|write|write down|jot down)\s+(.+?)\s+(?:to|on|onto|in|into)\s+(?:my|the)\s+(?:\S+\s+)?(?:list|tasks|to-?dos)$";
    ADD_BARE = r"^(?:add|note down|jot down|write down)\s*:?\s+(.+)$";
    ADD_COLON = r"^(?:new\s+)?(?:task|to-?do|reminder)\s*[:–-]\s*(.+)$";
    NEED = r"^(?:i\s+(?:also\s+)?(?:need to|have to|must|should|ought to|gotta|got to)|i(?:'ve|’ve| have) got to|don't forget to|don’t forget to|do not forget to|don't let me forget to|remember to|remind me (?:to|about|that i need to)|make sure (?:i|to))\s+(.+)$";
    ON_LIST = r"^(?:to|on|in|onto)\s+(?:my|the)\s+(?:\S+\s+)?(?:list|tasks|to-?dos)\b[\s:,–-]*";
    LINK = r"^(?:(?:to|for|called|named|titled|saying|that says|about|with (?:the )?title|with the name|reading|which says)\s+|[:–-]\s*)";
    DESCRIPTION = r"^(.*?)[\s,;]+(?:and\s+)?(?:with\s+(?:the\s+|a\s+)?(?:description|details?|notes?)|description|details?:|notes?:)\s*:?\s*(.+)$";
    FOLLOW_UP = r"^(?:(?:and|also|plus|then|oh|&)\b[\s,]*)+(.+)$";
    ONE_MORE = r"^(?:add\s+)?(?:one|another(?:\s+one)?|one more|a second one|(?:a|another|one more)\s+(?:task|to-?do|item))(?:\s+more)?\s*(?:\s(?:to|for|called|named|about)\s|:)\s*(.+)$";
    TOO = r"^(.+?)[\s,]+(?:too|as well|also)$";
    NOT_DONE = r"\b(?:not\s+(?:yet\s+)?(?:done|finished|completed?)|un(?:done|finished|completed)|incomplete|pending|open|remaining|outstanding|left|active|still)\b";
    DONE = r"\b(?:completed?|done|finished)\b";
    SEPARATOR = r"\s*(?:\n|;|,\s*(?:and\s+)?|\s+and\s+)\s*(?:to\s+)?";
}

/// The rules, in the order in which they are tried.
const RULES: [Rule; 20] = [
    (&GREETING, |_, _| Some(Intent::Greeting)),
    (&THANKS, |_, _| Some(Intent::Thanks)),
    (&HELP, |_, _| Some(Intent::Help)),
    (&LIST_ONLY, list),
    (&REOPEN, |_, _| Some(Intent::Reopen)),
    (&MARK, complete),
    (&FINISH, complete),
    (&DELETE, |request, parts| {
        Reference::parse(request, parts[1]).map(Intent::Delete)
    }),
    (&DESCRIBE, |request, parts| {
        describe(request, parts[1], parts[2])
    }),
    (&DESCRIBE_AS, |request, parts| {
        describe(request, parts[2], parts[1])
    }),
    (&CHANGE, change),
    (&RENAME, |request, parts| {
        rename(request, parts[1], parts[2])
    }),
    (&ADD_NOUN, |request, parts| {
        let plural = parts[1].ends_with(['s', 'S']);
        add(request, parts[2], plural)
    }),
    (&ADD_COLON, |request, parts| add(request, parts[1], false)),
    (&LIST, list),
    (&LIST_WHAT, list_what),
    (&ADD_TO_LIST, |request, parts| add(request, parts[1], false)),
    (&ADD_BARE, |request, parts| {
        // "Add a task to" lacks a title, so these words must not become one.
        let is_headless = request.captures(&ADD_NOUN).is_some();
        (!is_headless).then(|| add(request, parts[1], false))?
    }),
    (&IS_DONE, complete),
    (&NUMBER_DONE, |request, parts| {
        match Reference::parse(request, parts[1])? {
            Reference::Title(_) => None,
            numbers => Some(Intent::Complete(numbers)),
        }
    }),
];

impl Intent {
    /// Parses a request. It may refer to the previous request.
    pub(crate) fn parse(text: &str, previous: &Self) -> Self {
        let request = Prepared::new(text);
        if let Some(found) = request.captures(&FOLLOW_UP) {
            return Self::follow_up(&request.part(&found[1]), previous);
        }
        if let Some(intent) = one_more(&request, previous) {
            return intent;
        }
        if let Some(found) = request.captures(&NEED) {
            // "I need to cancel my subscription" adds a task and does not delete one.
            let need = request.part(&found[1]);
            return direct(&need)
                .filter(|intent| matches!(intent, Self::Add(_)))
                .or_else(|| add(&request, &found[1], false))
                .unwrap_or(Self::Unknown);
        }
        direct(&request).unwrap_or(Self::Unknown)
    }

    /// Parses a request that continues the previous one, such as "and one to call mom".
    fn follow_up(request: &Prepared, previous: &Self) -> Self {
        if let Some(intent) = one_more(request, previous).or_else(|| direct(request)) {
            return intent;
        }
        let named = request
            .captures(&TOO)
            .map_or_else(|| request.text.clone(), |found| found[1].to_owned());
        let reference = || Reference::parse(request, &named);
        match previous {
            Self::Add(_) => {
                let named = request
                    .captures(&NEED)
                    .map_or(named, |found| found[1].to_owned());
                add(request, &named, false)
            }
            Self::Complete(_) => reference().map(Self::Complete),
            Self::Delete(_) => reference().map(Self::Delete),
            _ => None,
        }
        .unwrap_or(Self::Unknown)
    }
}

/// Parses a request that is complete in itself.
fn direct(request: &Prepared) -> Option<Intent> {
    RULES.iter().find_map(|(pattern, make)| {
        let found = request.captures(pattern)?;
        let parts: Vec<&str> = found
            .iter()
            .map(|part| part.map_or("", |part| part.as_str()))
            .collect();
        make(request, &parts)
    })
}

fn one_more(request: &Prepared, previous: &Intent) -> Option<Intent> {
    let found = request.captures(&ONE_MORE)?;
    matches!(previous, Intent::Add(_)).then(|| add(request, &found[1], false))?
}

fn add(request: &Prepared, part: &str, plural: bool) -> Option<Intent> {
    let mut rest = part.trim();
    for link in [&*ON_LIST, &*LINK, &*ON_LIST] {
        rest = rest[link.find(rest).map_or(0, |found| found.end())..].trim_start();
    }
    let (names, description) = match DESCRIPTION.captures(rest) {
        Some(found) => (
            found.get(1).map_or("", |names| names.as_str()),
            found.get(2).map(|text| request.name(text.as_str())),
        ),
        None => (rest, None),
    };
    let quotations = request.quotations_in(names);
    let titles: Vec<String> = if plural && quotations.len() > 1 {
        quotations
    } else if plural {
        SEPARATOR
            .split(names)
            .map(|name| request.name(name))
            .collect()
    } else {
        vec![request.name(names)]
    };
    let tasks: Vec<NewTask> = titles
        .into_iter()
        .filter(|title| !is_missing(title))
        .map(|title| NewTask {
            title,
            description: description.clone(),
        })
        .collect();
    (!tasks.is_empty()).then_some(Intent::Add(tasks))
}

fn list(request: &Prepared, _: &[&str]) -> Option<Intent> {
    Some(Intent::List(if NOT_DONE.is_match(&request.text) {
        Filter::Pending
    } else if DONE.is_match(&request.text) {
        Filter::Completed
    } else {
        Filter::All
    }))
}

/// Lists pending tasks for "what is left?", unless the question asks for completed ones.
fn list_what(request: &Prepared, parts: &[&str]) -> Option<Intent> {
    match list(request, parts)? {
        Intent::List(Filter::All) => Some(Intent::List(Filter::Pending)),
        listed => Some(listed),
    }
}

fn complete(request: &Prepared, parts: &[&str]) -> Option<Intent> {
    Reference::parse(request, parts[1]).map(Intent::Complete)
}

fn change(request: &Prepared, parts: &[&str]) -> Option<Intent> {
    let (field, task, value) = (format!("{}{}", parts[1], parts[3]), parts[2], parts[4]);
    let field = field.to_lowercase();
    if field.is_empty() && request.quotations_in(value).is_empty() {
        if NOT_DONE.is_match(value) {
            return Some(Intent::Reopen);
        }
        if DONE.is_match(value) {
            return Reference::parse(request, task).map(Intent::Complete);
        }
    }
    if field.is_empty() || field == "title" || field == "name" {
        rename(request, task, value)
    } else {
        describe(request, task, value)
    }
}

/// Whether a title consists only of words that introduce one, as in "add a task to".
fn is_missing(title: &str) -> bool {
    const WORDS: [&str; 14] = [
        "", "\"\"", "''", "to", "as", "for", "called", "named", "titled", "task", "tasks", "todo",
        "item", "a task",
    ];
    WORDS.iter().any(|word| title.eq_ignore_ascii_case(word))
}

fn rename(request: &Prepared, task: &str, title: &str) -> Option<Intent> {
    if is_missing(&request.name(title)) {
        return None;
    }
    Some(Intent::Update {
        task: Reference::parse(request, task)?,
        title: Some(request.name(title)),
        description: None,
    })
}

fn describe(request: &Prepared, task: &str, description: &str) -> Option<Intent> {
    Some(Intent::Update {
        task: Reference::parse(request, task)?,
        title: None,
        description: Some(request.name(description)),
    })
}

#[cfg(test)]
mod tests;
