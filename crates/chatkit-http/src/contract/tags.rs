//! The groups of operations.

/// The groups of operations.
#[derive(poem_openapi::Tags)]
pub(crate) enum Tags {
    /// The user's conversations.
    Conversations,
    /// The messages of a conversation.
    Messages,
    /// The attempts of the agent to answer a message.
    Runs,
    /// A turn in one request: a message, and the answer as the response.
    Chat,
    /// Signing in and out.
    Session,
    /// Facts about the server.
    Server,
}
