//! The tokens that the server accepts.

use chatkit_http::{Verifier, VerifierOptions};

use crate::{config::Settings, local};

/// Returns the options of a verifier for these settings. It accepts tokens of the configured secret
/// and of published keys. With neither, it accepts tokens of the local secret.
///
/// # Errors
/// When neither is configured and the server may not create a secret.
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
    let has_no_restriction = settings.jwt_issuer.is_none() && settings.jwt_audience.is_none();
    if settings.jwks_url.is_some() && has_no_restriction {
        tracing::warn!(
            "every token of the issuer is accepted, for any audience: set JWT_ISSUER and \
             JWT_AUDIENCE"
        );
    }
    Ok(verifier)
}
