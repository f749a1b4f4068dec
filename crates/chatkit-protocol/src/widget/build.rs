//! Builders for widgets: a function for each common component, with its required props. All other
//! props are set by the names of the ChatKit documentation.
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
    /// Creates a component of this type.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        let members = [("type".to_owned(), Value::from(kind))];
        Self(Map::from_iter(members))
    }

    /// Sets the id that updates refer to.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        self.prop("id", id)
    }

    /// Sets the key by which clients tell the component from its siblings.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.prop("key", key)
    }

    /// Sets a prop. `null` removes it.
    #[must_use]
    pub fn prop(mut self, name: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => self.0.shift_remove(name),
            value => self.0.insert(name.to_owned(), value),
        };
        self
    }

    /// Sets the action for an event of the component, such as `onClickAction`.
    #[must_use]
    pub fn on(self, event: &str, action: Action) -> Self {
        self.prop(event, action.value())
    }

    /// Creates a widget whose root is this component.
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

/// An action that a component triggers.
#[derive(Clone, Debug, PartialEq)]
pub struct Action(Map<String, Value>);

impl Action {
    /// Creates an action of this type. The server handles it and responds with a stream.
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

    /// Sets the payload that the client sends with the action.
    #[must_use]
    pub fn payload(self, payload: impl Into<Value>) -> Self {
        self.set("payload", payload)
    }

    /// Lets the host page handle the action instead of the server.
    #[must_use]
    pub fn on_client(self) -> Self {
        self.set("handler", "client")
    }

    /// Requests a single response instead of a stream.
    #[must_use]
    pub fn without_stream(self) -> Self {
        self.set("streaming", false)
    }

    /// Sets the part of the widget that shows a running action: `auto`, `none`, `self` or
    /// `container`.
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

/// Defines functions for components that have children.
macro_rules! containers {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(children: impl IntoIterator<Item = Component>) -> Component {
            Component::new($kind).with_children(children)
        }
    )*};
}

/// Defines functions for components that require one prop.
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
    /// A card, as the root of a widget.
    card = "Card";
    /// A list of [`list_view_item`]s, as the root of a widget.
    list_view = "ListView";
    /// A root without a frame.
    basic = "Basic";
    /// An entry of a [`list_view`].
    list_view_item = "ListViewItem";
    /// A generic container.
    box_ = "Box";
    /// A horizontal layout.
    row = "Row";
    /// A vertical layout.
    col = "Col";
    /// A form. The client sends all its fields together.
    form = "Form";
}

leaves! {
    /// Plain text.
    text("value") = "Text";
    /// Markdown text.
    markdown("value") = "Markdown";
    /// A title.
    title("value") = "Title";
    /// Small text.
    caption("value") = "Caption";
    /// A label with a colored background.
    badge("label") = "Badge";
    /// An icon, by name.
    icon("name") = "Icon";
    /// An image, by address.
    image("src") = "Image";
    /// A button.
    button("label") = "Button";
    /// A text field for one line.
    input("name") = "Input";
    /// A text field for several lines.
    textarea("name") = "Textarea";
    /// A date field.
    date_picker("name") = "DatePicker";
    /// A checkbox.
    checkbox("name") = "Checkbox";
}

/// The label of a field.
#[must_use]
pub fn label(value: &str, field_name: &str) -> Component {
    Component::new("Label")
        .prop("value", value)
        .prop("fieldName", field_name)
}

/// A field with options, each a value and its label.
#[must_use]
pub fn select<'a>(name: &str, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Component {
    Component::new("Select")
        .prop("name", name)
        .prop("options", choices(options))
}

/// Radio buttons, each with a value and its label.
#[must_use]
pub fn radio_group<'a>(
    name: &str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Component {
    Component::new("RadioGroup")
        .prop("name", name)
        .prop("options", choices(options))
}

/// A horizontal line.
#[must_use]
pub fn divider() -> Component {
    Component::new("Divider")
}

/// A spacer that fills the remaining room.
#[must_use]
pub fn spacer() -> Component {
    Component::new("Spacer")
}

/// A container that animates the change of its child.
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
