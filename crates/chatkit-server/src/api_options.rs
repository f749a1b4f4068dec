//! The API's part of the settings.

use std::{borrow::Cow, net::SocketAddr};

use chatkit_http::ApiOptions;
use chatkit_web::Pages;

use crate::config::{Origin, Settings};

/// The options of an API at this address, with a provider of this name.
pub(crate) fn api_options(
    settings: &Settings,
    provider: Cow<'static, str>,
    models: Vec<String>,
    address: SocketAddr,
) -> ApiOptions {
    let public_url = settings.public_url.as_ref();
    let public_url = public_url.map_or_else(
        || format!("http://{address}"),
        |origin| origin.as_str().to_owned(),
    );
    ApiOptions::new(provider, public_url)
        .with_models(models)
        .with_base_path(&settings.base_path)
        .with_cors_origins(texts(&settings.cors_origins))
        .with_chatkit_allow_cancel(settings.chatkit_allow_cancel)
        .with_deleted_ttl(settings.deleted_ttl)
}

/// The chat page and the widget.
pub(crate) fn pages(settings: &Settings) -> Pages {
    Pages::new(&texts(&settings.frame_ancestors))
}

fn texts(origins: &[Origin]) -> Vec<String> {
    let texts = origins.iter().map(|origin| origin.as_str().to_owned());
    texts.collect()
}
