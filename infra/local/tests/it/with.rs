//! The command line: servers for the length of one command.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local::{services, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Two cold starts at a time on two busy cores.
const LIMIT: Duration = Duration::from_mins(3);

fn dir(name: &str) -> PathBuf {
    services::target_dir().unwrap().join("local-tests").join(name)
}

fn with(dir: &Path, script: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_deskmesh-local"))
        .args(["with", "--dir"])
        .arg(dir)
        .args(["--", "sh", "-c", script])
        .env_remove("AMQP_URL")
        .env_remove("MANAGEMENT_URL")
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Processes whose command line or folder lies in `dir`: whatever was started there.
fn processes_in(dir: &Path) -> Vec<String> {
    let dir = dir.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let found = entries.filter_map(|entry| {
        let path = entry.path();
        let pid = path.file_name()?.to_str()?.parse::<u32>().ok()?;
        let line = std::fs::read_to_string(path.join("cmdline")).ok()?.replace('\0', " ");
        let folder = std::fs::read_link(path.join("cwd")).unwrap_or_default();
        (line.contains(dir) || folder.starts_with(dir)).then(|| format!("{pid} {line}"))
    });
    found.collect()
}

#[test]
fn two_folders_have_servers_at_the_same_time_and_nothing_stays() {
    let (one, two) = (dir("one"), dir("two"));
    let script = "printf '%s %s %s' $AMQP_URL $MANAGEMENT_URL $DATABASE_URL; exit 7";
    let running = [with(&one, script), with(&two, script)];
    let outputs = running.map(|child| child.wait_with_output().unwrap());
    let said = outputs.each_ref().map(|output| String::from_utf8(output.stdout.clone()).unwrap());
    for (output, said) in outputs.iter().zip(&said) {
        assert_eq!(output.status.code(), Some(7), "{said}");
        assert!(said.starts_with("amqp://guest:guest@127.0.0.1:"), "{said}");
    }
    assert_ne!(said[0], said[1]);
    assert_eq!(processes_in(&one), Vec::<String>::new());
    assert_eq!(processes_in(&two), Vec::<String>::new());
}

#[test]
fn a_signal_ends_the_command_and_the_servers() {
    let dir = dir("signalled");
    let started = dir.join("started");
    std::fs::remove_file(&started).ok();
    let mut child = with(&dir, &format!("touch '{}'; exec sleep 600", started.display()));
    wait::until("the command started", LIMIT, || {
        assert_eq!(child.try_wait().unwrap(), None, "ended before the command was started");
        Ok(if started.exists() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue("it is not yet".to_owned())
        })
    })
    .unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(processes_in(&dir), Vec::<String>::new());
}
