//! What was measured, in Markdown.

use std::{
    fmt::{self, Display, Formatter},
    fs,
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    Arguments,
    load::Load,
    streams::{Streams, Times},
    workload::Workload,
};

/// A line of a table.
pub(crate) struct Row(pub(crate) Workload, pub(crate) Load);

/// Where and how this is measured.
pub(crate) fn introduction(arguments: &Arguments) -> Result<String> {
    let Arguments {
        seconds,
        connections,
        server,
        ..
    } = arguments;
    let cores = std::thread::available_parallelism()?;
    let version = output(Command::new(server).arg("--version"))?;
    let rust = output(Command::new("rustc").arg("--version"))?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{cores} cores ({}), Linux {}; {version}, release profile, {rust}. {connections} \
         connections, {seconds} s per workload behind 1 s of warming up. The load generator and \
         the model run on the same cores; their CPU time is in the last column and in no other. \
         Log: `info`, to a file.",
        processor()?,
        kernel.trim(),
    ))
}

/// The beginning of the table of requests.
pub(crate) fn heading(idle: f64) -> String {
    format!(
        "\nIdle after start: {idle:.1} MiB.\n\n\
         | workload | requests/s | p50 ms | p99 ms | server CPU µs | database CPU µs | server peak \
         MiB | generator CPU µs |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    )
}

impl Display for Row {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(workload, load) = self;
        let database = load
            .database_cpu()
            .map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.0}"));
        write!(
            formatter,
            "| {workload} | {:.0} | {:.2} | {:.2} | {:.0} | {database} | {:.1} | {:.0} |",
            load.requests_per_second(),
            load.percentile(50),
            load.percentile(99),
            load.server_cpu(),
            load.peak_memory,
            load.generator_cpu(),
        )
    }
}

/// The beginning of the table of the page, with what is aimed at.
pub(crate) const PAGE_HEADING: &str = "\nThe page in Chromium, in a conversation of 5,000 messages. \
     A task is long from 50 ms on; until it ends no key is answered.\n\n\
     | what | ms | longest task ms | all long tasks ms |\n\
     | --- | ---: | ---: | ---: |\n\
     | *aim* | – | 200 | – |";

/// The beginning of the table of streams, with what is aimed at.
pub(crate) fn streams_heading(arguments: &Arguments) -> String {
    format!(
        "\nStreams of {} tokens a second each. The model's times are those of its own; the \
         server's are what it adds to them. CPU and memory are the server's own, with all streams \
         under way; in brackets, with the beginning and the end of every answer.\n\n\
         | streams | first token p50 ms | p99 ms | token p50 ms | p99 ms | server CPU µs a token | \
         database CPU µs a token | KiB a stream | generator CPU µs a token |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n\
         | *aim* | 2 | – | – | 2 | 20 | – | 25 | – |\n\
         | *a FastAPI server tuned for it, 50* | 5.8 | – | – | 4.4 | 198 | – | 60 | – |",
        arguments.tokens_per_second,
    )
}

impl Display for Streams {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { count, model, .. } = self;
        writeln!(
            formatter,
            "| {count}, the model | {:.2} | {:.2} | {:.2} | {:.2} | – | – | – | – |",
            model.first(50),
            model.first(99),
            model.token(50),
            model.token(99),
        )?;
        let added =
            |of: fn(&Times, usize) -> f64, percent| of(&self.server, percent) - of(model, percent);
        let cpu = |part: u64, whole: u64| {
            let (part, whole) = (self.for_token(part), self.for_token_in_all(whole));
            format!("{part:.0} ({whole:.0})")
        };
        let (used, in_all) = (&self.used, &self.used_in_all);
        let database = used.database.zip(in_all.database);
        write!(
            formatter,
            "| {count}, the server | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} | {:.1} | {:.0} |",
            added(Times::first, 50),
            added(Times::first, 99),
            added(Times::token, 50),
            added(Times::token, 99),
            cpu(used.server, in_all.server),
            database.map_or_else(|| "–".to_owned(), |(part, whole)| cpu(part, whole)),
            self.memory(),
            self.for_token(used.generator),
        )
    }
}

/// What the processor is called.
fn processor() -> Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let name = processors.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        (field.trim() == "model name").then(|| value.trim().to_owned())
    });
    Ok(name.unwrap_or_else(|| "unknown".to_owned()))
}

/// What a program prints.
fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
