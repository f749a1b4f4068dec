//! A short hash of the contract, which changes whenever the contract does.

use sha2::{Digest, Sha256};

/// The contract's fingerprint. It is part of entity tags: another build may represent the same
/// revision in another way.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a document.
    pub(crate) fn of(document: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(document).into();
        let start = digest[..4].iter();
        Self(start.map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
