//! Installing Debian packages, where that is possible.

use anyhow::Result;

use crate::process;

/// Installs `packages` when this is root on a machine with apt.
///
/// Elsewhere, and when apt fails, nothing is returned: the caller looks again for what it needs,
/// and knows best how to say that it is missing.
pub(crate) fn try_install(packages: &[&str]) {
    if !can_install() {
        return;
    }
    println!("installing {}", packages.join(", "));
    if let Err(error) = install(packages) {
        eprintln!("{error:#}");
    }
}

/// Refreshes the package lists, which a bare machine lacks, and installs.
fn install(packages: &[&str]) -> Result<()> {
    process::run(process::command("apt-get").arg("update"))?;
    process::run(
        process::command("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages),
    )
}

/// Whether apt is there and may be used.
fn can_install() -> bool {
    let user = || process::read(process::command("id").arg("-u"));
    process::is_on_path("apt-get") && user().is_ok_and(|id| id.trim() == "0")
}
