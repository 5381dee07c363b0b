//! Passwords, and the files that they stand in.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::error::{During, Result};

/// Makes a password of 64 hexadecimal digits, of which 244 bits are random.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a password must be unpredictable; no message is caused by it"
)]
pub fn new_password() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// What the file holds, without the line's end; `None` when there is no such file.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read(file: &Path) -> Result<Option<String>> {
    match fs::read_to_string(file) {
        Err(absent) if absent.kind() == ErrorKind::NotFound => Ok(None),
        read => Ok(Some(read.during(format!("reading {}", file.display()))?.trim_end().to_owned())),
    }
}

/// A secret that is written beside its file and takes the file's place when all else is done:
/// whatever fails before, the file still holds what is in force.
#[derive(Debug)]
pub struct Prepared {
    aside: PathBuf,
    file: PathBuf,
}

impl Prepared {
    /// Writes the secret beside `file`, readable by its owner alone.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn beside(file: &Path, secret: &str) -> Result<Self> {
        let aside = file.with_extension(format!("new-{}", std::process::id()));
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&aside)
            .and_then(|mut made| made.write_all(secret.as_bytes()).and_then(|()| made.sync_all()))
            .during(format!("writing {}", aside.display()))?;
        Ok(Self { aside, file: file.to_owned() })
    }

    /// Puts it into the file's place.
    ///
    /// # Errors
    /// When it cannot be moved; it still stands beside the file then.
    pub fn take_effect(self) -> Result<()> {
        fs::rename(&self.aside, &self.file).during(format!(
            "moving {} to {}",
            self.aside.display(),
            self.file.display()
        ))
    }
}
