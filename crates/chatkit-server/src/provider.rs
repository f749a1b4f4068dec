//! The choice of the provider that answers.

use std::{borrow::Cow, sync::Arc};

#[cfg(not(all(feature = "openai", feature = "rules")))]
use anyhow::bail;
use chatkit_agent::provider::Provider;

use crate::config::{DEFAULT_MODEL, Settings};

/// A provider of the embedding application.
#[derive(Debug)]
pub(crate) struct OwnProvider {
    pub(crate) name: Cow<'static, str>,
    pub(crate) provider: Arc<dyn Provider>,
}

/// The provider that answers.
pub(crate) struct ChosenProvider {
    /// The name that `getInfo` shows.
    pub(crate) name: Cow<'static, str>,
    pub(crate) models: Models,
    pub(crate) provider: Arc<dyn Provider>,
}

/// The models that callers may choose.
pub(crate) struct Models {
    pub(crate) default: String,
    others: Vec<String>,
}

impl Models {
    fn of(settings: &Settings) -> Self {
        Self {
            default: settings.openai_model.clone(),
            others: settings.allowed_models.clone(),
        }
    }

    /// Each name once, the default first.
    pub(crate) fn into_names(self) -> Vec<String> {
        let mut names = vec![self.default];
        for name in self.others {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Returns the application's own provider, else the configured model, else the built-in rules.
pub(crate) fn choose(
    settings: &Settings,
    own: Option<OwnProvider>,
) -> anyhow::Result<ChosenProvider> {
    if let Some(OwnProvider { name, provider }) = own {
        let mut models = Models::of(settings);
        if models.default == DEFAULT_MODEL {
            models.default = name.clone().into_owned();
        }
        return Ok(ChosenProvider {
            name,
            models,
            provider,
        });
    }
    if settings.has_model() {
        openai(settings)
    } else {
        rules()
    }
}

#[cfg(feature = "openai")]
fn openai(settings: &Settings) -> anyhow::Result<ChosenProvider> {
    use chatkit_agent::provider::openai::{OpenAiApi, OpenAiOptions, OpenAiProvider, RefusedForms};

    use crate::config::{ModelApi, ModelFeature, ModelRoles};

    /// The base URL of OpenAI's own API.
    const OPENAI: &str = "https://api.openai.com/v1";

    let base_url = settings.openai_base_url.as_ref();
    let api_key = settings.openai_api_key.as_ref();
    let api = match settings.openai_api {
        ModelApi::ChatCompletions => OpenAiApi::ChatCompletions,
        ModelApi::Responses => OpenAiApi::Responses,
    };
    let refused = RefusedForms::new()
        .with_tools(settings.model_tools == ModelFeature::Off)
        .with_stream_options(settings.model_stream_options == ModelFeature::Off)
        .with_neighbors(settings.model_roles == ModelRoles::Alternate);
    let options = OpenAiOptions::new(base_url.map_or(OPENAI, |url| url.as_str()))
        .with_api(api)
        .with_api_key(api_key.map(|key| key.expose().to_owned()))
        .with_silence(settings.model_timeout)
        .with_refused(refused);
    let provider = OpenAiProvider::new(&options)?;
    tracing::info!(model = settings.openai_model, "a model answers");
    Ok(ChosenProvider {
        name: "openai".into(),
        models: Models::of(settings),
        provider: Arc::new(provider),
    })
}

#[cfg(not(feature = "openai"))]
fn openai(_: &Settings) -> anyhow::Result<ChosenProvider> {
    bail!(
        "OPENAI_API_KEY or OPENAI_BASE_URL is set, but this build lacks the feature `openai`, which \
         asks models"
    )
}

#[cfg(feature = "rules")]
fn rules() -> anyhow::Result<ChosenProvider> {
    tracing::warn!("no model is configured: the built-in rules answer");
    Ok(ChosenProvider {
        name: "rules".into(),
        models: Models {
            default: "rules".to_owned(),
            others: Vec::new(),
        },
        provider: Arc::new(chatkit_rules::RulesProvider),
    })
}

#[cfg(not(feature = "rules"))]
fn rules() -> anyhow::Result<ChosenProvider> {
    bail!(
        "no model is configured: set OPENAI_API_KEY or OPENAI_BASE_URL, or give the application a \
         provider. This build lacks the feature `rules`, which would answer instead"
    )
}
