//! The chat page: how it is cached, and what it may do.

use chatkit_tests::{Answer, Client, TestServer};
use reqwest::{Method, StatusCode};
use uuid::Uuid;

use crate::BACKEND;

async fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = client.request(Method::GET, path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    client.send(request).await
}

/// The files that the page names.
fn assets(page: &str) -> Vec<String> {
    let names = page.split('"').filter(|part| part.starts_with("/assets/"));
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_page_is_asked_for_anew_and_its_files_are_kept() {
    let server = TestServer::start(BACKEND).await;
    let nobody = server.client_with(None);
    let page = nobody.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-cache");
    let conversation = format!("/c/{}", Uuid::now_v7());
    assert_eq!(nobody.get(&conversation).await.text, page.text);
    let known = [("If-None-Match", page.header("etag"))];
    let again = get(&nobody, "/", &known).await;
    assert_eq!(
        (again.status, again.text.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(again.header("etag"), page.header("etag"));
    let assets = assets(&page.text);
    assert!(assets.len() >= 2, "{}", page.text);
    for asset in &assets {
        let whole = nobody.get(asset).await;
        assert_eq!(whole.status, StatusCode::OK);
        assert_eq!(
            whole.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(whole.header("x-content-type-options"), "nosniff");
        assert_eq!(whole.header("vary"), "Accept-Encoding");
        let known = [("If-None-Match", whole.header("etag"))];
        let again = get(&nobody, asset, &known).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        let gzipped = get(&nobody, asset, &[("Accept-Encoding", "br, gzip")]).await;
        assert_eq!(gzipped.header("content-encoding"), "gzip");
        let plain = get(&nobody, asset, &[("Accept-Encoding", "gzip;q=0")]).await;
        assert_eq!(plain.header("content-encoding"), "");
        let head = nobody.request(Method::HEAD, asset);
        let head = nobody.send(head).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
        assert_eq!(head.header("etag"), whole.header("etag"));
        assert_eq!(head.header("content-length"), whole.text.len().to_string());
    }
}

#[tokio::test]
async fn the_page_runs_nothing_but_itself() {
    let server = TestServer::start(BACKEND).await;
    let nobody = server.client_with(None);
    let page = nobody.get("/").await;
    let policy = page.header("content-security-policy").to_owned();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "frame-ancestors 'none'",
    ] {
        assert!(
            policy.split("; ").any(|part| part == rule),
            "{rule}: {policy}"
        );
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(!page.text.contains("<style") && !page.text.contains("style="));
    for script in page.text.split("<script").skip(1) {
        assert!(script.contains("src=\"/assets/"), "{script}");
    }
    let flags = ["--frame-ancestors=https://app.example.com,https://b.example"];
    let server = TestServer::start_with(BACKEND, &flags).await;
    let page = server.client_with(None).get("/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.ends_with("frame-ancestors https://app.example.com https://b.example"));
}

#[tokio::test]
async fn pages_of_other_origins_may_load_the_widget() {
    let origin = "https://app.example.com";
    let server = TestServer::start_with(BACKEND, &["--cors-origins", origin]).await;
    let nobody = server.client_with(None);
    let widget = get(&nobody, "/widget.js", &[("Origin", origin)]).await;
    assert_eq!(widget.status, StatusCode::OK);
    assert_eq!(
        widget.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    // Its name says nothing of what is in it.
    assert_eq!(widget.header("cache-control"), "no-cache");
    assert_eq!(
        widget.header("cross-origin-resource-policy"),
        "cross-origin"
    );
    assert_eq!(widget.header("access-control-allow-origin"), origin);
    let known = [("If-None-Match", widget.header("etag"))];
    let again = get(&nobody, "/widget.js", &known).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    // What belongs to the page is nobody else's.
    let page = nobody.get("/").await;
    assert_eq!(page.header("cross-origin-resource-policy"), "");
}

#[tokio::test]
async fn other_paths_are_no_pages() {
    let server = TestServer::start(BACKEND).await;
    let nobody = server.client_with(None);
    for path in [
        "/index.html",
        "/assets/none.js",
        "/assets/../index.html",
        "/c/",
        "/c/<script>",
        "/nothing",
        "/api/nothing",
    ] {
        let missing = nobody.get(path).await;
        missing.expect_problem(StatusCode::NOT_FOUND, "route_not_found");
    }
    let refused = nobody.post("/", serde_json::json!({})).await;
    refused.expect_problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    assert_eq!(refused.header("allow"), "GET, HEAD");
}
