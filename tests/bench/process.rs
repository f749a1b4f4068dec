//! What Linux knows of a process: its CPU time and its memory.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Microseconds of a clock tick: Linux counts in hundredths of a second for programs.
const TICK: u64 = 10_000;

/// Memory in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// What is in use.
    pub(crate) resident: f64,
    /// The most that was since [`forget_peak`].
    pub(crate) peak: f64,
}

/// The fields of `/proc/PID/stat` that are read.
#[derive(Clone, Copy, Debug)]
struct Stat {
    parent: u32,
    /// Of the process itself, in microseconds.
    own: u64,
    /// Of its children that have ended, in microseconds.
    ended_children: u64,
}

/// The CPU time that a process has taken so far, in user and kernel, in microseconds.
pub(crate) fn cpu(process: u32) -> Result<u64> {
    Ok(stat(process)?.own)
}

/// The same of a process and all its children, with those that have ended.
pub(crate) fn cpu_of_family(parent: u32) -> Result<u64> {
    let of_parent = stat(parent)?;
    let processes = fs::read_dir("/proc")?.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse().ok()
    });
    // One that ends meanwhile is counted by its parent the next time.
    let children = processes
        .filter_map(|process: u32| stat(process).ok())
        .filter(|stat| stat.parent == parent);
    let of_children: u64 = children.map(|child| child.own).sum();
    Ok(of_parent.own + of_parent.ended_children + of_children)
}

/// The memory of a process.
pub(crate) fn memory(process: u32) -> Result<Memory> {
    let status = read(process, "status")?;
    Ok(Memory {
        resident: mebibytes(&status, "VmRSS:")?,
        peak: mebibytes(&status, "VmHWM:")?,
    })
}

/// Makes the memory in use now the most that there was.
pub(crate) fn forget_peak(process: u32) -> Result<()> {
    fs::write(file(process, "clear_refs"), "5").context("cannot reset a process's peak memory")
}

fn stat(process: u32) -> Result<Stat> {
    let text = read(process, "stat")?;
    parse_stat(&text).with_context(|| format!("what is /proc/{process}/stat: {text}"))
}

/// The second field is a name in parentheses that may hold anything, so what is read begins behind
/// the last of them.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, behind_name) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    let microseconds = |index: usize| Some(fields.get(index)?.parse::<u64>().ok()? * TICK);
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: microseconds(11)? + microseconds(12)?,
        ended_children: microseconds(13)? + microseconds(14)?,
    })
}

fn mebibytes(status: &str, name: &str) -> Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(kibibytes.with_context(|| format!("a process's status has no {name}"))? / 1024.0)
}

fn read(process: u32, name: &str) -> Result<String> {
    let file = file(process, name);
    fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
}

fn file(process: u32, name: &str) -> std::path::PathBuf {
    Path::new("/proc").join(process.to_string()).join(name)
}
