//! Chromium, with which the tests see what browsers do.

use anyhow::{Result, ensure};

use crate::{debian, process};

/// The names under which it is installed.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Makes sure that it is there; it is installed if that is possible.
pub(crate) fn require() -> Result<()> {
    if is_there() {
        return Ok(());
    }
    debian::try_install(&["chromium"]);
    ensure!(
        is_there(),
        "the tests need Chromium on PATH. Install it (`apt-get install chromium` on Debian)"
    );
    Ok(())
}

fn is_there() -> bool {
    PROGRAMS.into_iter().any(process::is_on_path)
}
