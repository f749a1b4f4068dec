//! A fake issuer of tokens that publishes its keys.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// The number of bytes before the PKCS #1 key in the PKCS #8 form of a 2,048-bit RSA key (RFC 5208
/// section 5): the sequence, the version, the algorithm, and the head of the octet string.
const PKCS8_PREFIX: usize = 26;

/// A key pair of an issuer.
#[derive(Debug)]
pub struct Signer {
    /// The value of `kid`.
    pub kid: String,
    /// The private key.
    key: EncodingKey,
    algorithm: Algorithm,
    /// The public key, as it is published.
    pub jwk: Value,
    /// The public key as bytes, for forged tokens.
    pub public: Vec<u8>,
}

impl Signer {
    /// Generates an Ed25519 key.
    ///
    /// # Panics
    /// When there is no randomness.
    #[must_use]
    pub fn ed25519(kid: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        Self {
            kid: kid.to_owned(),
            key: EncodingKey::from_ed_der(document.as_ref()),
            algorithm: Algorithm::EdDSA,
            jwk: json!({"kid": kid, "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": encode(&public)}),
            public,
        }
    }

    /// Generates a P-256 key.
    ///
    /// # Panics
    /// When there is no randomness.
    #[must_use]
    pub fn p256(kid: &str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref()).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        // SEC 1 section 2.3.3: a byte, then both coordinates.
        let (x, y) = (encode(&public[1..33]), encode(&public[33..]));
        Self {
            kid: kid.to_owned(),
            key: EncodingKey::from_ec_der(document.as_ref()),
            algorithm: Algorithm::ES256,
            jwk: json!({"kid": kid, "kty": "EC", "crv": "P-256", "use": "sig", "x": x, "y": y}),
            public,
        }
    }

    /// Generates a 2,048-bit RSA key.
    ///
    /// # Panics
    /// When there is no randomness.
    #[must_use]
    pub fn rsa(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let document: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public = pair.public_key();
        let n = encode(public.modulus().big_endian_without_leading_zero());
        let e = encode(public.exponent().big_endian_without_leading_zero());
        Self {
            kid: kid.to_owned(),
            key: EncodingKey::from_rsa_der(&document.as_ref()[PKCS8_PREFIX..]),
            algorithm: Algorithm::RS256,
            jwk: json!({"kid": kid, "kty": "RSA", "alg": "RS256", "n": n, "e": e}),
            public: public.as_ref().to_vec(),
        }
    }

    /// Creates a token as the issuer would.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        let alg = match self.algorithm {
            Algorithm::ES256 => "ES256",
            Algorithm::RS256 => "RS256",
            _ => "EdDSA",
        };
        self.token_with(&json!({"alg": alg, "kid": self.kid}), claims)
    }

    /// Creates a token with any header, signed with this key.
    ///
    /// # Panics
    /// When signing fails.
    #[must_use]
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// Creates a token with any header, signed with a shared secret.
///
/// # Panics
/// When signing fails.
#[must_use]
pub fn hmac_token(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = message(header, claims);
    let key = EncodingKey::from_secret(secret);
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn message(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| encode(part.to_string().as_bytes()));
    format!("{header}.{claims}")
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An issuer that publishes its keys.
#[derive(Debug)]
pub struct Issuer {
    address: SocketAddr,
    published: Arc<Mutex<Published>>,
    answers: watch::Sender<bool>,
    _listener: JoinSet<()>,
}

#[derive(Debug)]
struct Published {
    status: u16,
    body: String,
    fetches: usize,
}

impl Issuer {
    /// Starts an issuer that publishes these keys.
    ///
    /// # Panics
    /// When the issuer cannot listen.
    pub async fn start(keys: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let published = Arc::new(Mutex::new(Published {
            status: 200,
            body: String::new(),
            fetches: 0,
        }));
        let mut tasks = JoinSet::new();
        let answers = watch::Sender::new(true);
        tasks.spawn(answer(listener, published.clone(), answers.subscribe()));
        let issuer = Self {
            address,
            published,
            answers,
            _listener: tasks,
        };
        issuer.publish(keys);
        issuer
    }

    /// Publishes these keys, and no others.
    pub fn publish(&self, keys: &[&Signer]) {
        let keys: Vec<&Value> = keys.iter().map(|key| &key.jwk).collect();
        self.answer_with(200, &json!({"keys": keys}).to_string());
    }

    /// Answers with this status and body from now on.
    ///
    /// # Panics
    /// When another thread has panicked while answering.
    pub fn answer_with(&self, status: u16, body: &str) {
        let mut published = self.published.lock().unwrap();
        published.status = status;
        body.clone_into(&mut published.body);
    }

    /// Sets whether the issuer answers. While it does not, its callers wait.
    pub fn answer(&self, answers: bool) {
        self.answers.send_replace(answers);
    }

    /// The number of times that the keys were fetched.
    ///
    /// # Panics
    /// When another thread has panicked while answering.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.published.lock().unwrap().fetches
    }

    /// The URL of the keys.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        format!("http://{}/api/auth/jwks", self.address)
    }
}

async fn answer(
    listener: TcpListener,
    published: Arc<Mutex<Published>>,
    answers: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(answer_one(stream, published.clone(), answers.clone()));
    }
}

async fn answer_one(
    mut stream: TcpStream,
    published: Arc<Mutex<Published>>,
    mut answers: watch::Receiver<bool>,
) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    published.lock().unwrap().fetches += 1;
    let _ = answers.wait_for(|answers| *answers).await;
    let answer = {
        let published = published.lock().unwrap();
        let (status, body) = (published.status, &published.body);
        let length = body.len();
        format!(
            "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    };
    let _ = stream.write_all(answer.as_bytes()).await;
}
