//! One `RabbitMQ` node with everything it owns in one folder.
//!
//! Debian's `/usr/sbin` wrappers change user or refuse; the script they wrap runs as anybody. It
//! gets an environment of its own, so that neither `/etc/rabbitmq` nor variables of the caller
//! reach it, and its own port mapper, so that two nodes never meet.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::sys::signal::Signal;
use sha2::{Digest, Sha256};

use super::record::{Ledger, RabbitMq};
use super::{BrokerAddress, Ending, stop_if};
use crate::error::{During, Error, Result};
use crate::process::Process;
use crate::{packages, ports, secret, wait};
use operator::Broker;

/// A cold start takes ten seconds on two idle cores.
const START_LIMIT: Duration = Duration::from_mins(2);
const ATTEMPTS: u32 = 3;

struct Ports {
    amqp: u16,
    management: u16,
    prometheus: u16,
    distribution: u16,
    mapper: u16,
}

/// Finds the node that runs in this folder, or starts one.
pub(super) fn ensure(
    dir: &Path,
    ledger: &Ledger,
    interrupted: &AtomicBool,
) -> Result<BrokerAddress> {
    if let Some(recorded) = ledger.read().rabbitmq {
        if recorded.node.is_alive() && wait_ready(&recorded, interrupted).is_ok() {
            return Ok(recorded.address());
        }
        stop(&recorded, Ending::AtOnce);
        ledger.change(|record| record.rabbitmq = None)?;
    }
    let home = home(dir);
    let mut attempt = 1;
    loop {
        stop_if(interrupted)?;
        let started = start(&home, ledger)?;
        let failed = match wait_ready(&started, interrupted) {
            Ok(()) => return Ok(started.address()),
            Err(failed) => failed,
        };
        stop(&started, Ending::AtOnce);
        ledger.change(|record| record.rabbitmq = None)?;
        let log = fs::read_to_string(home.join("out.log")).unwrap_or_default();
        let collided = log.contains("eaddrinuse") || log.contains("address already in use");
        if collided && attempt < ATTEMPTS {
            attempt += 1;
            continue;
        }
        return Err(match failed {
            Error::Interrupted => failed,
            other => Error::Start {
                what: format!("rabbitmq did not start ({other})"),
                detail: packages::last_lines(&log, 8),
            },
        });
    }
}

/// Stops the node and its port mapper.
pub(super) fn stop(recorded: &RabbitMq, ending: Ending) {
    match ending {
        Ending::Orderly => recorded.node.stop_group(Signal::SIGTERM, Duration::from_secs(30)),
        Ending::AtOnce => recorded.node.stop_group(Signal::SIGKILL, Duration::from_secs(10)),
    }
    recorded.epmd.stop_group(Signal::SIGTERM, Duration::from_secs(5));
}

/// Removes what the node stored; its logs stay.
pub(super) fn remove_data(dir: &Path) -> Result<()> {
    let data = home(dir).join("mnesia");
    match fs::remove_dir_all(&data) {
        Err(refused) if refused.kind() != std::io::ErrorKind::NotFound => {
            Err(refused).during(format!("removing {}", data.display()))
        }
        _ => Ok(()),
    }
}

/// Runs `rabbitmqctl` on a node that runs.
pub(super) fn control(dir: &Path, recorded: &RabbitMq, arguments: &[&str]) -> Result<()> {
    let home = home(dir);
    let script = packages::rabbitmq_server()?.with_file_name("rabbitmqctl");
    let mut command = at_home(Command::new(script), &home, recorded.mapper_port);
    let output =
        command.args(arguments).stdin(Stdio::null()).output().during("running rabbitmqctl")?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Start {
        what: format!("rabbitmqctl {} failed", arguments.join(" ")),
        detail: packages::end_of(&output),
    })
}

/// Scripts that run the node's own tools on it, by name.
pub(super) fn tools(dir: &Path, recorded: &RabbitMq) -> Result<Vec<(&'static str, String)>> {
    let home = home(dir);
    let server = packages::rabbitmq_server()?;
    let script = |name: &'static str| {
        let mut command =
            at_home(Command::new(server.with_file_name(name)), &home, recorded.mapper_port);
        command.env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("enabled_plugins"));
        let quoted = |text: &OsStr| format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"));
        let settings: Vec<String> = command
            .get_envs()
            .filter_map(|(name, value)| {
                Some(format!("{}={}", name.to_string_lossy(), quoted(value?)))
            })
            .collect();
        let program = quoted(command.get_program());
        (name, format!("#!/bin/sh\nexec env -i {} {program} \"$@\"\n", settings.join(" ")))
    };
    Ok(["rabbitmqctl", "rabbitmq-diagnostics", "rabbitmq-plugins"].map(script).into())
}

fn home(dir: &Path) -> PathBuf {
    dir.join("rabbitmq")
}

fn start(home: &Path, ledger: &Ledger) -> Result<RabbitMq> {
    let script = packages::rabbitmq_server()?;
    let [amqp, management, prometheus, distribution, mapper] = ports::free()?;
    let ports = Ports { amqp, management, prometheus, distribution, mapper };
    write_files(home, &ports)?;
    let log = home.join("out.log");
    let output = File::create(&log).during(format!("making {}", log.display()))?;
    let errors = output.try_clone().during(format!("writing {}", log.display()))?;

    let mut command = environment(Command::new("/usr/bin/epmd"), home, &ports);
    // In the foreground: one that the node starts by itself stays behind as a daemon.
    command.args(["-address", "127.0.0.1", "-port", &mapper.to_string()]);
    let epmd = Process::spawn_apart(
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()),
    )?;
    let mut command = environment(Command::new(script), home, &ports);
    let node =
        match Process::spawn_apart(command.stdin(Stdio::null()).stdout(output).stderr(errors)) {
            Ok(node) => node,
            Err(failed) => {
                epmd.stop_group(Signal::SIGTERM, Duration::from_secs(5));
                return Err(failed);
            }
        };
    let started =
        RabbitMq { node, epmd, amqp_port: amqp, management_port: management, mapper_port: mapper };
    if let Err(failed) = ledger.change(|record| record.rabbitmq = Some(started.clone())) {
        stop(&started, Ending::AtOnce);
        return Err(failed);
    }
    Ok(started)
}

/// What a node and the tools that speak to it have in common.
fn at_home(mut command: Command, home: &Path, mapper_port: u16) -> Command {
    command
        .current_dir(home)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", home.join("home"))
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", mapper_port.to_string())
        .env("ERL_CRASH_DUMP", home.join("log/erl_crash.dump"))
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_NODENAME", node_name(home));
    command
}

fn environment(command: Command, home: &Path, ports: &Ports) -> Command {
    let at = |name: &str| home.join(name).into_os_string();
    let mut command = at_home(command, home, ports.mapper);
    command
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", ports.amqp.to_string())
        .env("RABBITMQ_DIST_PORT", ports.distribution.to_string())
        .env("RABBITMQ_BASE", home)
        .env("RABBITMQ_MNESIA_BASE", at("mnesia"))
        .env("RABBITMQ_LOG_BASE", at("log"))
        .env("RABBITMQ_GENERATED_CONFIG_DIR", at("generated"))
        .env("RABBITMQ_PID_FILE", at("node.pid"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
        .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", at("advanced.config"))
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
        // Makes the script become the node instead of watching it: the recorded process is the
        // node.
        .env("RUNNING_UNDER_SYSTEMD", "true");
    command
}

/// The node's data is filed under its name, and a copied folder must not pass for this one.
fn node_name(home: &Path) -> String {
    let digest = Sha256::digest(home.as_os_str().as_encoded_bytes());
    format!("deskmesh-{}@localhost", secret::hex(&digest, 8))
}

fn write_files(home: &Path, ports: &Ports) -> Result<()> {
    for folder in ["home", "mnesia", "log", "generated"] {
        let folder = home.join(folder);
        fs::create_dir_all(&folder).during(format!("making the folder {}", folder.display()))?;
    }
    let configuration = format!(
        "listeners.tcp.1 = 127.0.0.1:{}\n\
         management.tcp.ip = 127.0.0.1\n\
         management.tcp.port = {}\n\
         prometheus.tcp.ip = 127.0.0.1\n\
         prometheus.tcp.port = {}\n\
         max_message_size = 4194304\n",
        ports.amqp, ports.management, ports.prometheus
    );
    let files = [
        ("rabbitmq.conf", configuration.as_str()),
        ("advanced.config", "[].\n"),
        ("enabled_plugins", "[rabbitmq_management,rabbitmq_prometheus].\n"),
    ];
    for (name, text) in files {
        let path = home.join(name);
        fs::write(&path, text).during(format!("writing {}", path.display()))?;
    }
    let cookie = home.join("home/.erlang.cookie");
    if !cookie.exists() {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(&cookie)
            .and_then(|mut file| file.write_all(secret::random_word().as_bytes()))
            .during(format!("writing {}", cookie.display()))?;
    }
    Ok(())
}

fn wait_ready(started: &RabbitMq, interrupted: &AtomicBool) -> Result<()> {
    let address = started.address();
    let broker = Broker::new(&address.management_url);
    wait::until("the broker ready", START_LIMIT, || {
        stop_if(interrupted)?;
        if !started.node.is_alive() {
            return Err(Error::Start {
                what: "the node ended".to_owned(),
                detail: "see its log".to_owned(),
            });
        }
        if let Err(refused) = TcpStream::connect((Ipv4Addr::LOCALHOST, started.amqp_port)) {
            return Ok(ControlFlow::Continue(format!("its AMQP port: {refused}")));
        }
        Ok(match broker.check_alarms() {
            Ok(()) => ControlFlow::Break(()),
            Err(refused) => ControlFlow::Continue(refused.to_string()),
        })
    })
}
