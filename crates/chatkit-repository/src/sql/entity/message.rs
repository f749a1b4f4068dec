use sea_orm::entity::prelude::*;

/// A row of the log: an item of any kind.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub conversation_id: Uuid,
    pub sequence_number: i64,
    pub kind: Kind,
    pub role: Option<Role>,
    pub content: String,
    pub body: Option<Json>,
    pub search_text: Option<String>,
    pub status: Status,
    /// Why an answer is incomplete, in the words of the API.
    pub incomplete_reason: Option<String>,
    pub reasoning: Option<String>,
    /// Whether the model's filter refused it.
    pub is_withheld: bool,
    pub run_id: Option<Uuid>,
    pub model: Option<String>,
    pub tokens_used: Option<i64>,
    pub feedback: Option<Feedback>,
    pub created_at: DateTimeUtc,
    /// Whether tool calls are shown with it.
    pub has_tool_calls: bool,
    pub removed_at: Option<DateTimeUtc>,
    pub removed_by: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Kind {
    Message,
    HiddenContext,
    Widget,
    Workflow,
    Task,
    ClientToolCall,
    StructuredInput,
    GeneratedImage,
    EndOfTurn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Role {
    User,
    Assistant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Status {
    Completed,
    Incomplete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Feedback {
    Positive,
    Negative,
}
