//! What the story is played on: one installation with its five services as processes.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use contracts::topology::Service;
use local::edges::{self, EdgeAccess};
use local::{Database, Fleet, Installation, Instance, MailSink, packages, wait};
use tokio::task::spawn_blocking;

use crate::party::DeskDriver;
use crate::python_desk::PythonDesk;

/// How long the services may take to be ready.
const READY_LIMIT: Duration = Duration::from_mins(3);
/// How long a service may take to end by itself.
const END_LIMIT: Duration = Duration::from_mins(1);

/// A virtual host, a database, a mail sink and the five services.
#[derive(Debug)]
pub struct Stage {
    /// The virtual host.
    pub installation: Installation,
    pub database: Database,
    /// Where mails end up.
    pub mail: MailSink,
    instances: Vec<Instance>,
    python: PathBuf,
    dir: PathBuf,
}

impl Stage {
    /// Starts the services on an installation that is there. Logs and mails go to `dir`.
    ///
    /// # Errors
    /// When a service is not built or does not start, or Python is not there.
    pub async fn set(dir: &Path, installation: Installation, database: Database) -> Result<Self> {
        let mail = MailSink::start_in("127.0.0.1:0", &dir.join("mails")).await?;
        fs::create_dir_all(dir.join("desks")).context("making the folder of the desks' logs")?;
        let fleet = Fleet::new(dir, &installation, &database, &mail.url())?;
        let start = spawn_blocking(move || {
            let python = packages::ensure_python_desk()?;
            fleet.migrate_all()?;
            Ok::<_, local::Error>((python, fleet.start_all_ready(READY_LIMIT)?))
        });
        let (python, instances) = start.await.context("starting the services")??;
        Ok(Self { installation, database, mail, instances, python, dir: dir.to_owned() })
    }

    /// Starts the help desk beside them.
    ///
    /// # Errors
    /// When it is not built, does not start or is not registered.
    pub async fn with_helpdesk(&mut self) -> Result<EdgeAccess> {
        let edge = Service::Helpdesk;
        let fleet = Fleet::new(&self.dir, &self.installation, &self.database, &self.mail.url())?;
        let passwords = self.installation.passwords();
        let (fleet, access) = edges::with_helpdesk(fleet, passwords, None)?;
        let installation = self.installation.clone();
        let start = spawn_blocking(move || {
            installation.edge(edge)?;
            fleet.migrate(edge)?;
            let mut instance = fleet.start(edge, 1)?;
            instance.wait_ready(READY_LIMIT)?;
            Ok::<_, local::Error>(instance)
        });
        self.instances.push(start.await.context("starting the help desk")??);
        let registration = edges::registration(edge);
        local::register(&self.installation.operator_url()?, &registration, READY_LIMIT).await?;
        Ok(access)
    }

    /// Makes an account's broker user and desk queue, and opens a desk in Rust.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn rust_desk(&self, account: &str) -> Result<DeskDriver> {
        Ok(DeskDriver::in_rust(&self.admit(account).await?, account))
    }

    /// Makes an account's broker user and desk queue, and starts a desk in Python.
    ///
    /// # Errors
    /// When the broker refuses, or the program does not start.
    pub async fn python_desk(&self, account: &str) -> Result<DeskDriver> {
        let url = self.admit(account).await?;
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("desks/python_desk.py");
        let log = self.dir.join("desks").join(format!("{account}.log"));
        Ok(DeskDriver::in_python(
            PythonDesk::open(&self.python, &program, &url, account, &log).await?,
            account,
        ))
    }

    /// Opens the operator's desk.
    ///
    /// # Errors
    /// When the broker's address is unusable.
    pub fn operator(&self) -> Result<DeskDriver> {
        Ok(DeskDriver::in_rust(
            &self.installation.operator_url()?,
            contracts::AccountName::operator().as_str(),
        ))
    }

    /// Kills a service without any chance to finish, starts it again and waits until it is ready.
    /// Says how long it was away.
    ///
    /// # Errors
    /// When it cannot be killed or does not come back.
    pub async fn kill(&mut self, service: Service) -> Result<Duration> {
        let at = self
            .instances
            .iter()
            .position(|it| it.service() == service)
            .context("the service runs")?;
        let mut instance = self.instances.swap_remove(at);
        let killed = spawn_blocking(move || {
            let since = Instant::now();
            instance.restart()?;
            instance.wait_ready(READY_LIMIT)?;
            Ok::<_, local::Error>((instance, since.elapsed()))
        });
        let (instance, away) = killed.await.context("killing a service")??;
        self.instances.push(instance);
        Ok(away)
    }

    /// Waits until nothing is on its way any more: all queues of the broker are empty but those of
    /// parked messages.
    ///
    /// # Errors
    /// When something still is at the limit.
    pub async fn quiet(&self, limit: Duration) -> Result<()> {
        let installation = self.installation.clone();
        let quiet = spawn_blocking(move || {
            wait::until("empty queues", limit, || {
                let queues = installation.broker().queues(installation.vhost())?;
                let full = queues
                    .iter()
                    .filter(|queue| queue.messages > 0 && !queue.name.ends_with(".parked"));
                let full: Vec<String> =
                    full.map(|queue| format!("{} {}", queue.name, queue.messages)).collect();
                Ok(if full.is_empty() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(full.join(", "))
                })
            })
        });
        Ok(quiet.await.context("looking at the queues")??)
    }

    /// Where the services' logs are.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.dir.join("services")
    }

    /// Ends the services in an orderly way.
    ///
    /// # Errors
    /// When one does not end by itself, or with a failure.
    pub async fn clear(mut self) -> Result<()> {
        self.instances.iter().for_each(Instance::signal_end);
        let ended = spawn_blocking(move || {
            for instance in &mut self.instances {
                let status = instance.wait_exit(END_LIMIT)?;
                anyhow::ensure!(
                    status.success(),
                    "{} ended with {status}",
                    instance.service().name()
                );
            }
            Ok(())
        });
        ended.await.context("ending the services")?
    }

    async fn admit(&self, account: &str) -> Result<String> {
        let (installation, account) = (self.installation.clone(), account.to_owned());
        let access = spawn_blocking(move || installation.account(&account, None))
            .await
            .context("making an account")??;
        Ok(access.amqp_url)
    }
}
