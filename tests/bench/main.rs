//! The load generator of `cargo xtask bench`: starts the released server on each database, sends
//! it one kind of request after the other, and prints what it took as a table in Markdown.
//!
//! Nothing here judges a time: machines differ, and so do their days. Compare the tables of two
//! revisions made on the same machine.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod connection;
mod database;
mod load;
mod page;
mod process;
mod reader;
mod report;
mod seed;
mod server;
mod streams;
mod workload;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use chatkit_tests::model::{FakeModel, Reply, Step};
use clap::Parser;

use self::{
    database::{Database, Kind},
    load::Bounds,
    report::Row,
    seed::Seeded,
    server::Server,
    workload::Workload,
};

/// Measures the released server under load.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench --")]
struct Arguments {
    /// The server's binary.
    #[arg(long, hide = true)]
    server: PathBuf,
    /// For how long each workload is measured, in seconds, behind a second that is not.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How many connections send requests, each one after the other.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=200))]
    connections: u16,
    /// How many streams come at once, each such number in its turn.
    #[arg(long, value_delimiter = ',', default_values_t = [50, 1_000],
          value_parser = clap::value_parser!(u16).range(1..=2_000))]
    streams: Vec<u16>,
    /// How fast the tokens of each stream come.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    tokens_per_second: u32,
    /// Only these workloads, separated by commas.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = Workload::ALL)]
    only: Vec<Workload>,
    /// Only this database.
    #[arg(long, value_enum)]
    database: Option<Kind>,
    /// Leaves the server's log in this folder.
    #[arg(long)]
    keep_log: Option<PathBuf>,
    /// What cargo tells every program that measures.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How many tokens an answer of the model has.
const ANSWER_TOKENS: u64 = 20;

// One thread, so that most of the machine is the server's.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    println!("{}", report::introduction(&arguments)?);
    let kinds = [Kind::Sqlite, Kind::Postgres];
    let wanted = |kind: &Kind| arguments.database.is_none_or(|only| only == *kind);
    for kind in kinds.into_iter().filter(wanted) {
        measure(kind, &arguments).await?;
    }
    Ok(())
}

/// Measures every workload on one database, and prints its table.
async fn measure(kind: Kind, arguments: &Arguments) -> Result<()> {
    let database = Database::fresh(kind).await;
    let seeded = seed::fill(&database, arguments.connections).await?;
    println!("\n## {kind}");
    if arguments.only.iter().any(|only| only.is_repeated()) {
        measure_requests(&database, &seeded, arguments).await?;
    }
    if arguments.only.contains(&Workload::Streams) {
        measure_streams(&database, arguments).await?;
    }
    if arguments.only.contains(&Workload::Page) {
        measure_page(&database, &seeded, arguments).await?;
    }
    Ok(())
}

/// Measures what is repeated.
async fn measure_requests(
    database: &Database,
    seeded: &Seeded,
    arguments: &Arguments,
) -> Result<()> {
    let model = FakeModel::repeating(answer()).await;
    let server = Server::start(&arguments.server, database, &model, arguments).await?;
    // Sleeping, so that what starting took has been given back.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = process::memory(server.process_id())?;
    println!("{}", report::heading(idle.resident));
    let bounds = Bounds {
        warm_up: Duration::from_secs(1),
        measured: Duration::from_secs(arguments.seconds),
    };
    let repeated = arguments.only.iter();
    for workload in repeated.filter(|only| only.is_repeated()) {
        let requests = workload.requests(&server, seeded).await?;
        let load = load::run(&server, database, &requests, bounds, workload.expected()).await?;
        println!("{}", Row(*workload, load));
    }
    Ok(())
}

/// Measures answers that come at once.
async fn measure_streams(database: &Database, arguments: &Arguments) -> Result<()> {
    let most = arguments.streams.iter().copied().max().unwrap_or_default();
    let senders = seed::add_senders(database, "streamer", most).await?;
    println!("{}", report::streams_heading(arguments));
    for count in &arguments.streams {
        let streams = streams::measure((*count).into(), database, &senders, arguments).await?;
        println!("{streams}");
    }
    Ok(())
}

/// Measures the page in a browser.
async fn measure_page(database: &Database, seeded: &Seeded, arguments: &Arguments) -> Result<()> {
    let model = FakeModel::repeating(answer()).await;
    let server = Server::start(&arguments.server, database, &model, arguments).await?;
    println!("{}", report::PAGE_HEADING);
    for done in page::measure(&server, seeded).await? {
        println!("{done}");
    }
    Ok(())
}

/// An answer that comes token by token, without a pause.
fn answer() -> Reply {
    let tokens = (0..ANSWER_TOKENS).map(|_| Step::text("word "));
    let end = [Step::end("stop"), Step::usage(1_000, ANSWER_TOKENS)];
    // Made into bytes once, and not for every answer.
    let steps = tokens.chain(end).map(|step| match step {
        Step::Chunk(chunk) => Step::Raw(format!("data: {chunk}\n\n")),
        other => other,
    });
    Reply::Stream(steps.collect())
}
