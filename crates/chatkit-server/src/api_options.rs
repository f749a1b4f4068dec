//! The API's part of the settings.

use std::{borrow::Cow, net::SocketAddr};

use anyhow::anyhow;
use chatkit_http::{ApiOptions, BasePath};
use chatkit_web::Pages;

use crate::config::{Origin, Settings};

/// The options of an API with a provider of this name. Without a public URL, browsers see the server
/// at this address, if it is known.
pub(crate) fn api_options(
    settings: &Settings,
    provider: Cow<'static, str>,
    models: Vec<String>,
    address: Option<SocketAddr>,
) -> anyhow::Result<ApiOptions> {
    let public_url = match (&settings.public_url, address) {
        (Some(origin), _) => origin.as_str().to_owned(),
        (None, Some(address)) => format!("http://{address}"),
        (None, None) => String::new(),
    };
    let base_path = BasePath::parse(&settings.base_path);
    let base_path = base_path.map_err(|error| anyhow!("base_path {error}"))?;
    Ok(ApiOptions::new(provider, public_url)
        .with_models(models)
        .with_base_path(base_path)
        .with_cors_origins(texts(&settings.cors_origins))
        .with_chatkit_allow_cancel(settings.chatkit_allow_cancel)
        .with_deleted_ttl(settings.deleted_ttl))
}

/// The chat page and the widget.
pub(crate) fn pages(settings: &Settings) -> Pages {
    Pages::new(&texts(&settings.frame_ancestors))
}

fn texts(origins: &[Origin]) -> Vec<String> {
    let texts = origins.iter().map(|origin| origin.as_str().to_owned());
    texts.collect()
}
