//! Finds or installs Chromium, in which the tests run the chat page.

use anyhow::{Result, ensure};

use crate::{debian, process};

/// The names of Chromium's program.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Makes sure that Chromium is installed. Tries to install it if it is missing.
pub(crate) fn require() -> Result<()> {
    if is_installed() {
        return Ok(());
    }
    debian::try_install(&["chromium"]);
    ensure!(
        is_installed(),
        "the tests need Chromium on PATH. Install it (`apt-get install chromium` on Debian)"
    );
    Ok(())
}

fn is_installed() -> bool {
    PROGRAMS.into_iter().any(process::is_on_path)
}
