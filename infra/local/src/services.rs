//! The five services as processes.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use contracts::topology::Service;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ureq::Agent;

use crate::database::Database;
use crate::error::{During, Error, Result};
use crate::process::Process;
use crate::provision::Installation;
use crate::{packages, ports, wait};

/// What all instances of one installation have in common.
#[derive(Clone, Debug)]
pub struct Fleet {
    dir: PathBuf,
    binaries: PathBuf,
    /// Variables: of one service, or of all.
    environment: Vec<(Option<Service>, String, String)>,
    /// What share-dispatcher makes placeholders' ids with.
    placeholder_key: String,
    /// Whether these binaries know of such a key: a release before it refuses the variable.
    takes_key: bool,
    addresses: Vec<(Service, String, String)>,
}

impl Fleet {
    /// Describes the services of an installation; nothing is started yet. Logs go to
    /// `<dir>/services`, mails to `smtp_url`, and the binaries are those beside the current one.
    ///
    /// # Errors
    /// When an address is unusable, or the current executable's folder cannot be told.
    pub fn new(
        dir: &Path,
        installation: &Installation,
        database: &Database,
        smtp_url: &str,
    ) -> Result<Self> {
        let addresses = Service::ALL
            .into_iter()
            .chain(Service::EDGES)
            .map(|service| {
                Ok((service, installation.service_url(service)?, database.service_url(service)?))
            })
            .collect::<Result<_>>()?;
        let mail = |service, name: &str, value: &str| {
            (Some(service), format!("DESKMESH__SMTP__{name}"), value.to_owned())
        };
        let environment = [Service::Notifier, Service::Helpdesk]
            .into_iter()
            .flat_map(|it| [mail(it, "URL", smtp_url), mail(it, "FROM", "deskmesh@localhost")])
            .collect();
        let placeholder_key = installation.placeholder_key();
        let (dir, binaries) = (dir.join("services"), binaries_dir()?);
        Ok(Self { dir, binaries, environment, placeholder_key, takes_key: true, addresses })
    }

    /// A folder of this name, beside that of the logs.
    #[must_use]
    pub fn folder(&self, name: &str) -> PathBuf {
        self.dir.with_file_name(name)
    }

    /// Takes the binaries from another folder.
    #[must_use]
    pub fn with_binaries(mut self, binaries: &Path) -> Self {
        binaries.clone_into(&mut self.binaries);
        self.takes_key = true;
        self.takes_key = self.run(Service::ShareDispatcher, &["config"]).is_ok();
        self
    }

    /// Adds a variable to the environment of every instance started from now on.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((None, name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a variable to the environment of one service, which alone knows it.
    #[must_use]
    pub fn with_variable_of(mut self, service: Service, name: &str, value: &str) -> Self {
        self.environment.push((Some(service), name.to_owned(), value.to_owned()));
        self
    }

    /// Runs every service's `migrate`, all at the same time.
    ///
    /// # Errors
    /// When a binary is missing or ends with a failure, with the end of what it said.
    pub fn migrate_all(&self) -> Result<()> {
        for_all(|service| self.migrate(service)).map(drop)
    }

    /// Starts one instance of each service; they are not ready yet.
    ///
    /// # Errors
    /// When a binary is missing or cannot be started.
    pub fn start_all(&self) -> Result<Vec<Instance>> {
        Service::ALL.into_iter().map(|service| self.start(service, 1)).collect()
    }

    /// Starts one instance of each service and waits until all are ready.
    ///
    /// # Errors
    /// When one is not ready within `limit`, with its last answer.
    pub fn start_all_ready(&self, limit: Duration) -> Result<Vec<Instance>> {
        let mut instances = self.start_all()?;
        for instance in &mut instances {
            instance.wait_ready(limit)?;
        }
        Ok(instances)
    }

    /// Starts one instance; `replica` tells it from others of the same service.
    ///
    /// # Errors
    /// When the binary is missing or cannot be started.
    pub fn start(&self, service: Service, replica: u32) -> Result<Instance> {
        let [port] = ports::free()?;
        let http = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let log = self.log(service, &replica.to_string());
        let child = self.spawn(service, http, &log)?;
        Ok(Instance { fleet: self.clone(), service, replica, http, log, child, kept: false })
    }

    /// Runs one of a service's commands to its end and returns what it printed.
    ///
    /// # Errors
    /// When the binary is missing or ends with a failure, with the end of what it said.
    pub fn run(&self, service: Service, arguments: &[&str]) -> Result<String> {
        let what = format!("{} {}", service.name(), arguments.join(" "));
        let output =
            self.command(service)?.args(arguments).output().during(format!("running {what}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::Start {
            what: format!("{what} failed ({})", output.status),
            detail: packages::end_of(&output),
        })
    }

    /// Runs a service's `migrate`.
    ///
    /// # Errors
    /// When the binary is missing or ends with a failure, with the end of what it said.
    pub fn migrate(&self, service: Service) -> Result<()> {
        self.run(service, &["migrate"]).map(drop)
    }

    fn spawn(&self, service: Service, http: SocketAddr, log: &Path) -> Result<Child> {
        use std::os::unix::process::CommandExt;
        fs::create_dir_all(&self.dir)
            .during(format!("making the folder {}", self.dir.display()))?;
        // Appended, so that the log of an instance that was killed and started again stays whole.
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .during(format!("opening {}", log.display()))?;
        let errors = output.try_clone().during(format!("opening {}", log.display()))?;
        let mut command = self.command(service)?;
        command.arg("run").env("DESKMESH__HTTP__LISTEN", http.to_string());
        command
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .during(format!("starting {}", service.name()))
    }

    /// A service's program with its own logins, and no arguments yet.
    ///
    /// # Errors
    /// When the binary is missing.
    pub fn command(&self, service: Service) -> Result<Command> {
        let binary = self.binaries.join(service.name());
        if !binary.exists() {
            return Err(Error::Start {
                what: format!("{} is not built", service.name()),
                detail: format!(
                    "run `cargo build --workspace --bins`, which makes {}",
                    binary.display()
                ),
            });
        }
        let mut command = Command::new(binary);
        // A log filter of the caller's would reach the services otherwise; DESKMESH__ variables
        // of the caller do on purpose.
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        for (of, broker_url, database_url) in &self.addresses {
            if *of == service {
                command
                    .env("DESKMESH__BROKER__URL", broker_url)
                    .env("DESKMESH__DATABASE__URL", database_url);
            }
        }
        // A service refuses keys that it does not know.
        let its_own = self.environment.iter().filter(|(of, ..)| of.is_none_or(|of| of == service));
        for (_, name, value) in its_own {
            command.env(name, value);
        }
        if service == Service::ShareDispatcher && self.takes_key {
            command.env("DESKMESH__PLACEHOLDER__KEYS", &self.placeholder_key);
        }
        Ok(command)
    }

    fn log(&self, service: Service, suffix: &str) -> PathBuf {
        self.dir.join(format!("{}-{suffix}.log", service.name()))
    }
}

/// One running service process; dropping it kills the process, unless it was told to outlive us.
#[derive(Debug)]
pub struct Instance {
    fleet: Fleet,
    service: Service,
    replica: u32,
    http: SocketAddr,
    log: PathBuf,
    child: Child,
    kept: bool,
}

impl Instance {
    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    /// Which of the service's instances it is.
    #[must_use]
    pub fn replica(&self) -> u32 {
        self.replica
    }

    /// Where it answers `/livez`, `/readyz` and `/metrics`.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The file with what it printed.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The process, to put on record.
    #[must_use]
    pub fn process(&self) -> Option<Process> {
        Process::find(self.pid().as_raw())
    }

    /// Waits until `GET /readyz` is answered 200.
    ///
    /// # Errors
    /// When it is not within `limit`, with its last answer, or when the process ended.
    pub fn wait_ready(&mut self, limit: Duration) -> Result<()> {
        let name = self.service.name();
        wait::until(&format!("{name} ready"), limit, || {
            if let Some(status) = self.child.try_wait().during(format!("looking after {name}"))? {
                let said = fs::read_to_string(&self.log).unwrap_or_default();
                let detail = packages::last_lines(&said, 5);
                return Err(Error::Start { what: format!("{name} ended ({status})"), detail });
            }
            Ok(match get(self.http, "/readyz") {
                Ok((200, _)) => ControlFlow::Break(()),
                Ok((status, body)) => {
                    ControlFlow::Continue(format!("/readyz answered {status}: {body}"))
                }
                Err(failed) => ControlFlow::Continue(failed),
            })
        })
    }

    /// What it answers to `GET path`: status and body.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        get(self.http, path).map_err(|detail| Error::Start {
            what: format!("{} does not answer", self.service.name()),
            detail,
        })
    }

    /// Kills it without any chance to finish.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn kill9(&mut self) -> Result<()> {
        let what = format!("killing {}", self.service.name());
        self.child.kill().during(what.clone())?;
        self.child.wait().during(what).map(drop)
    }

    /// Asks it to end and waits for its exit status.
    ///
    /// # Errors
    /// When it still runs at the limit.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal_end();
        self.wait_exit(limit)
    }

    /// Sends SIGTERM and does not wait.
    pub fn signal_end(&self) {
        // Not waited for yet, so the id is still this process's; one that has ended takes no
        // signal.
        kill(self.pid(), Signal::SIGTERM).ok();
    }

    /// Waits for its exit status.
    ///
    /// # Errors
    /// When it still runs at the limit.
    pub fn wait_exit(&mut self, limit: Duration) -> Result<ExitStatus> {
        let name = self.service.name();
        wait::until(&format!("{name} ended"), limit, || {
            let ended = self.child.try_wait().during(format!("looking after {name}"))?;
            Ok(ended.map_or_else(
                || ControlFlow::Continue("it still runs".to_owned()),
                ControlFlow::Break,
            ))
        })
    }

    /// Starts it again at the same address with the same log, killing it first if it still runs.
    ///
    /// # Errors
    /// When it cannot be killed or started.
    pub fn restart(&mut self) -> Result<()> {
        self.kill9()?;
        self.child = self.fleet.spawn(self.service, self.http, &self.log)?;
        Ok(())
    }

    /// Lets the process outlive this value.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    fn pid(&self) -> Pid {
        // Process ids are positive and fit: the kernel's limit is 2^22.
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id fits into 22 bits"))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing can be done about a refusal here.
            self.kill9().ok();
        }
    }
}

/// Asks a service over HTTP: status and body.
///
/// # Errors
/// Says why there is no answer.
pub fn get(http: SocketAddr, path: &str) -> Result<(u16, String), String> {
    let config = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .http_status_as_error(false)
        .build();
    let agent: Agent = config.into();
    let mut response =
        agent.get(format!("http://{http}{path}")).call().map_err(|failed| failed.to_string())?;
    let body = response.body_mut().read_to_string().map_err(|failed| failed.to_string())?;
    Ok((response.status().as_u16(), body))
}

/// Does one thing for all services at the same time and gives the first failure, in the line's
/// order.
fn for_all<T: Send>(act: impl Fn(Service) -> Result<T> + Sync) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let running: Vec<_> = Service::ALL
            .into_iter()
            .map(|service| {
                scope.spawn({
                    let act = &act;
                    move || act(service)
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// The folder with the workspace's binaries: the current one's, or its parent for a test.
///
/// # Errors
/// When the current executable cannot be told.
pub fn binaries_dir() -> Result<PathBuf> {
    let executable = std::env::current_exe().during("finding the current executable")?;
    let dir = executable.parent().unwrap_or(Path::new("."));
    let is_test = dir.file_name().is_some_and(|name| name == "deps" || name == "examples");
    Ok(if is_test { dir.parent().unwrap_or(dir) } else { dir }.to_owned())
}

/// Cargo's folder for everything that is built: what this library keeps lies below it.
///
/// # Errors
/// When the current executable cannot be told.
pub fn target_dir() -> Result<PathBuf> {
    let binaries = binaries_dir()?;
    Ok(binaries.parent().unwrap_or(&binaries).to_owned())
}
