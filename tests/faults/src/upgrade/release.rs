//! A release of Deskmesh, as a folder: its programs, what it wants of the broker, and its name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

#[derive(Debug)]
pub(super) struct Release {
    /// How it is called: a commit and its subject.
    pub name: String,
    /// The folder of the services' programs.
    pub binaries: PathBuf,
    /// The broker's definitions.
    pub definitions: Value,
}

impl Release {
    /// Reads a folder that `tests/faults/upgrade/run.sh` laid out.
    pub(super) fn read(dir: &Path) -> Result<Self> {
        let text = |file: &str| {
            let path = dir.join(file);
            fs::read_to_string(&path)
                .with_context(|| format!("reading {}: `make upgrade` lays it out", path.display()))
        };
        let definitions = serde_json::from_str(&text("definitions.json")?);
        let definitions = definitions.with_context(|| {
            format!("{} holds other definitions than a broker's", dir.display())
        })?;
        Ok(Self { name: text("name")?.trim().to_owned(), binaries: dir.join("bin"), definitions })
    }
}
