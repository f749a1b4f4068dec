//! The published API. Each file has the operations of one resource.

mod chat;
mod conversations;
mod etag;
mod events;
mod extract;
mod info;
mod messages;
mod projection;
mod runs;
pub(crate) mod schema;
mod session;
mod window;

/// All operations of the contract.
pub(crate) type Apis = (
    conversations::ConversationsApi,
    messages::MessagesApi,
    runs::RunsApi,
    events::EventsApi,
    chat::ChatApi,
    session::SessionApi,
    info::InfoApi,
);

/// All operations of the contract.
pub(crate) const APIS: Apis = (
    conversations::ConversationsApi,
    messages::MessagesApi,
    runs::RunsApi,
    events::EventsApi,
    chat::ChatApi,
    session::SessionApi,
    info::InfoApi,
);
