use sea_orm::{Iterable, QuerySelect, Select, entity::prelude::*};

/// A row of the log: an item of any kind.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub conversation_id: Uuid,
    pub sequence_number: i64,
    /// `message`, `hidden_context`, or the type of a display item in the ChatKit protocol.
    pub kind: String,
    pub role: Option<String>,
    pub content: String,
    pub body: Option<Json>,
    /// A folded copy of the text that only searches read. See [`select`].
    pub search_text: Option<String>,
    pub status: String,
    pub incomplete_reason: Option<String>,
    pub reasoning: Option<String>,
    /// Whether the model's filter refused the message.
    pub is_withheld: bool,
    pub run_id: Option<Uuid>,
    pub model: Option<String>,
    pub tokens_used: Option<i64>,
    pub feedback: Option<String>,
    pub created_at: DateTimeUtc,
    /// Whether the message shows tool calls.
    pub has_tool_calls: bool,
    pub removed_at: Option<DateTimeUtc>,
    pub removed_by: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}

/// The kind of messages.
pub const MESSAGE: &str = "message";

/// The kind of notes for the model.
pub const HIDDEN_CONTEXT: &str = "hidden_context";

/// Selects items without `search_text`, which would double the size of the result.
pub fn select() -> Select<Entity> {
    let columns = Column::iter().filter(|column| !matches!(column, Column::SearchText));
    Entity::find()
        .select_only()
        .columns(columns)
        .expr_as(Expr::cust("NULL"), "search_text")
}

/// Selects the item with this id. The query has no further condition, because PostgreSQL might then
/// read the whole conversation.
pub fn select_by_id(id: Uuid) -> Select<Entity> {
    select().filter(Column::Id.eq(id))
}

impl Model {
    /// Whether the row is a message.
    pub fn is_message(&self) -> bool {
        self.kind == MESSAGE
    }
}
