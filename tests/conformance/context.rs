//! What the tests of all rules share: the running system, and the words in which a desk speaks to
//! it.
//!
//! Commands are JSON, as any third party writes them, and each goes through the broker as its
//! account's own user.

mod heard;
mod sharing;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use contracts::ids::derive_id;
use contracts::{AccountName, Receipt};
use futures_util::future::join_all;
use local::edges::EdgeAccess;
use local::{Installation, TestEnvironment, test_environment};
use serde_json::{Value, json};
use system_tests::stage::Stage;
use testkit::Desk;
use tokio::sync::OnceCell;

pub use self::sharing::Partners;
pub use crate::words::{
    admin, agent, agreement_in, applied, end_user, everything, item, private_only, refused,
    sharing_url, terms, with,
};

/// The shared system. Cheap to clone.
#[derive(Clone)]
pub struct ConformanceContext(Arc<SharedServers>);

struct SharedServers {
    installation: Installation,
    operator: Desk,
    helpdesk: EdgeAccess,
    stage: Mutex<Option<Stage>>,
    /// One account of a deployment has this.
    stands_for_third_parties: OnceCell<Desk>,
    counter: AtomicU64,
}

impl ConformanceContext {
    /// Starts the five services and the help desk on a world.
    pub async fn open(world: &TestEnvironment) -> Self {
        let dir = test_environment::target().join("conformance").join(world.name());
        let mut stage = Stage::set(&dir, world.installation.clone(), world.database.clone())
            .await
            .expect("the services start");
        let helpdesk = stage.with_helpdesk().await.expect("the help desk starts");
        let operator =
            Desk::open(&stage.installation.operator_url().expect("an address"), "operator");
        let installation = stage.installation.clone();
        Self(Arc::new(SharedServers {
            installation,
            operator,
            helpdesk,
            stage: Mutex::new(Some(stage)),
            stands_for_third_parties: OnceCell::new(),
            counter: AtomicU64::new(1),
        }))
    }

    /// Ends the services in an orderly way.
    ///
    /// # Errors
    /// When one does not end by itself, or with a failure.
    pub async fn close(&self) -> anyhow::Result<()> {
        let stage = self.take_stage();
        match stage {
            Some(stage) => stage.clear().await,
            None => Ok(()),
        }
    }

    /// Kills the services.
    pub fn abandon(&self) {
        drop(self.take_stage());
    }

    /// The operator's desk, which registers accounts.
    pub fn operator(&self) -> &Desk {
        &self.0.operator
    }

    /// Where the help desk is, and what its accounts are led to it by.
    pub fn helpdesk(&self) -> (&EdgeAccess, &Installation) {
        (&self.0.helpdesk, &self.0.installation)
    }

    /// A number that nobody else has got.
    pub fn number(&self) -> u64 {
        self.0.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// An id for an agreement or a share that nobody else has got.
    pub fn id(&self) -> String {
        derive_id("conformance", &[&self.number().to_string()]).to_string()
    }

    /// A desk of a registered, connected account with a name of its own that begins with `stem`.
    pub async fn desk(&self, stem: &str) -> Desk {
        self.desk_of(stem, "connected").await
    }

    /// A desk of any kind of account: `connected`, `hosted` or `third_party`.
    pub async fn desk_of(&self, stem: &str, kind: &str) -> Desk {
        let desk = self.unregistered(stem).await;
        applied(&self.register(&desk, kind).await);
        desk
    }

    /// Several desks of connected accounts.
    pub async fn desks<const N: usize>(&self, stems: [&str; N]) -> [Desk; N] {
        let desks = join_all(stems.map(|stem| self.desk(stem))).await;
        desks.try_into().expect("as many as were asked for")
    }

    /// A desk whose account the broker knows and Deskmesh does not.
    pub async fn unregistered(&self, stem: &str) -> Desk {
        let (account, url) = self.account(stem).await;
        Desk::open(&url, account.as_str())
    }

    /// An account that the broker knows and whose queue nobody reads, and the address at which it
    /// logs in.
    pub async fn account(&self, stem: &str) -> (AccountName, String) {
        let account =
            AccountName::new(format!("{stem}-{}", self.number())).expect("an account's name");
        let url = self.admit(&account, None).await;
        (account, url)
    }

    /// Lets an account publish for those below it, of which `below` is one.
    pub async fn let_operate(&self, operator: &AccountName, below: &AccountName) {
        self.admit(below, Some(operator)).await;
    }

    /// The account that stands for third-party systems.
    pub async fn stands_for_third_parties(&self) -> &Desk {
        let made = async || {
            let desk = self.desk("bridge").await;
            let below = AccountName::new(format!("{}-any", desk.account)).expect("a name");
            self.let_operate(&desk.account, &below).await;
            let flags = json!({ "account": desk.account, "display_name": "Bridge",
                "kind": "connected", "may_operate": true, "third_parties": true, "admins": [] });
            applied(&self.operator().ask("account.register.v1", &flags).await);
            desk
        };
        self.0.stands_for_third_parties.get_or_init(made).await
    }

    async fn admit(&self, account: &AccountName, operator: Option<&AccountName>) -> String {
        let (installation, name) = (self.0.installation.clone(), account.to_string());
        let operator = operator.map(ToString::to_string);
        let access =
            tokio::task::spawn_blocking(move || installation.account(&name, operator.as_deref()))
                .await;
        access.expect("the task ends").expect("the broker makes the account").amqp_url
    }

    /// The address at which an account logs in.
    pub fn broker_url(&self, account: &AccountName) -> String {
        self.0.installation.user_url(account.as_str()).expect("the broker has an address")
    }

    /// Registers the account of a desk; its administrator gets mail at
    /// [`ConformanceContext::admin_of`].
    pub async fn register(&self, desk: &Desk, kind: &str) -> Receipt {
        let account = desk.account.as_str();
        let register = json!({
            "account": account, "display_name": format!("{account} Inc."), "kind": kind,
            "sharing_url": sharing_url(desk),
            "admins": [{ "name": "Admin", "email": self.admin_of(desk) }],
        });
        self.operator().ask("account.register.v1", &register).await
    }

    /// Where the administrator of a desk gets mail.
    #[expect(clippy::unused_self, reason = "read beside `mails_to`")]
    pub fn admin_of(&self, desk: &Desk) -> String {
        format!("admin@{}.example", desk.account)
    }

    /// Changes settings of an account: `account.update.v1` with a version higher than any before.
    pub async fn set(&self, desk: &Desk, settings: Value) -> Receipt {
        let update = with(json!({ "version": self.number(), "actor": admin() }), &settings);
        desk.ask("account.update.v1", &update).await
    }

    /// Looks at what the services run on: the broker, the mails, the logs.
    pub fn with_stage<T>(&self, look: impl FnOnce(&Stage) -> T) -> T {
        look(
            self.0
                .stage
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()
                .expect("the services run"),
        )
    }

    fn take_stage(&self) -> Option<Stage> {
        self.0.stage.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
