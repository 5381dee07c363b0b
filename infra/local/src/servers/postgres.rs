//! One `PostgreSQL` server with everything it owns in one folder, listening on loopback TCP only
//! (the path of a socket below `target/` can be longer than the kernel takes).
//!
//! `PostgreSQL` refuses to run as root: then it runs as the package's user `postgres`, who must be
//! able to reach the folder.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};
use sha2::{Digest, Sha256};

use super::record::{Ledger, Postgres};
use super::{Ending, stop_if};
use crate::error::{During, Error, Result};
use crate::process::Process;
use crate::{packages, ports, secret};

const ATTEMPTS: u32 = 3;

/// How the name of a data folder outside the given one begins.
const OUTSIDE: &str = "deskmesh-postgres-";

/// Written into every new server's configuration; tests have many pools at a time.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = on
synchronous_commit = on
";

/// Finds the server that runs in this folder, or starts one.
pub(super) fn ensure(dir: &Path, ledger: &Ledger, interrupted: &AtomicBool) -> Result<String> {
    if let Some(recorded) = ledger.read().postgres {
        if recorded.server.is_alive() {
            return Ok(recorded.url());
        }
        ledger.change(|record| record.postgres = None)?;
    }
    stop_if(interrupted)?;
    let programs = Programs { bin: packages::postgresql_bin()?, owner: owner()? };
    let home = programs.home(dir)?;
    if let Some(left) = server_of(&home) {
        // Its start was not recorded: whoever started it was killed.
        end(left, Ending::AtOnce);
    }
    let password = programs.initialised(&home)?;
    for attempt in 1..=ATTEMPTS {
        stop_if(interrupted)?;
        let [port] = ports::free()?;
        let output = programs.start(&home, port)?;
        if output.status.success() {
            let server = server_of(&home).ok_or_else(|| not_started("it ended at once", &home))?;
            let started = Postgres { server, port, password, home };
            ledger
                .change(|record| record.postgres = Some(started.clone()))
                .inspect_err(|_| end(server, Ending::AtOnce))?;
            return Ok(started.url());
        }
        let log = fs::read_to_string(home.join("server.log")).unwrap_or_default();
        if attempt == ATTEMPTS || !log.contains("Address already in use") {
            return Err(not_started(&packages::end_of(&output), &home));
        }
    }
    Err(Error::Interrupted)
}

/// Stops the server; says whether its data lay outside the given folder and were removed.
pub(super) fn stop(recorded: &Postgres, ending: Ending) -> Result<bool> {
    end(recorded.server, ending);
    let outside =
        recorded.home.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OUTSIDE));
    if outside {
        eprintln!("removing the database in {}", recorded.home.display());
        remove(&recorded.home)?;
    }
    Ok(outside)
}

/// Removes what the server stored in the given folder.
pub(super) fn remove_data(dir: &Path) -> Result<()> {
    remove(&dir.join("postgres/data"))?;
    remove(&dir.join("postgres/password"))
}

/// Ends the server and keeps its data.
pub(super) fn end(server: Process, ending: Ending) {
    // PostgreSQL's own meaning of signals: SIGINT is a fast, SIGQUIT an immediate shutdown. The
    // server leads its own group, and its children must not get the signal from us.
    let first = if ending == Ending::Orderly { Signal::SIGINT } else { Signal::SIGQUIT };
    for signal in [first, Signal::SIGQUIT, Signal::SIGKILL] {
        server.signal(signal);
        if server.wait_gone(Duration::from_secs(15)).is_ok() {
            return;
        }
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(refused) if refused.kind() != ErrorKind::NotFound => {
            Err(refused).during(format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn not_started(said: &str, home: &Path) -> Error {
    let log = fs::read_to_string(home.join("server.log")).unwrap_or_default();
    Error::Start {
        what: "postgresql did not start".to_owned(),
        detail: format!("{said}\n{}", packages::last_lines(&log, 5)),
    }
}

/// The server that a data folder belongs to, by the first line of its lock file.
fn server_of(home: &Path) -> Option<Process> {
    let lock = fs::read_to_string(home.join("data/postmaster.pid")).ok()?;
    let pid = lock.lines().next()?.trim().parse().ok()?;
    // The file outlives a crash, and the id may be another program's by now.
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    if name.trim() == "postgres" { Process::find(pid) } else { None }
}

/// Who `PostgreSQL` runs as, where that is not the caller.
fn owner() -> Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    match User::from_name("postgres") {
        Ok(Some(user)) => Ok(Some(user)),
        _ => Err(Error::Start {
            what: "postgresql did not start".to_owned(),
            detail: "it refuses to run as root, and there is no user `postgres` (Debian's package \
                makes one)"
                .to_owned(),
        }),
    }
}

struct Programs {
    bin: PathBuf,
    owner: Option<User>,
}

impl Programs {
    /// The folder for the server's files: below `dir`, or, where its user cannot get there (a
    /// clone below `/root`), one in the folder for temporary files.
    fn home(&self, dir: &Path) -> Result<PathBuf> {
        let home = dir.join("postgres");
        self.make(&home)?;
        if self.reaches(&home) {
            return Ok(home);
        }
        let outside = std::env::temp_dir().join(outside_name(dir));
        eprintln!(
            "{} is closed to the user postgres; the database lies in {} until it is stopped",
            home.display(),
            outside.display()
        );
        self.make(&outside)?;
        if self.reaches(&outside) {
            Ok(outside)
        } else {
            Err(not_started("its user can enter neither folder", &outside))
        }
    }

    fn make(&self, home: &Path) -> Result<()> {
        let what = || format!("making the folder {}", home.display());
        let parent = home.parent().unwrap_or(home);
        fs::create_dir_all(parent).during(what())?;
        match fs::create_dir(home) {
            Err(refused) if refused.kind() != ErrorKind::AlreadyExists => {
                return Err(refused).during(what());
            }
            _ => {}
        }
        // In a folder that anybody may write to, one that is not ours must not be taken over.
        let found = fs::symlink_metadata(home).during(what())?;
        let ours = [Some(geteuid().as_raw()), self.owner.as_ref().map(|user| user.uid.as_raw())];
        if !found.is_dir() || !ours.contains(&Some(found.uid())) {
            return Err(Error::Start {
                what: what(),
                detail: "it is there already and belongs to somebody else".to_owned(),
            });
        }
        fs::set_permissions(home, fs::Permissions::from_mode(0o700)).during(what())?;
        self.hand_over(home)
    }

    fn hand_over(&self, path: &Path) -> Result<()> {
        let Some(user) = &self.owner else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .during(format!("giving {} to the user postgres", path.display()))
    }

    fn reaches(&self, home: &Path) -> bool {
        let mut command = self.as_owner("test", Path::new("/"));
        command.arg("-w").arg(home).output().is_ok_and(|output| output.status.success())
    }

    /// Makes the data folder unless it is there, and returns the superuser's password.
    fn initialised(&self, home: &Path) -> Result<String> {
        let password_file = home.join("password");
        let data = home.join("data");
        // The password is written last: without it an earlier attempt was cut short.
        if let Ok(password) = fs::read_to_string(&password_file) {
            return Ok(password);
        }
        remove(&data)?;
        let password = secret::random_word();
        let aside = home.join("password.initdb");
        crate::state::write_text(&aside, &password)?;
        self.hand_over(&aside)?;
        let mut command = self.as_owner(self.bin.join("initdb"), home);
        command.args([
            "-U",
            "postgres",
            "-A",
            "password",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        command.arg("--pwfile").arg(&aside).arg("-D").arg(&data);
        let output = command.output().during("running initdb")?;
        if !output.status.success() {
            return Err(not_started(&packages::end_of(&output), home));
        }
        let settings = data.join("postgresql.conf");
        fs::OpenOptions::new()
            .append(true)
            .open(&settings)
            .and_then(|mut file| file.write_all(SETTINGS.as_bytes()))
            .during(format!("writing {}", settings.display()))?;
        fs::rename(&aside, &password_file)
            .during(format!("writing {}", password_file.display()))?;
        Ok(password)
    }

    /// Returns when the server is ready, or was not within a minute.
    fn start(&self, home: &Path, port: u16) -> Result<Output> {
        let log = home.join("server.log");
        remove(&log)?;
        let mut command = self.as_owner(self.bin.join("pg_ctl"), home);
        command.args(["-w", "-t", "60", "-o", &format!("-p {port}"), "-l"]).arg(log);
        command.arg("-D").arg(home.join("data")).arg("start");
        command.output().during("running pg_ctl")
    }

    fn as_owner(&self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let mut command = if let Some(user) = &self.owner {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={}", user.uid), format!("--regid={}", user.gid)]);
            command.args(["--init-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(folder).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        command
    }
}

fn outside_name(dir: &Path) -> String {
    let digest = Sha256::digest(dir.as_os_str().as_encoded_bytes());
    format!("{OUTSIDE}{}", secret::hex(&digest, 12))
}
