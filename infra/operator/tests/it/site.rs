//! A whole installation with the five services, and an operator before it.

use std::time::Duration;

use contracts::AccountName;
use contracts::command::{AccountKind, AccountRegister};
use contracts::topology::Service;
use local::{Fleet, Instance, MailSink, TestEnvironment};
use operator::account::{AccountAdmin, Added};
use operator::{Deployment, Result, secret};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::spawn_blocking;

/// One installation at a time: a service's user belongs to the whole broker, and one test gives it
/// another password.
static ALONE: Mutex<()> = Mutex::const_new(());
const READY_LIMIT: Duration = Duration::from_mins(3);

pub struct Site {
    pub doors: AccountAdmin,
    pub world: TestEnvironment,
    pub services: Vec<Instance>,
    fleet: Fleet,
    accounts: Vec<String>,
    _mail: MailSink,
    _alone: MutexGuard<'static, ()>,
}

impl Site {
    /// With all five services, ready.
    pub async fn open(test: &str) -> Self {
        Self::open_with(test, &[]).await
    }

    /// The same, with more variables for the services.
    pub async fn open_with(test: &str, variables: &[(&str, &str)]) -> Self {
        let alone = ALONE.lock().await;
        let world = TestEnvironment::new(test).await;
        let dir = local::test_environment::target().join("operator-tests").join(world.name());
        let mail = MailSink::start_in("127.0.0.1:0", &dir.join("mails")).await.unwrap();
        let fleet = Fleet::new(&dir, &world.installation, &world.database, &mail.url()).unwrap();
        let fleet =
            variables.iter().fold(fleet, |fleet, (name, value)| fleet.with_variable(name, value));
        let starting = fleet.clone();
        let start = spawn_blocking(move || {
            starting.migrate_all()?;
            starting.start_all_ready(READY_LIMIT)
        });
        let services = start.await.unwrap().unwrap();
        let doors = doors(&world);
        Self { doors, world, services, fleet, accounts: Vec::new(), _mail: mail, _alone: alone }
    }

    /// Adds an account with a new password, under a name that no other test has.
    pub async fn add(&mut self, stem: &str) -> (AccountName, String) {
        let (account, password) = (self.name(stem), secret::new_password());
        let added = self.add_with(&account, Some(&password)).await.unwrap();
        assert!(added.let_in.made && !added.known, "{added:?}");
        assert_eq!(added.refused.len(), 4, "{added:?}");
        (account, password)
    }

    pub async fn add_with(&self, account: &AccountName, password: Option<&str>) -> Result<Added> {
        let registration = AccountRegister {
            account: account.to_string(),
            display_name: account.to_string(),
            kind: AccountKind::Connected,
            operated_by: None,
            may_operate: false,
            third_parties: false,
            address: None,
            sharing_url: None,
            admins: Vec::new(),
        };
        self.doors.add(&registration, password).await
    }

    pub fn deployment(&self) -> &Deployment {
        &self.doors.deployment
    }

    pub fn name(&mut self, stem: &str) -> AccountName {
        // Broker users belong to the whole broker, and a world's name ends with its own word.
        let word = self.world.name().rsplit('_').next().unwrap();
        let name = format!("{stem}-{word}");
        self.accounts.push(name.clone());
        AccountName::new(name).unwrap()
    }

    /// Where each service answers, as `DESKMESH_SERVICES` has it.
    pub fn addresses(&self) -> String {
        let all = self.services.iter();
        let all = all.map(|one| format!("{}=http://{}", one.service().name(), one.http()));
        all.collect::<Vec<_>>().join(",")
    }

    pub fn service(&mut self, service: Service) -> &mut Instance {
        self.services.iter_mut().find(|it| it.service() == service).unwrap()
    }

    /// Starts a service with another broker address, and ends the one that ran: as a rolling
    /// restart does.
    pub async fn restart_with(&mut self, service: Service, url: &str) {
        let fleet = self.fleet.clone().with_variable("DESKMESH__BROKER__URL", url);
        let at = self.services.iter().position(|it| it.service() == service).unwrap();
        let mut old = self.services.swap_remove(at);
        let restart = spawn_blocking(move || {
            let mut new = fleet.start(service, 2)?;
            new.wait_ready(READY_LIMIT)?;
            old.terminate(READY_LIMIT)?;
            Ok::<_, local::Error>(new)
        });
        self.services.push(restart.await.unwrap().unwrap());
    }

    /// Stops the services.
    pub async fn stop(&mut self) {
        let mut services = std::mem::take(&mut self.services);
        let stop =
            move || services.iter_mut().try_for_each(|it| it.terminate(READY_LIMIT).map(drop));
        spawn_blocking(stop).await.unwrap().unwrap();
    }

    /// Starts them again.
    pub async fn start(&mut self) {
        let fleet = self.fleet.clone();
        let start = move || fleet.start_all_ready(READY_LIMIT);
        self.services = spawn_blocking(start).await.unwrap().unwrap();
    }

    pub async fn remove(self) {
        drop(self.services);
        for account in &self.accounts {
            self.doors.deployment.broker().delete_user(account).unwrap();
        }
        self.world.remove().await;
    }
}

/// The doors of a world, as its operator has them.
pub fn doors(world: &TestEnvironment) -> AccountAdmin {
    let installation = &world.installation;
    AccountAdmin {
        deployment: Deployment::new(installation.broker().clone(), installation.vhost()),
        operator_url: installation.operator_url().unwrap(),
    }
}
