//! Widgets from Rust: a function for each common component, with what it must have; everything
//! else is set by name, as the list of components of ChatKit has it.
//!
//! ```
//! use chatkit_protocol::widget::build::{button, card, row, text, Action};
//!
//! let widget = card([
//!     text("Two seats are left.").id("seats").prop("size", "lg"),
//!     row([button("Book").on("onClickAction", Action::new("book").payload("A4"))]),
//! ])
//! .widget();
//! assert_eq!(widget.root()["type"], "Card");
//! ```

use serde_json::{Map, Value};

use super::tree::Widget;

/// A component of a widget.
#[derive(Clone, Debug, PartialEq)]
pub struct Component(Map<String, Value>);

impl Component {
    /// A component of this type.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        let members = [("type".to_owned(), Value::from(kind))];
        Self(Map::from_iter(members))
    }

    /// Gives it an id, by which updates find it.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        self.prop("id", id)
    }

    /// Gives it a key, by which clients tell it from its neighbours.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.prop("key", key)
    }

    /// Sets a prop; `null` takes it away.
    #[must_use]
    pub fn prop(mut self, name: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => self.0.shift_remove(name),
            value => self.0.insert(name.to_owned(), value),
        };
        self
    }

    /// Sets what happens when something is done with it, such as `onClickAction`.
    #[must_use]
    pub fn on(self, event: &str, action: Action) -> Self {
        self.prop(event, action.value())
    }

    /// The widget of which it is the root.
    #[must_use]
    pub fn widget(self) -> Widget {
        Widget::of(self.0)
    }

    fn with_children(self, children: impl IntoIterator<Item = Self>) -> Self {
        let children: Vec<Value> = children.into_iter().map(Value::from).collect();
        self.prop("children", children)
    }
}

impl From<Component> for Value {
    fn from(component: Component) -> Self {
        Self::Object(component.0)
    }
}

/// What happens when something is done with a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Action(Map<String, Value>);

impl Action {
    /// An action of this type, which goes to the server.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        let members = [
            ("type".to_owned(), Value::from(kind)),
            ("handler".to_owned(), "server".into()),
            ("loadingBehavior".to_owned(), "auto".into()),
            ("streaming".to_owned(), true.into()),
        ];
        Self(Map::from_iter(members))
    }

    /// What comes back with it.
    #[must_use]
    pub fn payload(self, payload: impl Into<Value>) -> Self {
        self.set("payload", payload)
    }

    /// Has the page handle it instead of the server.
    #[must_use]
    pub fn on_client(self) -> Self {
        self.set("handler", "client")
    }

    /// Has it answered at once instead of by a stream.
    #[must_use]
    pub fn without_stream(self) -> Self {
        self.set("streaming", false)
    }

    /// What shows that it is under way: `auto`, `none`, `self` or `container`.
    #[must_use]
    pub fn loading_behavior(self, behavior: &str) -> Self {
        self.set("loadingBehavior", behavior)
    }

    fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn value(self) -> Value {
        Value::Object(self.0)
    }
}

/// Functions for components that hold others.
macro_rules! containers {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(children: impl IntoIterator<Item = Component>) -> Component {
            Component::new($kind).with_children(children)
        }
    )*};
}

/// Functions for components that must have one prop.
macro_rules! leaves {
    ($($(#[$doc:meta])* $name:ident($prop:literal) = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(value: &str) -> Component {
            Component::new($kind).prop($prop, value)
        }
    )*};
}

containers! {
    /// A root: a card.
    card = "Card";
    /// A root: a list of [`list_view_item`]s.
    list_view = "ListView";
    /// A root without a frame.
    basic = "Basic";
    /// An entry of a [`list_view`].
    list_view_item = "ListViewItem";
    /// A box.
    box_ = "Box";
    /// Neighbours from left to right.
    row = "Row";
    /// Neighbours from top to bottom.
    col = "Col";
    /// Fields that are sent together.
    form = "Form";
}

leaves! {
    /// Words.
    text("value") = "Text";
    /// Words with Markdown in them.
    markdown("value") = "Markdown";
    /// A title.
    title("value") = "Title";
    /// Small words.
    caption("value") = "Caption";
    /// A word with a colour behind it.
    badge("label") = "Badge";
    /// An icon, by its name.
    icon("name") = "Icon";
    /// A picture, by its address.
    image("src") = "Image";
    /// A button.
    button("label") = "Button";
    /// A field for a line of text.
    input("name") = "Input";
    /// A field for lines of text.
    textarea("name") = "Textarea";
    /// A field for a date.
    date_picker("name") = "DatePicker";
    /// A box to tick.
    checkbox("name") = "Checkbox";
}

/// The words for a field.
#[must_use]
pub fn label(value: &str, field_name: &str) -> Component {
    Component::new("Label")
        .prop("value", value)
        .prop("fieldName", field_name)
}

/// A field for one of these, each with its value and its words.
#[must_use]
pub fn select<'a>(name: &str, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Component {
    Component::new("Select")
        .prop("name", name)
        .prop("options", choices(options))
}

/// Buttons of which one is chosen, each with its value and its words.
#[must_use]
pub fn radio_group<'a>(
    name: &str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Component {
    Component::new("RadioGroup")
        .prop("name", name)
        .prop("options", choices(options))
}

/// A line.
#[must_use]
pub fn divider() -> Component {
    Component::new("Divider")
}

/// Room that takes what is left.
#[must_use]
pub fn spacer() -> Component {
    Component::new("Spacer")
}

/// What animates as it changes into another.
#[must_use]
pub fn transition(child: Component) -> Component {
    Component::new("Transition").prop("children", child)
}

fn choices<'a>(options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Value> {
    options
        .into_iter()
        .map(|(value, label)| serde_json::json!({"value": value, "label": label}))
        .collect()
}
