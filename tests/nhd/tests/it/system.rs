//! The five services and the bridge as processes, with a desk of Deskmesh and partners on loopback.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use contracts::command::AccountRegister;
use contracts::delivery::{AgreementState, DeliveryBody};
use contracts::topology::Service;
use contracts::{AgreementId, Receipt, ReceiptOutcome, ShareId};
use local::edges::EdgeAccess;
use local::services::binaries_dir;
use local::{Certificates, Fleet, Instance, MailSink, TestEnvironment, edges, ports};
use nhd_partner::{Authority, Habits, Partner};
use operator::edge::Kept;
use serde_json::{Value, json};
use testkit::desk::{PATIENCE, clock};
use testkit::{Desk, until};
use tokio::task::spawn_blocking;

const BRIDGE: Service = Service::NhdBridge;
/// What the gateway shows the bridge.
const PAGES_SECRET: &str = "the pages' secret in this test alone";
/// How long the services may take to be ready.
const READY: Duration = Duration::from_mins(3);
/// How long a partner may take before the bridge gives a call up for this time.
pub const CALL_TIMEOUT: Duration = Duration::from_millis(1500);

/// The whole of it.
pub struct System {
    world: TestEnvironment,
    services: Vec<Instance>,
    bridge: Option<Instance>,
    gateway: Option<EdgeAccess>,
    operator: Desk,
    authority: Authority,
    /// The certificate of whoever signed what the bridge shows.
    trusted: PathBuf,
    url: String,
    /// Kept until the end: it takes the services' mails.
    _mail: MailSink,
}

impl System {
    pub async fn open(test: &str) -> Self {
        Self::set(test, false).await
    }

    /// The same, with the pages of the gateway.
    pub async fn with_gateway(test: &str) -> Self {
        Self::set(test, true).await
    }

    async fn set(test: &str, has_pages: bool) -> Self {
        let world = TestEnvironment::new(test).await;
        let dir = local::test_environment::target().join("nhd").join(world.name());
        fs::create_dir_all(&dir).expect("a folder");
        let mail = MailSink::start_in("127.0.0.1:0", &dir.join("mails")).await.expect("a sink");
        let authority = Authority::new().expect("an authority");
        let tls = dir.join("tls");
        fs::create_dir_all(&tls).expect("a folder");
        let certificates = Certificates::open(&tls).expect("certificates");
        let trusted = certificates.authority.clone();
        let fleet = Fleet::new(&dir, &world.installation, &world.database, &mail.url());
        let (fleet, url) = with_bridge(fleet.expect("a fleet"), &dir, &authority, &certificates);
        let passwords = world.installation.passwords();
        let (fleet, access) = edges::with_gateway(fleet, passwords, None).expect("free ports");
        let installation = world.installation.clone();
        let start = spawn_blocking({
            let fleet = fleet.clone();
            move || {
                installation.edge(BRIDGE)?;
                fleet.migrate_all()?;
                fleet.migrate(BRIDGE)?;
                let services = fleet.start_all_ready(READY)?;
                let mut bridge = fleet.start(BRIDGE, 1)?;
                bridge.wait_ready(READY)?;
                let mut services = services;
                if has_pages {
                    installation.edge(Service::Gateway)?;
                    fleet.migrate(Service::Gateway)?;
                    let mut gateway = fleet.start(Service::Gateway, 1)?;
                    gateway.wait_ready(READY)?;
                    services.push(gateway);
                }
                Ok::<_, local::Error>((services, bridge))
            }
        });
        let (services, bridge) = start.await.expect("the task ends").expect("they start");
        let operator = world.installation.operator_url().expect("an address");
        let bridge_account = AccountRegister { third_parties: true, ..edges::registration(BRIDGE) };
        local::register(&operator, &bridge_account, READY).await.expect("it is taken");
        if has_pages {
            let gateway = edges::registration(Service::Gateway);
            local::register(&operator, &gateway, READY).await.expect("it is taken");
        }
        let operator = Desk::open(&operator, "operator");
        Self {
            world,
            services,
            bridge: Some(bridge),
            gateway: has_pages.then_some(access),
            operator,
            authority,
            trusted,
            url,
            _mail: mail,
        }
    }

    /// A partner whose server the bridge trusts, and who trusts the bridge.
    pub async fn partner(&self, name: &str, habits: Habits) -> Partner {
        self.partner_until(name, habits, 2090).await
    }

    /// One whose certificate is good until this year.
    pub async fn partner_until(&self, name: &str, habits: Habits, year: i32) -> Partner {
        let trusted = fs::read_to_string(&self.trusted).expect("a certificate");
        Partner::with_tls(name, habits, &self.authority, &trusted, year).await.expect("a partner")
    }

    /// Whom to trust who calls the bridge, in a file.
    pub fn authority_of_bridge(&self) -> &Path {
        &self.trusted
    }

    /// The sharing URL of an account.
    pub fn sharing_url(&self, desk: &Desk) -> String {
        format!("{}/sharing/{}", self.url, desk.account)
    }

    /// An account that the gateway keeps, and what the gateway is reached by.
    pub async fn account(&self, address: &str) -> (Kept, String) {
        let access = self.gateway.clone().expect("there is a gateway");
        let (installation, address) = (self.world.installation.clone(), address.to_owned());
        let url = access.url.clone();
        let added = spawn_blocking(move || {
            let api = access.operator(Service::Gateway, installation.passwords());
            edges::add_account(&installation, &api, &address, None)
        });
        (added.await.expect("the task ends").expect("it is added"), url)
    }

    /// What `deskmesh-operator trace` tells of a thing.
    pub fn traced(&self, what: &str) -> String {
        let instances = self.services.iter().chain(&self.bridge);
        let address = |one: &Instance| format!("{}=http://{}", one.service().name(), one.http());
        let addresses: Vec<String> = instances.map(address).collect();
        let program = binaries_dir().expect("the binaries are built").join("deskmesh-operator");
        let mut command = Command::new(program);
        command.args(["trace", what]).env("DESKMESH_SERVICES", addresses.join(","));
        let told = command.output().expect("it runs").stdout;
        String::from_utf8(told).expect("a text")
    }

    /// The bridge goes away.
    pub async fn end_bridge(&mut self) {
        let mut bridge = self.bridge.take().expect("it runs");
        bridge.signal_end();
        let ended = spawn_blocking(move || bridge.wait_exit(Duration::from_mins(1)));
        ended.await.expect("the task ends").expect("it ends");
    }

    /// A desk of Deskmesh with a drop-down and a date on its form.
    pub async fn desk(&self, account: &str) -> Desk {
        let (installation, name) = (self.world.installation.clone(), account.to_owned());
        let access = spawn_blocking(move || installation.account(&name, None));
        let url = access.await.expect("the task ends").expect("it is let in").amqp_url;
        let register = json!({ "account": account, "display_name": account, "kind": "connected",
            "admins": [{ "name": "Admin", "email": format!("admin@{account}.example") }] });
        taken(&self.operator.ask("account.register.v1", &register).await);
        let desk = Desk::open(&url, account);
        let fields = json!([
            { "key": "model", "title": "Meter model", "type": "text" },
            { "key": "visit", "title": "Visit date", "type": "date" },
        ]);
        let update = json!({ "version": 1, "actor": admin(), "ticket_fields": fields,
            "default_form": ["model", "visit"] });
        taken(&desk.ask("account.update.v1", &update).await);
        desk
    }

    pub async fn close(self) {
        let Self { world, mut services, bridge, .. } = self;
        let ended = spawn_blocking(move || {
            services.extend(bridge);
            services.iter().for_each(Instance::signal_end);
            for instance in &mut services {
                let status = instance.wait_exit(Duration::from_mins(1)).expect("it ends");
                assert!(status.success(), "{} ended with {status}", instance.service().name());
            }
        });
        ended.await.expect("they end by themselves");
        world.remove().await;
    }
}

/// Gives a fleet what its bridge needs: it trusts the partners, and does not wait long. What the
/// bridge is reached by, too.
fn with_bridge(
    fleet: Fleet,
    dir: &Path,
    authority: &Authority,
    certificates: &Certificates,
) -> (Fleet, String) {
    let trusted = dir.join("partners.pem");
    // A real partner's certificate, of whoever runs one by hand.
    let other = std::env::var_os("NHD_PARTNER_CA").map(fs::read_to_string);
    let other = other.transpose().expect("a certificate").unwrap_or_default();
    fs::write(&trusted, authority.pem() + &other).expect("a file");
    let [sharing, pages] = ports::free().expect("free ports");
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string();
    let url = format!("https://localhost:{sharing}");
    let path = |file: &Path| file.to_string_lossy().into_owned();
    let settings = [
        ("SHARING__LISTEN", at(sharing)),
        ("SHARING__PUBLIC_URL", url.clone()),
        ("SHARING__CERTIFICATE_FILE", path(&certificates.certificate)),
        ("SHARING__KEY_FILE", path(&certificates.key)),
        ("PAGES__LISTEN", at(pages)),
        ("KEYS__SECRET", "a secret of this test alone, long enough".to_owned()),
        ("PAGES__SECRET", PAGES_SECRET.to_owned()),
        ("EGRESS__ALLOW", r#"["127.0.0.0/8", "::1/128"]"#.to_owned()),
        ("EGRESS__PORTS", r#"["1-65535"]"#.to_owned()),
        ("EGRESS__CA_FILE", path(&trusted)),
        ("CALLS__FIRST_RETRY_MS", "2".to_owned()),
        ("CALLS__TIMEOUT_MS", CALL_TIMEOUT.as_millis().to_string()),
        ("LIMITS__INVITES_OF_SOURCE", "10000".to_owned()),
    ];
    let fleet = settings.iter().fold(fleet, |fleet, (name, value)| {
        fleet.with_variable_of(BRIDGE, &format!("DESKMESH__{name}"), value)
    });
    let fleet = fleet
        .with_variable_of(
            Service::Gateway,
            "DESKMESH__BRIDGE__URL",
            &format!("http://{}", at(pages)),
        )
        .with_variable_of(Service::Gateway, "DESKMESH__BRIDGE__SECRET", PAGES_SECRET);
    (fleet, url)
}

pub fn admin() -> Value {
    json!({ "id": "1", "name": "Ada", "role": "admin" })
}

pub fn agent() -> Value {
    json!({ "id": "7", "name": "Sam", "role": "agent" })
}

/// The command was done, all of it or all but what its decisions say.
#[track_caller]
pub fn taken(receipt: &Receipt) {
    let is_done = matches!(receipt.outcome, ReceiptOutcome::Applied | ReceiptOutcome::Partial);
    assert!(is_done, "{receipt:?}");
}

/// Everything may cross.
pub fn everything() -> Value {
    json!({ "comments": "public_and_private", "tags": true, "custom_fields": true })
}

/// Invites a third-party system by its sharing URL.
pub async fn invite(desk: &Desk, sharing_url: &str) -> AgreementId {
    let agreement = AgreementId::new(id(desk, "agreement")).expect("an id");
    let invite = json!({ "agreement_id": agreement, "receiver": { "sharing_url": sharing_url },
        "name": "Field work", "terms": everything(), "actor": admin() });
    taken(&desk.ask("agreement.invite.v1", &invite).await);
    agreement
}

/// An administrator's word: `accept`, `decline` or `deactivate`.
pub async fn decide(desk: &Desk, verb: &str, agreement: &AgreementId) -> Receipt {
    let said = json!({ "agreement_id": agreement, "actor": admin() });
    desk.ask(&format!("agreement.{verb}.v1"), &said).await
}

/// Waits for what a desk is told of an agreement by messages of one type, such as
/// `agreement.invited.v1`, that `wanted` agrees to.
pub async fn agreement(
    desk: &Desk,
    name: &str,
    wanted: impl Fn(&AgreementState) -> bool,
) -> AgreementState {
    let told = desk.told(name, |told| match told {
        DeliveryBody::AgreementInvited(state)
        | DeliveryBody::AgreementAccepted(state)
        | DeliveryBody::AgreementDeclined(state)
        | DeliveryBody::AgreementDeactivated(state)
            if told.name() == name && wanted(state) =>
        {
            Some(AgreementState::clone(state))
        }
        _ => None,
    });
    told.await.0
}

/// Waits for the ticket of this subject that the desk is asked to create, and numbers it.
pub async fn created(desk: &Desk, subject: &str, number: &str) -> ShareId {
    let told = desk.told(subject, |told| match told {
        DeliveryBody::TicketCreated(created) if created.subject == subject => {
            Some(created.share_id.clone())
        }
        _ => None,
    });
    let share = told.await.0;
    let bind = json!({ "share_id": share, "ticket_id": number });
    taken(&desk.ask("ticket.bind.v1", &bind).await);
    desk.with_model(|model| model.number(share.as_str(), number));
    share
}

/// Shares a ticket of the desk's own.
pub async fn share(desk: &Desk, agreement: &AgreementId, ticket: Value) -> ShareId {
    let share = ShareId::new(id(desk, "share")).expect("an id");
    let said = json!({ "agreement_id": agreement, "share_id": share, "ticket": ticket,
        "actor": agent(), "occurred_at": clock() });
    taken(&desk.ask("ticket.share.v1", &said).await);
    share
}

/// An agent's change.
pub async fn update(desk: &Desk, number: &str, changes: Value) -> Receipt {
    let mut said = json!({ "ticket_id": number, "actor": agent(), "occurred_at": clock() });
    for (name, value) in changes.as_object().into_iter().flatten() {
        said[name] = value.clone();
    }
    desk.ask("ticket.update.v1", &said).await
}

/// A comment with an id of its own.
pub fn comment(desk: &Desk, body: &str, public: bool) -> Value {
    json!({ "id": id(desk, "comment"), "body": body, "public": public })
}

/// Text and visibility of all comments that the desk holds of a ticket, in the order of the texts.
pub fn said(desk: &Desk, number: &str) -> Vec<(String, bool)> {
    let mut said: Vec<(String, bool)> = desk.with_model(|model| {
        model.ticket(number).map(|ticket| ticket.said().into_values().collect()).unwrap_or_default()
    });
    said.sort();
    said
}

/// Status, present tags and set fields that the desk holds.
pub fn seen(desk: &Desk, number: &str) -> Value {
    json!(desk.with_model(|model| model.ticket(number).map(testkit::model::Ticket::seen)))
}

/// Waits until a partner's ticket is as `wanted` says; `holds` tells what it is.
pub async fn partner_holds(
    partner: &Partner,
    ticket: &str,
    what: &str,
    wanted: impl Fn(&nhd_partner::held::PartnerTicket) -> bool,
) {
    until(what, PATIENCE, async || {
        partner.desk(|desk| match desk.tickets.get(ticket) {
            Some(held) if wanted(held) => Ok(()),
            held => Err(format!("{held:#?}; told: {:#?}", desk.books.told.last())),
        })
    })
    .await;
}

/// An id that nothing has: of the desk's own counter.
fn id(desk: &Desk, kind: &str) -> String {
    nhd_partner::dialect::ids::id(desk.account.as_str(), kind, &desk.next_id())
}
