//! One file of the page, as it is answered.

use std::{collections::HashMap, io::Write};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use poem::{
    Request, Response,
    http::{HeaderName, StatusCode, header},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "dist"]
struct Dist;

/// Names in this folder hold a hash of what they name: what is there never changes.
const HASHED: &str = "assets/";

/// From how many bytes on compressing is worth it: a packet's.
const WORTH_COMPRESSING: usize = 1_400;

/// One file.
#[derive(Debug)]
pub(crate) struct Asset {
    content_type: String,
    bytes: Bytes,
    /// The same, where that is smaller.
    gzipped: Option<Bytes>,
    tag: String,
    cache: &'static str,
}

/// An answer, before its body is chosen.
pub(crate) struct Answer(poem::ResponseBuilder, Bytes);

/// Every file, by its name.
pub(crate) fn all() -> HashMap<String, Asset> {
    Dist::iter()
        .filter_map(|name| {
            let asset = Asset::new(&name)?;
            Some((name.into_owned(), asset))
        })
        .collect()
}

impl Asset {
    fn new(name: &str) -> Option<Self> {
        let file = Dist::get(name)?;
        let content_type = match file.metadata.mimetype() {
            text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
            other => other.to_owned(),
        };
        let hash = file.metadata.sha256_hash();
        let hash: String = hash[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let bytes = Bytes::from(file.data.into_owned());
        Some(Self {
            content_type,
            gzipped: gzipped(&bytes),
            bytes,
            // Weak: it stands for the file in both encodings.
            tag: format!("W/\"{hash}\""),
            cache: if name.starts_with(HASHED) {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            },
        })
    }

    /// The file, or that the client has it already (RFC 9110, sections 8.8.3 and 15.4.5).
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let response = Response::builder()
            .header(header::ETAG, &self.tag)
            .header(header::CACHE_CONTROL, self.cache)
            .header(header::VARY, "Accept-Encoding");
        if lists(request, &header::IF_NONE_MATCH, |tag| {
            tag == "*" || tag.trim_start_matches("W/") == self.tag.trim_start_matches("W/")
        }) {
            return Answer(response.status(StatusCode::NOT_MODIFIED), Bytes::new());
        }
        let response = response.content_type(&self.content_type);
        let takes_gzip = lists(request, &header::ACCEPT_ENCODING, |coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            name.trim() == "gzip"
                && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        });
        match self.gzipped.clone().filter(|_| takes_gzip) {
            Some(gzipped) => Answer(response.header(header::CONTENT_ENCODING, "gzip"), gzipped),
            None => Answer(response, self.bytes.clone()),
        }
    }
}

impl Answer {
    /// The answer with one header more.
    pub(crate) fn with(self, name: HeaderName, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    pub(crate) fn into_response(self) -> Response {
        self.0.body(self.1)
    }
}

/// Whether one of the values that a header lists is such.
fn lists(request: &Request, name: &HeaderName, is_such: impl Fn(&str) -> bool) -> bool {
    let values = request.headers().get_all(name).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|value| is_such(value.trim()))
}

/// The same bytes compressed, where that makes them smaller.
fn gzipped(bytes: &[u8]) -> Option<Bytes> {
    if bytes.len() < WORTH_COMPRESSING {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    let gzipped = encoder.finish().ok()?;
    (gzipped.len() < bytes.len()).then(|| gzipped.into())
}
