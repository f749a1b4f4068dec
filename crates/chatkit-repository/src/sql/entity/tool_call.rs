use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tool_calls")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub run_id: Uuid,
    pub message_id: Option<Uuid>,
    pub round: i32,
    pub position: i32,
    pub call_id: String,
    pub tool_name: String,
    pub tool_input: Json,
    pub tool_input_text: Option<String>,
    /// The exact arguments of the model. A JSON column may store the same value in another form.
    pub raw_input: Option<String>,
    pub content_offset: Option<i64>,
    /// JSON text that only the model's provider reads.
    pub provider_data: Option<String>,
    pub tool_output: Option<Json>,
    pub status: String,
    pub error_message: Option<String>,
    pub execution_time_ms: Option<i64>,
    pub created_at: DateTimeUtc,
    pub completed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
