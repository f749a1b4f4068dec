//! The settings of a server.
//!
//! [`Settings`] is a plain struct. The command line and the environment, which fill it for the
//! binary, need the feature `cli`.

#[cfg(feature = "cli")]
mod args;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod parse;
mod settings;
mod value;

pub(crate) use self::settings::DEFAULT_MODEL;
#[cfg(feature = "cli")]
pub use self::{
    args::SettingsArgs,
    cli::{Cli, Command, LogArgs, LogFormat, Migrate},
};
pub use self::{
    settings::{Instructions, ModelApi, ModelFeature, ModelRoles, Settings},
    value::{ApiKey, BaseUrl, DatabaseUrl, KeysUrl, Origin, Secret},
};
