//! Authentication: the port, the tokens, and the cookie.

pub(crate) mod authenticate;
pub(crate) mod authenticator;
pub(crate) mod bearer;
mod claims;
pub(crate) mod cookie;
pub(crate) mod failure;
pub(crate) mod issue;
mod jwks;
pub(crate) mod jwt;
pub(crate) mod token_error;
pub(crate) mod verifier;
