//! The tokens that the server accepts.

use chatkit_http::{Verifier, VerifierOptions};

use crate::{config::Settings, local};

/// Returns which tokens are accepted: those of the configured secret, those of published keys, or,
/// without both, those of the local secret.
///
/// # Errors
/// When neither is configured and the server may not make a secret.
pub fn verifier_options(settings: &Settings) -> anyhow::Result<VerifierOptions> {
    let jwks_url = settings.jwks_url.as_ref();
    let secret = match &settings.secret {
        Some(secret) => Some(secret.expose().to_owned()),
        None if jwks_url.is_some() => None,
        None => Some(local::secret(settings)?),
    };
    let mut options = VerifierOptions::new();
    options.secret = secret;
    options.jwks_url = jwks_url.map(|url| url.as_str().to_owned());
    options.issuer.clone_from(&settings.jwt_issuer);
    options.audience.clone_from(&settings.jwt_audience);
    Ok(options)
}

/// The verifier of these tokens.
pub(crate) fn verifier(settings: &Settings) -> anyhow::Result<Verifier> {
    let verifier = Verifier::new(verifier_options(settings)?)?;
    let is_for_anybody = settings.jwt_issuer.is_none() && settings.jwt_audience.is_none();
    if settings.jwks_url.is_some() && is_for_anybody {
        tracing::warn!(
            "every token of the issuer is accepted, for whatever audience it was made: set \
             JWT_ISSUER and JWT_AUDIENCE"
        );
    }
    Ok(verifier)
}
