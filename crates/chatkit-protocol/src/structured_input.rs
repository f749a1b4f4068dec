//! Questions to the user, and the answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::or_default;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StructuredInput {
    /// Its id, unique within its item.
    pub id: String,
    /// The question.
    pub question: String,
    /// The answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// How it can be answered.
    #[serde(flatten)]
    pub kind: StructuredInputKind,
}

/// How a question can be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StructuredInputKind {
    /// By choosing, or by an own value instead.
    MultipleChoice {
        /// What can be chosen.
        options: Vec<ChoiceOption>,
        /// Whether more than one can.
        #[serde(default, deserialize_with = "or_default")]
        multiple: bool,
    },
    /// In words.
    Freeform {
        /// More about the question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// What it is.
    pub value: String,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What was chosen or written.
    #[serde(default, deserialize_with = "or_default")]
    pub values: Vec<String>,
    /// Whether the user did not want to answer.
    #[serde(default, deserialize_with = "or_default")]
    pub skipped: bool,
}

/// Where an item with questions stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StructuredInputStatus {
    /// It waits for the user.
    #[default]
    Pending,
    /// The user has answered.
    Answered,
    /// The user did not want to answer.
    Skipped,
}

/// What the user sends for an item with questions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StructuredInputSubmission {
    /// Whether they answered.
    #[serde(default, deserialize_with = "or_default")]
    pub status: SubmissionStatus,
    /// The answers, by the questions' ids.
    #[serde(default, deserialize_with = "or_default")]
    pub answers: BTreeMap<String, Answer>,
}

/// Whether a user answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionStatus {
    /// They did.
    #[default]
    Answered,
    /// They did not want to.
    Skipped,
}
