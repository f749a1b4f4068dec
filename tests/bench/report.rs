//! What was measured, in Markdown.

use std::{
    fmt::{self, Display, Formatter},
    fs,
    process::Command,
};

use anyhow::{Context, Result};

use crate::{Arguments, database::Database, load::Load, workload::Workload};

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

/// The beginning of a database's table.
pub(crate) fn heading(database: &Database, idle: f64) -> String {
    format!(
        "\n## {}\n\nIdle after start: {idle:.1} MiB.\n\n\
         | workload | requests/s | p50 ms | p99 ms | server CPU µs | database CPU µs | server peak \
         MiB | generator CPU µs |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        database.kind,
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
