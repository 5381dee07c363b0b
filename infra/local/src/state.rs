//! Small JSON files that say what runs.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;

use crate::error::{During, Error, Result};

/// Replaces a file as a whole, readable by its owner alone: it may hold passwords.
///
/// # Errors
/// When the file cannot be written.
pub fn write(file: &Path, state: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(state)
        .map_err(|source| Error::State { path: file.to_owned(), source })?;
    write_text(file, &text)
}

/// Replaces a file as a whole, readable by its owner alone.
///
/// # Errors
/// When the file cannot be written.
pub fn write_text(file: &Path, text: &str) -> Result<()> {
    let aside = file.with_extension("new");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut made| made.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&aside, file))
        .during(format!("writing {}", file.display()))
}
