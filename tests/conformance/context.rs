//! What the tests of all rules share: the running system, and the words in which a desk speaks to
//! it.
//!
//! Commands are JSON, as any third party writes them, and each goes through the broker as its
//! account's own user.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use contracts::delivery::{AgreementState, DeliveryBody, ShareState, TicketCreated, TicketUpdated};
use contracts::ids::derive_id;
use contracts::{AccountName, AgreementId, Receipt, ShareId};
use futures_util::future::join_all;
use local::edges::EdgeAccess;
use local::{Installation, Mail, TestEnvironment, test_environment};
use serde_json::{Value, json};
use system_tests::stage::Stage;
use testkit::desk::{PATIENCE, clock};
use testkit::{Desk, until};
use tokio::sync::OnceCell;

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

/// Two desks and the agreement under which the first shares with the second.
pub struct Partners {
    /// The sender.
    pub acme: Desk,
    /// The receiver.
    pub globex: Desk,
    /// The agreement, accepted.
    pub agreement: AgreementId,
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

    /// Invites by address.
    pub async fn invite(
        &self,
        sender: &Desk,
        receiver: &Desk,
        terms: Value,
    ) -> (Receipt, AgreementId) {
        self.invite_with(
            sender,
            json!({ "receiver": { "address": receiver.account }, "terms": terms }),
        )
        .await
    }

    /// Invites with a body of one's own; `agreement_id` and `actor` are there already.
    pub async fn invite_with(&self, sender: &Desk, changes: Value) -> (Receipt, AgreementId) {
        let agreement = AgreementId::new(self.id()).expect("an id");
        let invite = with(json!({ "agreement_id": agreement, "actor": admin() }), &changes);
        (sender.ask("agreement.invite.v1", &invite).await, agreement)
    }

    /// An administrator's word on an agreement: `accept`, `decline` or `deactivate`.
    pub async fn decide(&self, desk: &Desk, verb: &str, agreement: &AgreementId) -> Receipt {
        desk.ask(
            &format!("agreement.{verb}.v1"),
            &json!({ "agreement_id": agreement, "actor": admin() }),
        )
        .await
    }

    /// An accepted agreement.
    pub async fn agree(&self, sender: &Desk, receiver: &Desk, terms: Value) -> AgreementId {
        let (receipt, agreement) = self.invite(sender, receiver, terms).await;
        applied(&receipt);
        applied(&self.decide(receiver, "accept", &agreement).await);
        agreement
    }

    /// Two new desks with an accepted agreement.
    pub async fn partners(&self, terms: Value) -> Partners {
        let [acme, globex] = self.desks(["acme", "globex"]).await;
        let agreement = self.agree(&acme, &globex, terms).await;
        Partners { acme, globex, agreement }
    }

    /// Shares a ticket; `changes` are changes of the ticket, which has a number, a subject, a
    /// status and a requester already.
    pub async fn share(
        &self,
        desk: &Desk,
        agreement: &AgreementId,
        changes: Value,
    ) -> (Receipt, ShareId) {
        self.share_with(desk, agreement, json!({ "ticket": changes })).await
    }

    /// Shares a ticket; `changes` are changes of the whole command.
    pub async fn share_with(
        &self,
        desk: &Desk,
        agreement: &AgreementId,
        changes: Value,
    ) -> (Receipt, ShareId) {
        let share = ShareId::new(self.id()).expect("an id");
        let ticket = json!({ "id": format!("t{}", self.number()), "subject": "Printer",
            "status": "open", "requester": end_user() });
        let command = json!({ "agreement_id": agreement, "share_id": share, "ticket": ticket,
            "actor": agent(), "occurred_at": clock() });
        (desk.ask("ticket.share.v1", &with(command, &changes)).await, share)
    }

    /// Shares the ticket `number`, waits until the partner has created it, and tells its number
    /// there: `<number>-copy`.
    pub async fn shared(
        &self,
        sender: &Desk,
        receiver: &Desk,
        agreement: &AgreementId,
        number: &str,
    ) -> ShareId {
        let (receipt, share) = self.share(sender, agreement, json!({ "id": number })).await;
        applied(&receipt);
        self.created(receiver, &share).await;
        applied(&self.bind(receiver, &share, &format!("{number}-copy")).await);
        share
    }

    /// Tells the number of a copy.
    pub async fn bind(&self, desk: &Desk, share: &ShareId, number: &str) -> Receipt {
        let receipt =
            desk.ask("ticket.bind.v1", &json!({ "share_id": share, "ticket_id": number })).await;
        desk.with_model(|model| model.number(share.as_str(), number));
        receipt
    }

    /// An agent's change of a ticket, named by number.
    pub async fn update(&self, desk: &Desk, number: &str, changes: Value) -> Receipt {
        self.change(desk, with(json!({ "ticket_id": number }), &changes)).await
    }

    /// An agent's change of a ticket, named by a share it is in.
    pub async fn update_share(&self, desk: &Desk, share: &ShareId, changes: Value) -> Receipt {
        self.change(desk, with(json!({ "share_id": share }), &changes)).await
    }

    /// Ends the share that a ticket went out by.
    pub async fn unshare(&self, desk: &Desk, share: &ShareId) -> Receipt {
        desk.ask("ticket.unshare.v1", &json!({ "share_id": share, "actor": agent() })).await
    }

    /// A comment with an id of its own.
    pub fn comment(&self, desk: &Desk, body: &str, public: bool) -> Value {
        json!({ "id": format!("{}/{}", desk.account, self.number()), "body": body,
            "public": public })
    }

    /// Waits for the ticket that a share asks a desk to create.
    pub async fn created(&self, desk: &Desk, share: &ShareId) -> TicketCreated {
        let (created, _) = desk
            .told(&format!("the ticket of share {share}"), |told| match told {
                DeliveryBody::TicketCreated(created) if created.share_id == *share => {
                    Some(TicketCreated::clone(created))
                }
                _ => None,
            })
            .await;
        created
    }

    /// Waits for an update over a share that `wanted` agrees to.
    pub async fn updated(
        &self,
        desk: &Desk,
        share: &ShareId,
        what: &str,
        wanted: impl Fn(&TicketUpdated) -> bool,
    ) -> TicketUpdated {
        let (updated, _) = desk
            .told(&format!("{what} over share {share}"), |told| match told {
                DeliveryBody::TicketUpdated(updated)
                    if updated.share_id == *share && wanted(updated) =>
                {
                    Some(TicketUpdated::clone(updated))
                }
                _ => None,
            })
            .await;
        updated
    }

    /// Waits for what a desk is told of an agreement by messages of one type, such as
    /// `agreement.invited.v1`.
    pub async fn agreement(
        &self,
        desk: &Desk,
        agreement: &AgreementId,
        name: &str,
    ) -> AgreementState {
        let (state, _) = desk
            .told(&format!("{name} of {agreement}"), |told| {
                agreement_in(told)
                    .filter(|state| told.name() == name && state.agreement_id == *agreement)
                    .cloned()
            })
            .await;
        state
    }

    /// Asks for the list of an account's agreements, page by page.
    pub async fn agreements(&self, desk: &Desk) -> Vec<AgreementState> {
        self.list(desk, "agreement.list.v1", |told| match told {
            DeliveryBody::AgreementState(state) => Some(AgreementState::clone(state)),
            _ => None,
        })
        .await
    }

    /// Asks for the list of an account's shares.
    pub async fn shares(&self, desk: &Desk) -> Vec<ShareState> {
        self.list(desk, "share.list.v1", |told| match told {
            DeliveryBody::ShareState(state) => Some(ShareState::clone(state)),
            _ => None,
        })
        .await
    }

    /// Everything that `listener` has been told when a private note comes that `teller` writes now,
    /// on a ticket both have a copy of: what is not there of the teller's earlier commands on that
    /// ticket is not to come. A private note crosses under any terms.
    pub async fn heard(
        &self,
        listener: &Desk,
        teller: &Desk,
        share: &ShareId,
    ) -> Vec<DeliveryBody> {
        let note = self.comment(teller, "Nothing else came before this.", false);
        let receipt = self.update_share(teller, share, json!({ "comments": [note] })).await;
        applied(&receipt);
        listener
            .told(&format!("the note {}", note["id"]), |told| match told {
                DeliveryBody::TicketUpdated(updated) => {
                    updated.comments.iter().any(|it| note["id"] == it.id.as_str()).then_some(())
                }
                _ => None,
            })
            .await;
        listener.deliveries().into_iter().map(|delivered| delivered.told).collect()
    }

    /// All mails to an address so far.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        let mails = self.with_stage(|stage| stage.mail.mails());
        mails
            .into_iter()
            .filter(|mail| mail.recipients.iter().any(|recipient| recipient == address))
            .collect()
    }

    /// Waits for a mail to an address whose text, as it was before it was encoded, has all of the
    /// words.
    pub async fn mail(&self, address: &str, words: &[&str]) -> Mail {
        until(&format!("a mail to {address} with {words:?}"), PATIENCE, async || {
            let mails = self.mails_to(address);
            let has_all =
                |mail: &&Mail| words.iter().all(|word| readable(&mail.raw).contains(word));
            mails.iter().find(has_all).cloned().ok_or_else(|| format!("{mails:?}"))
        })
        .await
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

    async fn change(&self, desk: &Desk, changes: Value) -> Receipt {
        desk.ask(
            "ticket.update.v1",
            &with(json!({ "actor": agent(), "occurred_at": clock() }), &changes),
        )
        .await
    }

    async fn list<T>(
        &self,
        desk: &Desk,
        command: &str,
        wanted: impl Fn(&DeliveryBody) -> Option<T>,
    ) -> Vec<T> {
        let before = desk.with_deliveries(<[_]>::len);
        applied(&desk.ask(command, &json!({ "limit": 200 })).await);
        desk.with_deliveries(|all| {
            all[before..].iter().filter_map(|delivered| wanted(&delivered.told)).collect()
        })
    }

    fn take_stage(&self) -> Option<Stage> {
        self.0.stage.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A mail's text with the line breaks taken out that its encoding put in.
fn readable(raw: &str) -> String {
    raw.replace("=\r\n", "")
}
