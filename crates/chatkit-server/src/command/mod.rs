//! The commands of the binary. Long commands have their own files.

mod healthcheck;
mod serve;

use std::time::Duration;

use anyhow::Context;
use chatkit_domain::{Clock, Erased, SystemClock, UserId};
use chatkit_server::{
    config::{Cli, Command, Migrate, Settings, SettingsArgs},
    local, verifier_options,
};

/// Carries out a command line.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(settings(cli.settings)?, &cli.log).await,
        Command::Migrate { direction } => {
            migrate(direction.unwrap_or(Migrate::Up), &settings(cli.settings)?).await
        }
        Command::Token { user, ttl } => token(user, ttl, &settings(cli.settings)?),
        Command::Openapi => {
            print(chatkit_http::document().trim_end());
            Ok(())
        }
        Command::Erase { user } => erase(user, &settings(cli.settings)?).await,
        Command::Healthcheck => healthcheck::healthcheck(cli.settings.listen_addr).await,
    }
}

fn settings(args: SettingsArgs) -> anyhow::Result<Settings> {
    args.try_into()
}

fn token(user: String, ttl: Duration, settings: &Settings) -> anyhow::Result<()> {
    let user = UserId::parse(user).context("--user")?;
    let options = verifier_options(settings)?;
    let token = chatkit_http::issue_token(&options, &user, SystemClock.now(), ttl)
        .context("BETTER_AUTH_SECRET: tokens are signed with it")?;
    print(&token);
    Ok(())
}

async fn erase(user: String, settings: &Settings) -> anyhow::Result<()> {
    let user = UserId::parse(user).context("--user")?;
    let Erased {
        conversations,
        tasks,
    } = chatkit_server::erase(settings, &user).await?;
    print(&format!(
        "erased {conversations} conversations and {tasks} tasks"
    ));
    Ok(())
}

async fn migrate(direction: Migrate, settings: &Settings) -> anyhow::Result<()> {
    let url = settings.database_url.expose();
    local::create_database(settings)?;
    match direction {
        Migrate::Up => chatkit_migration::up(url).await?,
        Migrate::Down => chatkit_migration::down(url).await?,
        Migrate::Status => {}
    }
    for migration in chatkit_migration::status(url).await? {
        let state = if migration.applied {
            "applied"
        } else {
            "pending"
        };
        print(&format!("{state}  {}", migration.name));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the output of the command")]
fn print(text: &str) {
    println!("{text}");
}
