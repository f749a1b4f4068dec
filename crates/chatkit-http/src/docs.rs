//! The contract for people and programs: `/docs` and `/openapi.yaml`.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use poem::Response;
use poem_openapi::OpenApiService;
use serde_json::json;

use crate::{contract::document, rest::APIS};

/// The viewer is one file with inline script and style. It loads nothing from other hosts.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; \
     style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// The contract of an API under a base path. Both texts are rendered once. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Docs(Arc<Texts>);

#[derive(Debug)]
struct Texts {
    base_path: String,
    yaml: OnceLock<Bytes>,
    page: OnceLock<Bytes>,
}

impl Docs {
    /// The contract of the API under this path.
    pub(crate) fn new(base_path: &str) -> Self {
        Self(Arc::new(Texts {
            base_path: base_path.to_owned(),
            yaml: OnceLock::new(),
            page: OnceLock::new(),
        }))
    }

    /// The contract as YAML.
    pub(crate) fn openapi_yaml(&self) -> Response {
        let yaml = self.0.yaml.get_or_init(|| self.0.render_yaml());
        Response::builder()
            .content_type("application/yaml")
            .header("Cache-Control", "no-cache")
            .body(yaml.clone())
    }

    /// The contract in Swagger UI.
    pub(crate) fn page(&self) -> Response {
        let page = self.0.page.get_or_init(|| self.0.render_page());
        Response::builder()
            .content_type("text/html; charset=utf-8")
            .header("Cache-Control", "no-cache")
            .header("Content-Security-Policy", POLICY)
            .body(page.clone())
    }
}

impl Texts {
    fn render_yaml(&self) -> Bytes {
        if self.base_path.is_empty() {
            document::document().into()
        } else {
            document::to_yaml(&self.document()).into()
        }
    }

    fn render_page(&self) -> Bytes {
        let service = OpenApiService::new(APIS, document::TITLE, env!("CARGO_PKG_VERSION"));
        let html = service
            .swagger_ui_html()
            .replace(&service.spec(), &self.document().to_string())
            .replace("<title>Swagger UI</title>", "<title>chatkit API</title>");
        let sign_in = SIGN_IN.replace("{base_path}", &self.base_path);
        format!("<!doctype html>\n{sign_in}{html}").into()
    }

    /// The contract, whose server is the base path.
    fn document(&self) -> serde_json::Value {
        let mut document = document::json();
        if !self.base_path.is_empty() {
            document["servers"] = json!([{"url": self.base_path}]);
        }
        document
    }
}

/// Signs in with the token of a link. The token is removed from the address bar first, so that no
/// history contains it.
const SIGN_IN: &str = "<script>
(async () => {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!token) return;
  history.replaceState(null, '', location.pathname);
  const headers = {Authorization: `Bearer ${token}`};
  const answer = await fetch('{base_path}/api/session', {method: 'POST', headers}).catch(() => null);
  if (answer?.ok) alert('You are signed in. Try the operations below.');
  else if (answer?.status === 401) alert('This sign-in link has expired.');
  else alert('The server cannot be reached. Open the link again.');
})();
</script>";
