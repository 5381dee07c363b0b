//! `chromium`: the browser that tests open.

use std::process::ExitCode;

use anyhow::Result;
use local::packages;

/// Says where it is.
pub fn chromium() -> Result<ExitCode> {
    println!("{}", packages::chromium()?.display());
    Ok(ExitCode::SUCCESS)
}
