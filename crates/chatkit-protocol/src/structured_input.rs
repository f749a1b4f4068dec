//! Questions to the user and their answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::or_default;

/// A question to the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StructuredInput {
    /// The id, unique within its item.
    pub id: String,
    /// The text of the question.
    pub question: String,
    /// The answer, after the user has given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The form of the answer.
    #[serde(flatten)]
    pub kind: StructuredInputKind,
}

/// The form of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StructuredInputKind {
    /// A choice of options. The user may enter another value instead.
    MultipleChoice {
        /// The options.
        options: Vec<ChoiceOption>,
        /// Whether the user may choose more than one option.
        #[serde(default, deserialize_with = "or_default")]
        multiple: bool,
    },
    /// Free text.
    Freeform {
        /// A description of the question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
}

/// An option of a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// The value, which is also the label.
    pub value: String,
}

/// An answer to a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The chosen or entered values.
    #[serde(default, deserialize_with = "or_default")]
    pub values: Vec<String>,
    /// Whether the user declined to answer.
    #[serde(default, deserialize_with = "or_default")]
    pub skipped: bool,
}

/// The status of an item with questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StructuredInputStatus {
    /// The item waits for the user.
    #[default]
    Pending,
    /// The user has answered.
    Answered,
    /// The user declined to answer.
    Skipped,
}

/// The answers that the client sends for an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StructuredInputSubmission {
    /// Whether the user answered.
    #[serde(default, deserialize_with = "or_default")]
    pub status: SubmissionStatus,
    /// The answers by question id.
    #[serde(default, deserialize_with = "or_default")]
    pub answers: BTreeMap<String, Answer>,
}

/// Whether the user answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionStatus {
    /// The user answered.
    #[default]
    Answered,
    /// The user declined to answer.
    Skipped,
}
