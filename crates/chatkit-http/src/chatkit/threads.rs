//! Threads and their items.

use std::collections::HashSet;

use chatkit_agent::thread::{to_item, to_thread};
use chatkit_domain::{
    Caller, ConversationId, Item, ItemId, Limit, ListCreated, Order, Page as Listed,
    RepositoryError, Resource, Title,
};
use chatkit_protocol::{
    Feedback, ListItems, ListThreads, Page, Thread, ThreadItem, ThreadRef, UpdateThread,
};
use uuid::Uuid;

use super::workflow;
use crate::{middleware::notes, problem::ApiError, state::ApiState};

/// Largest number of items in one rating.
const MAX_RATED: usize = 100;

/// A thread's id. A malformed id names no thread.
pub(super) fn id(text: &str) -> Result<ConversationId, ApiError> {
    let id = Uuid::parse_str(text).map_err(|_| ApiError::NotFound(Resource::Conversation))?;
    let id = ConversationId::new(id);
    notes::conversation(id);
    Ok(id)
}

/// An item's id.
pub(super) fn item_id(text: &str) -> Result<ItemId, ApiError> {
    Uuid::parse_str(text)
        .map(ItemId::new)
        .map_err(|_| ApiError::NotFound(Resource::Message))
}

pub(super) async fn get(
    state: &ApiState,
    caller: &Caller,
    thread: &ThreadRef,
) -> Result<Thread, ApiError> {
    let id = id(&thread.thread_id)?;
    let found = state.repositories().conversations.get(caller, id).await?;
    let first = ListCreated {
        limit: limit(None),
        order: Order::Asc,
        after: None,
    };
    let items = state.repositories().messages.items(caller, id, first).await;
    Ok(Thread {
        items: page_of_items(items?, Order::Asc),
        ..to_thread(&found)
    })
}

pub(super) async fn list(
    state: &ApiState,
    caller: &Caller,
    list: &ListThreads,
) -> Result<Page<Thread>, ApiError> {
    let after = list.after.as_deref().map(id).transpose()?;
    let conversations = &state.repositories().conversations;
    let part = conversations.list_created(caller, listed(list.limit, list.order, after));
    let Listed { entries, has_more } = part.await?;
    let last = entries.last().map(|conversation| conversation.id);
    Ok(Page {
        data: entries.iter().map(to_thread).collect(),
        has_more,
        after: last.filter(|_| has_more).map(|id| id.to_string()),
    })
}

pub(super) async fn update(
    state: &ApiState,
    caller: &Caller,
    update: &UpdateThread,
) -> Result<Thread, ApiError> {
    let id = id(&update.thread_id)?;
    let title = Title::parse(&update.title).map_err(|e| ApiError::invalid("params.title", e))?;
    let conversations = &state.repositories().conversations;
    let now = state.clock().now();
    let renamed = conversations.rename(caller, id, &title, now).await?;
    Ok(to_thread(&renamed))
}

pub(super) async fn delete(
    state: &ApiState,
    caller: &Caller,
    thread: &ThreadRef,
) -> Result<(), ApiError> {
    let id = id(&thread.thread_id)?;
    Ok(state.agent().delete_conversation(caller, id).await?)
}

pub(super) async fn items(
    state: &ApiState,
    caller: &Caller,
    list: &ListItems,
) -> Result<Page<ThreadItem>, ApiError> {
    let id = id(&list.thread_id)?;
    // The steps of an answer are at the answer's position in the log.
    let place = |id: &str| item_id(id.strip_prefix(workflow::PREFIX).unwrap_or(id));
    let after = list.after.as_deref().map(place).transpose()?;
    let listed = listed(list.limit, list.order, after);
    let items = state
        .repositories()
        .messages
        .items(caller, id, listed)
        .await;
    Ok(page_of_items(items?, list.order))
}

/// Rates answers. Ratings of other items are ignored.
pub(super) async fn rate(
    state: &ApiState,
    caller: &Caller,
    feedback: &Feedback,
) -> Result<(), ApiError> {
    let id = id(&feedback.thread_id)?;
    state.repositories().conversations.get(caller, id).await?;
    let items: HashSet<ItemId> = feedback
        .item_ids
        .iter()
        .filter_map(|id| item_id(id).ok())
        .collect();
    if items.len() > MAX_RATED {
        let message = format!("must have at most {MAX_RATED} entries");
        return Err(ApiError::invalid("params.item_ids", message));
    }
    for item in items {
        let rated = state
            .repositories()
            .messages
            .rate(caller, id, item, Some(feedback.kind));
        match rated.await {
            Ok(()) | Err(RepositoryError::NotFound(_) | RepositoryError::WrongMessage) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn listed<T>(asked: Option<i64>, order: Order, after: Option<T>) -> ListCreated<T> {
    ListCreated {
        limit: limit(asked),
        order,
        after,
    }
}

/// The largest number of entries on a page: 20 by default, and at most 100. Clients ask for 9999.
fn limit(asked: Option<i64>) -> Limit {
    match asked.filter(|limit| *limit > 0) {
        None => Limit::DEFAULT,
        Some(limit) => Limit::parse(limit).unwrap_or(Limit::MAX),
    }
}

/// A page with the steps of answers, and without hidden items. Its `after` may name a hidden item.
fn page_of_items(part: Listed<Item>, order: Order) -> Page<ThreadItem> {
    let Listed { entries, has_more } = part;
    let last = entries.last().map(Item::id);
    let shown = entries.into_iter().flat_map(|item| {
        let mut shown = to_items(item);
        if order == Order::Desc {
            shown.reverse();
        }
        shown
    });
    Page {
        data: shown.collect(),
        has_more,
        after: last.filter(|_| has_more).map(|id| id.to_string()),
    }
}

fn to_items(item: Item) -> Vec<ThreadItem> {
    let steps = match &item {
        Item::Message(message) => workflow::of(message),
        Item::HiddenContext(_) | Item::Display(_) | Item::Unreadable(_) => None,
    };
    steps.into_iter().chain(to_item(item)).collect()
}
