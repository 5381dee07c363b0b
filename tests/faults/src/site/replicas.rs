//! Two processes of each service.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use contracts::topology::Service;
use local::{Fleet, Instance};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::PATIENCE;

/// Processes of each service.
pub const REPLICAS: u32 = 2;
/// How long a service may take to stop when it is asked to: its own grace and a little.
const STOP: Duration = Duration::from_secs(40);

/// The processes. Who takes one out keeps others from it.
#[derive(Debug)]
pub struct ReplicaProcesses {
    fleet: Fleet,
    /// Of the gateway: each of its replicas has addresses of its own.
    gateways: Vec<Fleet>,
    instances: Vec<Mutex<Option<Instance>>>,
}

impl ReplicaProcesses {
    pub(super) async fn start(fleet: Fleet, gateways: Vec<Fleet>) -> Result<Self> {
        let started = spawn_blocking(move || {
            fleet.migrate_all()?;
            if let Some(gateway) = gateways.first() {
                gateway.migrate(Service::Gateway)?;
            }
            let all = Service::ALL
                .into_iter()
                .flat_map(|service| (1..=REPLICAS).map(move |replica| (service, replica)));
            let mut instances = all
                .map(|(service, replica)| fleet.start(service, replica))
                .collect::<local::Result<Vec<_>>>()?;
            for (replica, gateway) in (1..).zip(&gateways) {
                instances.push(gateway.start(Service::Gateway, replica)?);
            }
            instances.iter_mut().try_for_each(|instance| instance.wait_ready(PATIENCE))?;
            Ok::<_, local::Error>((fleet, gateways, instances))
        });
        let (fleet, gateways, instances) = started.await.context("starting the services")??;
        Ok(Self {
            fleet,
            gateways,
            instances: instances.into_iter().map(|instance| Mutex::new(Some(instance))).collect(),
        })
    }

    /// The services that were started.
    pub fn services(&self) -> impl Iterator<Item = Service> + use<> {
        let gateway = (!self.gateways.is_empty()).then_some(Service::Gateway);
        Service::ALL.into_iter().chain(gateway)
    }

    /// Kills one without any chance to finish, starts it again and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn kill(&self, service: Service, replica: u32) -> Result<()> {
        self.with(service, replica, |instance| {
            instance.restart()?;
            Ok(instance.wait_ready(PATIENCE)?)
        })
        .await
    }

    /// Asks one to stop, starts another in its place and waits until it is ready.
    ///
    /// # Errors
    /// When it does not stop in time, or with a failure, or the new one is not ready.
    pub async fn replace(&self, service: Service, replica: u32) -> Result<()> {
        let own = match service {
            Service::Gateway => self.gateways.get(replica as usize - 1),
            _ => Some(&self.fleet),
        };
        self.replace_by(own.context("a replica")?, service, replica).await
    }

    /// The services as processes of another release, for `replace_by` and `migrate`.
    #[must_use]
    pub fn release(&self, binaries: &Path) -> Fleet {
        self.fleet.clone().with_binaries(binaries)
    }

    /// Runs another release's migrations.
    ///
    /// # Errors
    /// When one fails, with what it said.
    pub async fn migrate(&self, release: &Fleet) -> Result<()> {
        let release = release.clone();
        Ok(spawn_blocking(move || release.migrate_all()).await.context("migrating")??)
    }

    /// As `replace`; the one in its place is of another release.
    ///
    /// # Errors
    /// When it does not stop in time, or with a failure, or the new one is not ready.
    pub async fn replace_by(&self, release: &Fleet, service: Service, replica: u32) -> Result<()> {
        let release = release.clone();
        self.with(service, replica, move |instance| {
            let status = instance.terminate(STOP)?;
            ensure!(
                status.success(),
                "{} ended with {status}, see {}",
                service.name(),
                instance.log().display()
            );
            *instance = release.start(service, replica)?;
            Ok(instance.wait_ready(PATIENCE)?)
        })
        .await
    }

    /// Asks all to stop, and waits.
    ///
    /// # Errors
    /// When one does not stop in time, or with a failure.
    pub async fn pause(&self) -> Result<()> {
        self.all(|instance| {
            let status = instance.terminate(STOP)?;
            ensure!(status.success(), "{} ended with {status}", instance.service().name());
            Ok(())
        })
        .await
    }

    /// Starts all again.
    ///
    /// # Errors
    /// When one is not ready in time.
    pub async fn resume(&self) -> Result<()> {
        self.all(|instance| Ok(instance.restart()?)).await?;
        self.ready(PATIENCE).await
    }

    /// Waits until all are ready.
    ///
    /// # Errors
    /// When one is not within `limit`, with its last answer.
    pub async fn ready(&self, limit: Duration) -> Result<()> {
        self.all(move |instance| Ok(instance.wait_ready(limit)?)).await
    }

    /// Runs a command of each service to its end.
    ///
    /// # Errors
    /// When one fails, with what it said.
    pub async fn run(&self, arguments: Vec<String>) -> Result<()> {
        let fleet = self.fleet.clone();
        let ran = spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            Service::ALL
                .into_iter()
                .try_for_each(|service| fleet.run(service, &arguments).map(drop))
        });
        Ok(ran.await.context("running a service's command")??)
    }

    /// Each process with its service, for who measures them.
    pub async fn processes(&self) -> Vec<(Service, local::process::Process)> {
        let mut processes = Vec::new();
        for slot in &self.instances {
            let slot = slot.lock().await;
            processes.extend(
                slot.as_ref().and_then(|instance| Some((instance.service(), instance.process()?))),
            );
        }
        processes
    }

    /// Stops all.
    ///
    /// # Errors
    /// When one does not stop in time, or with a failure.
    pub(super) async fn end(self) -> Result<()> {
        let instances: Vec<Instance> =
            self.instances.into_iter().filter_map(Mutex::into_inner).collect();
        instances.iter().for_each(Instance::signal_end);
        let ended = spawn_blocking(move || {
            for mut instance in instances {
                let status = instance.wait_exit(STOP)?;
                ensure!(status.success(), "{} ended with {status}", instance.service().name());
            }
            Ok(())
        });
        ended.await.context("ending the services")?
    }

    /// What one of them answers to `GET /metrics`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metrics(&self, service: Service, replica: u32) -> Result<String> {
        self.with(service, replica, |instance| Ok(instance.get("/metrics")?.1)).await
    }

    async fn all(
        &self,
        act: impl Fn(&mut Instance) -> Result<()> + Copy + Send + 'static,
    ) -> Result<()> {
        for service in self.services() {
            for replica in 1..=REPLICAS {
                self.with(service, replica, act).await?;
            }
        }
        Ok(())
    }

    async fn with<T: Send + 'static>(
        &self,
        service: Service,
        replica: u32,
        act: impl FnOnce(&mut Instance) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let at = self.services().position(|it| it == service).context("one that was started")?;
        let index = at * REPLICAS as usize + replica as usize - 1;
        let mut slot = self.instances[index].lock().await;
        let mut instance = slot.take().context("it was started")?;
        let acted = spawn_blocking(move || {
            let acted = act(&mut instance);
            (instance, acted)
        });
        let (instance, acted) = acted.await.context("acting on a service")?;
        *slot = Some(instance);
        acted
    }
}
