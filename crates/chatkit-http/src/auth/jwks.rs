//! The keys that an issuer publishes (RFC 7517). They are fetched in the background, and again
//! when a token names an unknown key.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, Weak},
    time::Duration,
};

use futures::StreamExt;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{failure::JwksUnavailable, token_error::TokenError};

/// How long fetching the keys may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Largest set of keys that is read, in bytes.
const MAX_SET_BYTES: usize = 256 * 1024;

/// Most keys that are taken from a set.
const MAX_KEYS: usize = 100;

/// Shortest time between two fetches because of unknown keys.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// The same before the first successful fetch, because the issuer may just be starting.
const FIRST_COOL_DOWN: Duration = Duration::from_secs(1);

/// How often the set is fetched anyway, so that a withdrawn key is forgotten.
const REFRESH: Duration = Duration::from_secs(5 * 60);

/// A key with the one algorithm that it is used with.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) key: DecodingKey,
    pub(super) algorithm: Algorithm,
}

impl Key {
    pub(super) fn new(key: DecodingKey, algorithm: Algorithm) -> Self {
        Self { key, algorithm }
    }

    /// Whether a token with this `alg` can be signed with this key.
    pub(super) fn is_for(&self, name: &str) -> bool {
        match self.algorithm {
            Algorithm::HS256 => name == "HS256",
            Algorithm::ES256 => name == "ES256",
            Algorithm::RS256 => name == "RS256",
            // RFC 9864 names the curve, RFC 8037 the family.
            Algorithm::EdDSA => matches!(name, "EdDSA" | "Ed25519"),
            _ => false,
        }
    }
}

/// The times of the last fetches.
#[derive(Debug, Default)]
struct Fetches {
    /// The start of the last fetch. Its result is at least as new.
    started: Option<Instant>,
    /// The end of the last fetch that an unknown key caused.
    asked: Option<Instant>,
}

/// The published keys of an issuer.
pub(super) struct Jwks {
    url: String,
    http: reqwest::Client,
    /// The last good set, by `kid`.
    keys: RwLock<Option<Arc<HashMap<String, Key>>>>,
    /// Locked while the set is fetched, so that one fetch serves all waiting calls.
    fetching: Arc<Mutex<Fetches>>,
    /// Stops the task that refreshes the set.
    _stop: DropGuard,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("there is no answer")]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than {MAX_SET_BYTES} bytes")]
    TooLarge,
    #[error("the answer is not a set of keys")]
    NoSet(#[from] serde_json::Error),
}

impl Jwks {
    /// The keys at a URL. A task fetches them until the returned value is dropped.
    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends when the returned value is dropped"
    )]
    pub(super) fn start(url: &str) -> Result<Arc<Self>, TokenError> {
        let http = reqwest::Client::builder()
            .timeout(FETCH_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(TokenError::Client)?;
        let stop = CancellationToken::new();
        let jwks = Arc::new(Self {
            url: url.to_owned(),
            http,
            keys: RwLock::new(None),
            fetching: Arc::default(),
            _stop: stop.clone().drop_guard(),
        });
        tokio::spawn(keep_fresh(Arc::downgrade(&jwks), stop));
        Ok(jwks)
    }

    /// The key with this id, if the issuer has one.
    pub(super) async fn key(self: &Arc<Self>, kid: &str) -> Result<Option<Key>, JwksUnavailable> {
        if let Some(key) = self.known(kid) {
            return Ok(Some(key));
        }
        self.look_for(kid).await;
        let keys = self.keys().ok_or(JwksUnavailable)?;
        Ok(keys.get(kid).cloned())
    }

    fn keys(&self) -> Option<Arc<HashMap<String, Key>>> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn known(&self, kid: &str) -> Option<Key> {
        self.keys()?.get(kid).cloned()
    }

    /// Fetches the set because of an unknown key, unless that has just happened.
    async fn look_for(self: &Arc<Self>, kid: &str) {
        let asked_at = Instant::now();
        let fetches = self.fetching.clone().lock_owned().await;
        // A fetch that started while this call waited also covers it.
        let was_served = fetches.started.is_some_and(|fetch| fetch >= asked_at);
        let cool_down = match self.keys() {
            Some(_) => COOL_DOWN,
            None => FIRST_COOL_DOWN,
        };
        let is_fresh = fetches.asked.is_some_and(|at| at.elapsed() < cool_down);
        if !was_served && !is_fresh && self.known(kid).is_none() {
            self.refresh(fetches, true).await;
        }
    }

    /// Fetches the set in a separate task, so that a disconnecting client does not abort the fetch.
    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends when its fetch ends or times out"
    )]
    async fn refresh(self: &Arc<Self>, mut fetches: OwnedMutexGuard<Fetches>, was_asked: bool) {
        let jwks = self.clone();
        fetches.started = Some(Instant::now());
        let fetch = tokio::spawn(async move {
            match jwks.fetch().await {
                Ok(keys) => {
                    if keys.is_empty() {
                        tracing::warn!("the issuer has no keys that can be used");
                    }
                    tracing::debug!(keys = keys.len(), "fetched the issuer's keys");
                    let mut stored = jwks.keys.write().unwrap_or_else(PoisonError::into_inner);
                    *stored = Some(Arc::new(keys));
                }
                // The last good set stays.
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not fetch the issuer's keys"
                ),
            }
            if was_asked {
                fetches.asked = Some(Instant::now());
            }
        });
        if fetch.await.is_err() {
            tracing::error!("fetching the issuer's keys panicked");
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, Key>, FetchError> {
        let response = self.http.get(&self.url).send().await?;
        let mut chunks = response.error_for_status()?.bytes_stream();
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk?);
            if body.len() > MAX_SET_BYTES {
                return Err(FetchError::TooLarge);
            }
        }
        let set: Set = serde_json::from_slice(&body)?;
        // A set without keys is valid: the issuer withdrew them.
        Ok(set
            .keys
            .into_iter()
            .filter_map(|jwk| serde_json::from_value::<Jwk>(jwk).ok())
            .filter_map(Jwk::into_key)
            .take(MAX_KEYS)
            .collect())
    }
}

/// Fetches the set at once, with backoff until the first success, and then at intervals.
async fn keep_fresh(jwks: Weak<Jwks>, stop: CancellationToken) {
    let mut retry = FIRST_COOL_DOWN;
    while let Some(jwks) = jwks.upgrade() {
        let fetches = jwks.fetching.clone().lock_owned().await;
        jwks.refresh(fetches, false).await;
        let pause = if jwks.keys().is_some() {
            REFRESH
        } else {
            retry = (retry * 2).min(COOL_DOWN);
            retry
        };
        drop(jwks);
        if stop
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_none()
        {
            return;
        }
    }
}

/// A set of keys (RFC 7517 section 5). Keys of unknown kinds are ignored.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// A public key (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    /// The key with its id. Returns `None` for kinds that are not used here, such as shared
    /// secrets, which are never published.
    fn into_key(self) -> Option<(String, Key)> {
        if self.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let (key, algorithm) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => {
                (DecodingKey::from_ed_components(&self.x?), Algorithm::EdDSA)
            }
            ("EC", Some("P-256")) => (
                DecodingKey::from_ec_components(&self.x?, &self.y?),
                Algorithm::ES256,
            ),
            ("RSA", _) => (
                DecodingKey::from_rsa_components(&self.n?, &self.e?),
                Algorithm::RS256,
            ),
            _ => return None,
        };
        let key = Key::new(key.ok()?, algorithm);
        let fits = self.alg.is_none_or(|alg| key.is_for(&alg));
        fits.then_some((self.kid, key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn algorithm_of(jwk: Value) -> Option<Algorithm> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        Some(jwk.into_key()?.1.algorithm)
    }

    #[test]
    fn the_algorithm_is_the_keys() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let ed = json!({"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": x});
        assert_eq!(algorithm_of(ed.clone()), Some(Algorithm::EdDSA));
        let with = |name: &str, value: &str| {
            let mut jwk = ed.clone();
            jwk[name] = json!(value);
            algorithm_of(jwk)
        };
        assert_eq!(with("alg", "EdDSA"), Some(Algorithm::EdDSA));
        assert_eq!(with("alg", "Ed25519"), Some(Algorithm::EdDSA));
        assert_eq!(with("alg", "HS256"), None);
        assert_eq!(with("crv", "X25519"), None);
        assert_eq!(with("use", "enc"), None);
        assert_eq!(with("kty", "oct"), None);
        let rsa = json!({"kid": "b", "kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "RS256"});
        assert_eq!(algorithm_of(rsa), Some(Algorithm::RS256));
        let pss = json!({"kid": "b", "kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "PS256"});
        assert_eq!(algorithm_of(pss), None);
        let ec = json!({"kid": "c", "kty": "EC", "crv": "P-256", "x": x, "y": x});
        assert_eq!(algorithm_of(ec), Some(Algorithm::ES256));
        let secret = json!({"kid": "d", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"});
        assert_eq!(algorithm_of(secret), None);
    }
}
