use super::*;

fn parse(text: &str) -> Intent {
    Intent::parse(text, &Intent::Unknown)
}

fn adds(titles: &[&str]) -> Intent {
    let task = |title: &&str| NewTask {
        title: (*title).to_owned(),
        description: None,
    };
    Intent::Add(titles.iter().map(task).collect())
}

fn numbers(numbers: &[u64]) -> Reference {
    Reference::Numbers(numbers.to_vec())
}

fn named(title: &str) -> Reference {
    Reference::Title(title.to_owned())
}

fn renames(task: Reference, title: &str) -> Intent {
    Intent::Update {
        task,
        title: Some(title.to_owned()),
        description: None,
    }
}

fn describes(task: Reference, description: &str) -> Intent {
    Intent::Update {
        task,
        title: None,
        description: Some(description.to_owned()),
    }
}

#[track_caller]
fn check(text: &str, expected: Intent) {
    assert_eq!(parse(text), expected, "{text}");
}

#[test]
fn every_pattern_compiles() {
    assert!(all_patterns().len() >= RULES.len());
}

#[test]
fn requests_to_add_tasks_are_parsed() {
    for text in [
        "Add a task to buy groceries",
        "add task buy groceries",
        "Please add a new task: buy groceries.",
        "Could you create a task called buy groceries?",
        "create a new to-do for buy groceries",
        "add buy groceries to my list",
        "Add buy groceries",
        "todo: buy groceries",
        "new task - buy groceries",
        "I need to buy groceries",
        "Remind me to buy groceries, please",
        "don't forget to buy groceries!",
        "put buy groceries on my todo list",
        "add a task to my list to buy groceries",
        "I'd like to add a task to buy groceries",
        "I have to add a task to buy groceries",
        "add another task to buy groceries",
    ] {
        check(text, adds(&["Buy groceries"]));
    }
    check("add a task \"buy GROCERIES\"", adds(&["buy GROCERIES"]));
    check(
        "add 'call mom's doctor' to my list",
        adds(&["call mom's doctor"]),
    );
    check(
        "Add a task to complete the report",
        adds(&["Complete the report"]),
    );
    check(
        "add tasks: buy milk, call mom and pay rent",
        adds(&["Buy milk", "Call mom", "Pay rent"]),
    );
    check("add the tasks \"a, b\" and \"c\"", adds(&["a, b", "c"]));
    check(
        "add a task to buy milk and eggs",
        adds(&["Buy milk and eggs"]),
    );
    check(
        "add a task \"Pay rent\" with description \"before the 5th\"",
        Intent::Add(vec![NewTask {
            title: "Pay rent".to_owned(),
            description: Some("before the 5th".to_owned()),
        }]),
    );
}

#[test]
fn a_stated_need_adds_a_task() {
    check("I need to finish the report", adds(&["Finish the report"]));
    check(
        "I have to cancel my subscription",
        adds(&["Cancel my subscription"]),
    );
    check("remind me to delete task 4", adds(&["Delete task 4"]));
}

#[test]
fn follow_up_requests_are_parsed() {
    let added = adds(&["Buy milk"]);
    for text in [
        "and one to call mom",
        "And another one to call mom",
        "also call mom",
        "one more: call mom",
        "another one to call mom",
        "and call mom too",
        "plus a task to call mom",
    ] {
        assert_eq!(Intent::parse(text, &added), adds(&["Call mom"]), "{text}");
    }
    let completed = Intent::Complete(numbers(&[1]));
    assert_eq!(
        Intent::parse("and number 2 too", &completed),
        Intent::Complete(numbers(&[2]))
    );
    assert_eq!(
        Intent::parse("and show my tasks", &added),
        Intent::List(Filter::All)
    );
    assert_eq!(
        Intent::parse("also 3", &Intent::Delete(numbers(&[1]))),
        Intent::Delete(numbers(&[3]))
    );
    assert_eq!(
        Intent::parse("and you?", &Intent::Greeting),
        Intent::Unknown
    );
}

#[test]
fn requests_to_list_tasks_are_parsed() {
    for text in [
        "Show me all my tasks",
        "list tasks",
        "my tasks",
        "What tasks do I have?",
        "what's on my list?",
        "can you show my to-do list please",
        "Do I have any tasks?",
        "tasks",
    ] {
        check(text, Intent::List(Filter::All));
    }
    for text in [
        "show pending tasks",
        "What is left to do?",
        "which tasks are not done yet?",
        "what do I have to do today",
        "list my incomplete tasks",
    ] {
        check(text, Intent::List(Filter::Pending));
    }
    for text in [
        "show completed tasks",
        "which tasks are done?",
        "what have I finished?",
        "completed tasks",
    ] {
        check(text, Intent::List(Filter::Completed));
    }
}

#[test]
fn requests_to_complete_tasks_are_parsed() {
    for text in [
        "Mark task 1 as complete",
        "mark 1 as done",
        "mark the first task as done",
        "complete task one",
        "Task 1 is done",
        "task 1 done",
        "I finished task 1",
        "I've done #1",
        "check off task 1",
        "check task 1 off",
        "set task 1 to done",
        "please finish task number 1",
    ] {
        check(text, Intent::Complete(numbers(&[1])));
    }
    check("complete tasks 1 and 3", Intent::Complete(numbers(&[1, 3])));
    check(
        "mark \"buy milk\" as done",
        Intent::Complete(named("buy milk")),
    );
    check("mark buy milk as done", Intent::Complete(named("buy milk")));
    check("complete all tasks", Intent::Complete(Reference::All));
}

#[test]
fn requests_to_change_tasks_are_parsed() {
    check(
        "Update task 2 title to 'Buy organic milk'",
        renames(numbers(&[2]), "Buy organic milk"),
    );
    check(
        "rename task 2 to buy oat milk",
        renames(numbers(&[2]), "Buy oat milk"),
    );
    check("rename task two \"x\"", renames(numbers(&[2]), "x"));
    check(
        "change the title of task 2 to x",
        renames(numbers(&[2]), "X"),
    );
    check(
        "change \"talk to bob\" to \"talk to alice\"",
        renames(named("talk to bob"), "talk to alice"),
    );
    check(
        "change the description of task 2 to \"two litres\"",
        describes(numbers(&[2]), "two litres"),
    );
    check(
        "set task 2's description to urgent",
        describes(numbers(&[2]), "Urgent"),
    );
    check(
        "add a note to task 2: ask first",
        describes(numbers(&[2]), "Ask first"),
    );
}

#[test]
fn requests_to_delete_tasks_are_parsed() {
    for text in [
        "delete task 2",
        "Remove the second task",
        "get rid of #2",
        "remove task two from my list",
    ] {
        check(text, Intent::Delete(numbers(&[2])));
    }
    check("delete buy milk", Intent::Delete(named("buy milk")));
    check("delete all my tasks", Intent::Delete(Reference::All));
}

#[test]
fn reopening_is_distinguished_from_completing() {
    for text in [
        "mark task 1 as not done",
        "reopen task 1",
        "set task 1 to pending",
        "mark 1 as incomplete",
    ] {
        check(text, Intent::Reopen);
    }
}

#[test]
fn small_talk_is_recognized() {
    check("Hi!", Intent::Greeting);
    check("good morning", Intent::Greeting);
    check("thanks a lot!", Intent::Thanks);
    check("help", Intent::Help);
    check("What can you do?", Intent::Help);
    check("are you an AI?", Intent::Help);
    for text in [
        "What is the capital of France?",
        "tell me a joke",
        "42",
        "…",
        "create a poem about rain",
        "add a task to",
        "add task",
        "add task \"\"",
        "rename task 2 to",
    ] {
        check(text, Intent::Unknown);
    }
}
