//! What the binary can do, one file each where it is more than a call.

mod healthcheck;
mod serve;

use anyhow::Context;
use chatkit_domain::{Clock, Erased, SystemClock, UserId};
use chatkit_server::{
    config::{Command, Migrate, Settings},
    erase, local, verifier_options,
};

/// Does what the command line says.
pub(crate) async fn run(command: Option<Command>, settings: &Settings) -> anyhow::Result<()> {
    match command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(settings).await,
        Command::Migrate { direction } => migrate(direction.unwrap_or(Migrate::Up), settings).await,
        Command::Token { user, ttl } => {
            let user = UserId::parse(user).context("--user")?;
            let options = verifier_options(settings)?;
            let now = SystemClock.now();
            let token = chatkit_http::issue_token(&options, &user, now, ttl)
                .context("BETTER_AUTH_SECRET: tokens are signed with it")?;
            say(&token);
            Ok(())
        }
        Command::Openapi => {
            say(chatkit_http::document().trim_end());
            Ok(())
        }
        Command::Erase { user } => {
            let user = UserId::parse(user).context("--user")?;
            let Erased {
                conversations,
                tasks,
            } = erase(settings, &user).await?;
            say(&format!(
                "erased {conversations} conversations and {tasks} tasks"
            ));
            Ok(())
        }
        Command::Healthcheck => healthcheck::healthcheck(settings.listen_addr).await,
    }
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
        say(&format!("{state}  {}", migration.name));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what the command was asked for")]
fn say(text: &str) {
    println!("{text}");
}
