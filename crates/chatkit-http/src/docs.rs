//! The contract for people and programs: `/docs` and `/openapi.yaml`.

use std::sync::LazyLock;

use bytes::Bytes;
use poem::{Response, handler};
use poem_openapi::OpenApiService;

use crate::{APIS, document};

/// The viewer is one file with inline script and style; nothing comes from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; \
     style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// The contract, made once.
static YAML: LazyLock<String> = LazyLock::new(document::document);

/// The page, made once.
static PAGE: LazyLock<Bytes> = LazyLock::new(|| render().into());

#[handler]
pub(crate) fn openapi_yaml() -> Response {
    Response::builder()
        .content_type("application/yaml")
        .header("Cache-Control", "no-cache")
        .body(YAML.as_str())
}

/// Signs in with the token of a link. It is taken out of the address bar first, so that it stays
/// in no history.
const SIGN_IN: &str = "<script>
(async () => {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!token) return;
  history.replaceState(null, '', location.pathname);
  const headers = {Authorization: `Bearer ${token}`};
  const answer = await fetch('/api/session', {method: 'POST', headers}).catch(() => null);
  if (answer?.ok) alert('You are signed in: try the calls below.');
  else if (answer?.status === 401) alert('This sign-in link is no longer good.');
  else alert('The server could not be asked. Open the link again.');
})();
</script>";

/// The contract in Swagger UI.
#[handler]
pub(crate) fn page() -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header("Cache-Control", "no-cache")
        .header("Content-Security-Policy", POLICY)
        .body(PAGE.clone())
}

fn render() -> String {
    let service = OpenApiService::new(APIS, document::TITLE, env!("CARGO_PKG_VERSION"));
    let html = service
        .swagger_ui_html()
        .replace(&service.spec(), &document::json().to_string())
        .replace("<title>Swagger UI</title>", "<title>chatkit API</title>");
    format!("<!doctype html>\n{SIGN_IN}{html}")
}
