//! The API as a part of another service: its own authenticator, under a path.

use std::sync::Arc;

use chatkit_agent::{Agent, AgentParts, AgentResponder, AgentSettings};
use chatkit_domain::{Caller, SystemClock, UserId};
use chatkit_http::{ApiOptions, ApiService, ApiState, AuthFailure, Authenticator, router};
use chatkit_rules::RulesProvider;
use chatkit_tests::TestDatabase;
use http::{Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower_service::Service;

use crate::BACKEND;

/// The user that the embedding service has found out.
#[derive(Clone, Debug)]
struct SignedIn(&'static str);

/// Trusts the embedding service.
#[derive(Debug)]
struct ServiceSession;

#[async_trait::async_trait]
impl Authenticator for ServiceSession {
    async fn caller(&self, parts: &Parts) -> Result<Caller, AuthFailure> {
        let user = parts.extensions.get::<SignedIn>();
        match user.ok_or(AuthFailure::Missing)?.0 {
            "" => Err(AuthFailure::invalid("the session names nobody")),
            "away" => Err(AuthFailure::Unavailable("the sessions are away".into())),
            "foreign" => Err(AuthFailure::ForeignOrigin),
            name => Ok(Caller::new(UserId::parse(name).unwrap())),
        }
    }
}

async fn service(database: &TestDatabase) -> ApiService {
    let repositories = database.repositories().await;
    let clock = Arc::new(SystemClock);
    let parts = AgentParts {
        repositories: repositories.clone(),
        provider: Arc::new(RulesProvider),
        tools: chatkit_tools::ToolRegistry::default(),
        responder: Arc::new(AgentResponder),
        clock: clock.clone(),
    };
    let agent = Agent::new(AgentSettings::new("rules"), parts)
        .await
        .unwrap();
    let options = ApiOptions::new("my provider", "https://example.com")
        .with_base_path("assistant/".parse().unwrap());
    let authenticator = Arc::new(ServiceSession);
    let state = ApiState::new(agent, repositories, authenticator, clock, options);
    ApiService::new(router(state))
}

struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

async fn ask(service: &ApiService, method: &str, path: &str, user: Option<&'static str>) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from("{}"))
        .unwrap();
    if let Some(user) = user {
        request.extensions_mut().insert(SignedIn(user));
    }
    let response: Response<_> = service.clone().call(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}

#[tokio::test]
async fn an_authenticator_of_ones_own_decides_who_calls() {
    let database = TestDatabase::fresh(BACKEND).await;
    let service = service(&database).await;
    let info = ask(&service, "GET", "/assistant/api/info", Some("alice")).await;
    assert_eq!(info.status, StatusCode::OK, "{}", info.text);
    let info: Value = serde_json::from_str(&info.text).unwrap();
    assert_eq!(
        (&info["user_id"], &info["provider"]),
        (&"alice".into(), &"my provider".into())
    );
    for (user, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(""), StatusCode::UNAUTHORIZED),
        (Some("foreign"), StatusCode::FORBIDDEN),
        (Some("away"), StatusCode::SERVICE_UNAVAILABLE),
    ] {
        for (method, path) in [
            ("GET", "/api/info"),
            ("POST", "/chatkit"),
            ("GET", "/v1/models"),
        ] {
            let refused = ask(&service, method, path, user).await;
            assert_eq!(refused.status, status, "{path} {user:?}");
        }
    }
}

#[tokio::test]
async fn paths_start_with_the_base_path_whether_or_not_a_proxy_removes_it() {
    let database = TestDatabase::fresh(BACKEND).await;
    let service = service(&database).await;
    for prefix in ["/assistant", ""] {
        let path = format!("{prefix}/api/chat/conversations");
        let created = ask(&service, "POST", &path, Some("alice")).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        let location = created.headers[header::LOCATION].to_str().unwrap();
        assert!(
            location.starts_with("/assistant/api/chat/conversations/"),
            "{location}"
        );
        let found = ask(&service, "GET", location, Some("alice")).await;
        assert_eq!(found.status, StatusCode::OK);
        let path = format!("{prefix}/api/session");
        let out = ask(&service, "DELETE", &path, Some("alice")).await;
        let cookie = out.headers[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("; Path=/assistant;"), "{cookie}");
        let contract = ask(&service, "GET", &format!("{prefix}/openapi.yaml"), None).await;
        assert!(contract.text.contains("\nservers:\n- url: /assistant\n"));
        let docs = ask(&service, "GET", &format!("{prefix}/docs"), None).await;
        assert!(docs.text.contains("fetch('/assistant/api/session'"));
        assert!(docs.text.contains(r#""servers":[{"url":"/assistant"}]"#));
    }
    let home = ask(&service, "GET", "/assistant", None).await;
    assert_eq!(home.status, StatusCode::OK);
    let other = ask(&service, "GET", "/assistants/api/info", Some("alice")).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_a_secret_there_is_no_sign_in() {
    let database = TestDatabase::fresh(BACKEND).await;
    let mut service = service(&database).await;
    let request = Request::builder()
        .method("POST")
        .uri("/api/session")
        .header(header::AUTHORIZATION, "Bearer a.b.c")
        .body(Full::from(""))
        .unwrap();
    let refused: Response<_> = service.call(request).await.unwrap();
    assert_eq!(refused.status(), StatusCode::NOT_IMPLEMENTED);
}
