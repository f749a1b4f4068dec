//! The values of settings, checked when they are parsed. Errors do not quote the value, which may
//! be a secret.

use std::{fmt, path::PathBuf, str::FromStr};

use anyhow::{Context, bail};
use url::Url;

/// A secret: at least 32 bytes, never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if text.len() < 32 {
            bail!("must have at least 32 bytes");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// A key: never printed.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for ApiKey {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if text.trim().is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("must be visible ASCII characters");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(…)")
    }
}

/// The base of an API: `http` or `https`, usually ending with `/v1`.
#[derive(Clone, Debug)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The base as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let host = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .context("must start with http:// or https://")?;
        if host.is_empty() || host.contains(['?', '#', '@', ' ']) {
            bail!("must be a scheme, a host and a path, such as https://api.openai.com/v1");
        }
        Ok(Self(text.to_owned()))
    }
}

/// The URL at which an issuer publishes its keys: `http` or `https`.
#[derive(Clone, Debug)]
pub struct KeysUrl(String);

impl KeysUrl {
    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeysUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        const EXAMPLE: &str = "must be a URL such as https://app.example.com/api/auth/jwks";
        let url = Url::parse(text).ok().context(EXAMPLE)?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !is_plain {
            bail!(EXAMPLE);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The URL of the database. It may contain a password and is never printed.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The file of a SQLite database. `None` for other databases.
    #[must_use]
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        let path = self.0.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        Some(PathBuf::from(path.into_owned()))
    }
}

impl Default for DatabaseUrl {
    /// A SQLite file in the current folder. The server creates it if it is missing.
    fn default() -> Self {
        Self("sqlite://chatkit.db?mode=rwc".to_owned())
    }
}

impl FromStr for DatabaseUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        if !matches!(scheme, "sqlite" | "postgres" | "postgresql") {
            bail!("must start with sqlite://, postgres:// or postgresql://");
        }
        if scheme != "sqlite" {
            // The error names the wrong part, and quotes nothing.
            Url::parse(text).context("is not a URL")?;
        }
        let url = Self(text.to_owned());
        let file = url.sqlite_file();
        let in_memory = text.contains(":memory:") || text.contains("mode=memory");
        if file.is_some_and(|file| file.as_os_str().is_empty() || in_memory) {
            bail!("must name a file, because conversations are stored");
        }
        Ok(url)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.sqlite_file().is_some() {
            "DatabaseUrl(sqlite)"
        } else {
            "DatabaseUrl(postgres)"
        })
    }
}

/// An origin as browsers send it: scheme, host, and the port if it is not the scheme's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The origin as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if text == "*" {
            bail!("`*` is refused, because calls carry credentials: list the origins");
        }
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_suffix('/').unwrap_or(&text);
        let host = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .context("must start with http:// or https://")?;
        if host.is_empty() || host.contains(['/', '?', '#', '@', ' ', '*']) {
            bail!("must be a scheme and a host, such as https://app.example.com");
        }
        // Browsers leave out the scheme's default port.
        let default_port = if text.starts_with("https") {
            ":443"
        } else {
            ":80"
        };
        let text = text.strip_suffix(default_port).unwrap_or(text);
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_url_names_its_file() {
        let file = |url: &str| url.parse::<DatabaseUrl>().unwrap().sqlite_file();
        assert_eq!(
            file("sqlite://chatkit.db?mode=rwc"),
            Some("chatkit.db".into())
        );
        assert_eq!(file("sqlite:///var/lib/c.db"), Some("/var/lib/c.db".into()));
        assert_eq!(file("sqlite://my%20data/c.db"), Some("my data/c.db".into()));
        assert_eq!(file("postgres://u:p@h/d"), None);
        for wrong in [
            "mysql://x",
            "chatkit.db",
            "sqlite::memory:",
            "sqlite://",
            "sqlite://x?mode=memory",
        ] {
            assert!(wrong.parse::<DatabaseUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn origins_are_exact() {
        assert_eq!(
            "https://a.b:443".parse::<Origin>().unwrap().as_str(),
            "https://a.b"
        );
        assert_eq!(
            "https://a.b/".parse::<Origin>().unwrap().as_str(),
            "https://a.b"
        );
        assert_eq!(
            "https://App.Example.com:8443"
                .parse::<Origin>()
                .unwrap()
                .as_str(),
            "https://app.example.com:8443"
        );
        for wrong in [
            "*",
            "example.com",
            "https://a.b/c",
            "https://",
            "ftp://a",
            "https://*.a",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_at_a_url() {
        for right in [
            "https://login.example.com/keys?p=b2c_1",
            "http://127.0.0.1:1/jwks",
        ] {
            assert!(right.parse::<KeysUrl>().is_ok(), "{right}");
        }
        for wrong in ["app.example.com/jwks", "ftp://a/b", "https://u:p@a/b", ""] {
            assert!(wrong.parse::<KeysUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_long_and_never_printed() {
        let text = "0123456789abcdef0123456789abcdef";
        let secret: Secret = text.parse().unwrap();
        assert!(!format!("{secret:?}").contains("0123"));
        assert!("short".parse::<Secret>().is_err());
        let url: DatabaseUrl = "postgres://u:password@h/d".parse().unwrap();
        assert!(!format!("{url:?}").contains("password"));
    }
}
