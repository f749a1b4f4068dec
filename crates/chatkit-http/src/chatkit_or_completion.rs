//! `POST /api/v1/chatkit`, which serves two protocols: a body with a `type` is a request of the
//! ChatKit protocol, any other body is a chat completion.

use chatkit_domain::Caller;
use poem::{Request, Response, Result};
use serde::{Deserialize, de::IgnoredAny};

use crate::{body::read_bytes, chatkit, completions, problem::ErrorFormat, state::ApiState};

/// Answers in the protocol of the body. Errors have the format of this protocol.
pub(crate) async fn handle(caller: Caller, state: ApiState, request: Request) -> Result<Response> {
    let (request, mut body) = request.split();
    let body = read_bytes(&request, &mut body).await?;
    if !has_type(&body) {
        return completions::answer(&caller, &state, &request, &body).await;
    }
    let answer = chatkit::answer(&caller, &state, &request, &body).await;
    answer.map_err(|error| {
        let mut error = poem::Error::from(error);
        error.set_data(ErrorFormat::PROBLEM);
        error
    })
}

fn has_type(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        kind: Option<IgnoredAny>,
    }
    serde_json::from_slice(body).is_ok_and(|Typed { kind }| kind.is_some())
}
