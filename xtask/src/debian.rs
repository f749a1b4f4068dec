//! Installs Debian packages, if that is possible.

use anyhow::Result;

use crate::process;

/// Installs `packages` if this process runs as root on a machine with apt.
///
/// Returns no error if that fails. The caller checks again whether its program exists, and reports
/// that it is missing.
pub(crate) fn try_install(packages: &[&str]) {
    if !can_install() {
        return;
    }
    println!("installing {}", packages.join(", "));
    if let Err(error) = install(packages) {
        eprintln!("{error:#}");
    }
}

/// Updates the package lists, which a new machine lacks, and installs the packages.
fn install(packages: &[&str]) -> Result<()> {
    process::run(process::command("apt-get").arg("update"))?;
    process::run(
        process::command("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages),
    )
}

/// Whether apt exists, and this process may use it.
fn can_install() -> bool {
    let user = || process::read(process::command("id").arg("-u"));
    process::is_on_path("apt-get") && user().is_ok_and(|id| id.trim() == "0")
}
