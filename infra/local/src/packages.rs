//! What comes from Debian packages: found, or installed where this user may.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{During, Error, Result};

const RABBITMQ_SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CHROMIUM: &str = "/usr/bin/chromium";
const POSTGRESQL: &str = "/usr/lib/postgresql";
/// Debian's own interpreter: a pyenv or virtualenv first in `PATH` does not see Debian's modules.
const PYTHON: &str = "/usr/bin/python3";

/// Finds `RabbitMQ`'s start script, installing the package first where that is possible.
///
/// # Errors
/// One sentence that says what to install.
pub fn rabbitmq_server() -> Result<PathBuf> {
    found_or_installed(
        &["rabbitmq-server"],
        ", or set AMQP_URL and MANAGEMENT_URL to use your own broker",
        || {
            let path = PathBuf::from(RABBITMQ_SERVER);
            path.exists().then_some(path)
        },
    )
}

/// Finds the newest `PostgreSQL`'s folder of programs, installing the package first where that is
/// possible.
///
/// # Errors
/// One sentence that says what to install.
pub fn postgresql_bin() -> Result<PathBuf> {
    found_or_installed(
        &["postgresql"],
        ", or set DATABASE_URL to use your own database",
        newest_postgresql,
    )
}

/// Finds a Python interpreter that has pika, installing both first where that is possible.
///
/// # Errors
/// One sentence that says what to install.
pub fn ensure_python_desk() -> Result<PathBuf> {
    found_or_installed(&["python3", "python3-pika"], "", || {
        let has_pika = Command::new(PYTHON)
            .args(["-c", "import pika"])
            .stdin(Stdio::null())
            .output()
            .is_ok_and(|output| output.status.success());
        has_pika.then(|| PathBuf::from(PYTHON))
    })
}

/// Finds Debian's Chromium, installing the package first where that is possible.
///
/// # Errors
/// One sentence that says what to install.
pub fn chromium() -> Result<PathBuf> {
    found_or_installed(&["chromium"], ", or set CHROMIUM to a browser of your own", || {
        let path = PathBuf::from(CHROMIUM);
        path.exists().then_some(path)
    })
}

/// Installs both servers' packages in one go, if any is missing and this user may.
///
/// # Errors
/// One sentence that says what to install.
pub(crate) fn ensure_servers(broker: bool, database: bool) -> Result<()> {
    let mut missing = Vec::new();
    if broker && !Path::new(RABBITMQ_SERVER).exists() {
        missing.push("rabbitmq-server");
    }
    if database && newest_postgresql().is_none() {
        missing.push("postgresql");
    }
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing, ", or set AMQP_URL, MANAGEMENT_URL and DATABASE_URL to use your own servers")
}

fn found_or_installed<T>(
    packages: &[&str],
    alternative: &'static str,
    find: impl Fn() -> Option<T>,
) -> Result<T> {
    if let Some(found) = find() {
        return Ok(found);
    }
    install(packages, alternative)?;
    find().ok_or_else(|| Error::Install {
        packages: packages.join(" "),
        detail: "apt-get succeeded, but the files are not where Debian puts them".to_owned(),
    })
}

fn newest_postgresql() -> Option<PathBuf> {
    let versions = fs::read_dir(POSTGRESQL).ok()?;
    versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            (bin.join("postgres").exists() && bin.join("initdb").exists()).then_some((version, bin))
        })
        .max()
        .map(|(_, bin)| bin)
}

fn install(packages: &[&str], alternative: &'static str) -> Result<()> {
    let Some(prefix) = privilege() else {
        return Err(Error::PackagesMissing {
            packages: packages.iter().map(|&package| package.to_owned()).collect(),
            alternative,
        });
    };
    eprintln!("installing {} with apt-get", packages.join(" "));
    apt_get(prefix, packages, &["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    apt_get(prefix, packages, &arguments)
}

/// How to become root without asking anybody: not at all, or by sudo; `None` when neither works.
fn privilege() -> Option<&'static [&'static str]> {
    if nix::unistd::geteuid().is_root() {
        return Some(&[]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).stdin(Stdio::null()).output();
    sudo.is_ok_and(|output| output.status.success()).then_some(&["sudo", "-n"])
}

fn apt_get(prefix: &[&str], packages: &[&str], arguments: &[&str]) -> Result<()> {
    let environment = ["env", "DEBIAN_FRONTEND=noninteractive"];
    let apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"];
    let mut words = prefix.iter().chain(&environment).chain(&apt).chain(arguments);
    let program = words.next().copied().unwrap_or("env");
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .during("running apt-get")?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Install { packages: packages.join(" "), detail: end_of(&output) })
}

/// The last lines of what a program said.
pub(crate) fn end_of(output: &Output) -> String {
    let said =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    last_lines(&said.concat(), 5)
}

/// The last lines of a text that say anything.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
