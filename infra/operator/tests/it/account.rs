//! Accounts come, change their password, and go.

use contracts::address::Invitee;
use contracts::command::{
    AccountLower, AgreementAccept, AgreementInvite, SharedTicket, TicketShare, TicketUpdate,
};
use contracts::comment::Comment;
use contracts::delivery::DeliveryBody;
use contracts::fields::{SentFields, Status};
use contracts::ids::derive_id;
use contracts::terms::CommentTerms;
use contracts::topology::{AccountRights, Exchange, Service};
use contracts::{
    Actor, AgreementId, CommentId, Reason, ReceiptOutcome, Role, ShareId, Terms, TicketId,
};
use operator::account::{Attempt, AttemptOutcome, attempts};
use operator::{Error, secret};
use serde_json::json;
use testkit::desk::{PATIENCE, clock};
use testkit::{Desk, until};

use crate::site::Site;

/// How many updates flow while passwords change.
const UPDATES: usize = 120;

pub fn admin() -> Actor {
    Actor {
        id: "admin".to_owned(),
        name: "Admin".to_owned(),
        role: Role::Admin,
        email: None,
        phone: None,
    }
}

fn outcomes(tried: &[Attempt]) -> Vec<AttemptOutcome> {
    tried.iter().map(|attempt| attempt.outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_let_in_and_thrown_out() {
    let mut site = Site::open("operator-account").await;
    let (account, password) = site.add("acme").await;
    let url = site.doors.url_of(account.as_str(), &password).unwrap();

    // It reads and publishes what is its own.
    let desk = Desk::open(&url, account.as_str());
    let invite = AgreementInvite {
        agreement_id: AgreementId::new(derive_id("operator", &[account.as_str()]).to_string())
            .unwrap(),
        receiver: Invitee::Address { address: "nobody-here".to_owned() },
        name: None,
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true },
        actor: admin(),
    };
    assert_eq!(desk.command(&invite).await.outcome, ReceiptOutcome::Rejected, "it is answered");

    // Again: the same state. Its password stays, known or not.
    let again = site.add_with(&account, Some(&password)).await.unwrap();
    assert!(!again.let_in.made && again.let_in.repaired.is_empty(), "{again:?}");
    let blind = site.add_with(&account, None).await.unwrap();
    assert!(blind.refused.is_empty() && blind.let_in.repaired.is_empty(), "{blind:?}");
    assert_eq!(outcomes(&attempts(&url, &account).await.unwrap()), [AttemptOutcome::Refused; 4]);
    assert!(site.doors.list().unwrap().contains(&account));
    let standing = site.doors.show(&account).unwrap();
    assert!(standing.wrong.is_empty() && !standing.operates, "{standing:?}");
    assert!(standing.waiting.is_some(), "{standing:?}");
    let mut limits = standing.limits;
    limits.sort();
    assert_eq!(limits, [("max-channels".to_owned(), 100), ("max-connections".to_owned(), 20)]);

    // Thrown out: what is open is closed, nobody comes in, the queue waits.
    until("the broker tells of the desk's connection", PATIENCE, async || {
        let open = site.deployment().broker().connections(account.as_str()).unwrap().len();
        if open > 0 { Ok(()) } else { Err("none".to_owned()) }
    })
    .await;
    let revoked = site.doors.revoke(&account, false).unwrap();
    assert!(revoked.connections_closed >= 1 && !revoked.queue_deleted, "{revoked:?}");
    assert!(
        matches!(attempts(&url, &account).await, Err(Error::Amqp { .. })),
        "the password is good for nothing"
    );
    assert!(site.doors.show(&account).is_err());
    let queue = format!("desk.{account}");
    assert_eq!(
        site.deployment().broker().queue_depth(site.deployment().vhost(), &queue).unwrap(),
        Some(0)
    );
    drop(desk);

    // And in again; then out with the queue.
    let other = secret::new_password();
    let back = site.add_with(&account, Some(&other)).await.unwrap();
    assert!(back.let_in.made, "{back:?}");
    assert!(site.doors.revoke(&account, true).unwrap().queue_deleted);
    assert!(
        matches!(site.doors.revoke(&account, true), Err(Error::NoUser { .. })),
        "nothing is left to revoke"
    );
    site.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_were_far_too_high_are_lowered_again_and_again() {
    let mut site = Site::open("operator-lower").await;
    let (account, password) = site.add("acme").await;
    let desk =
        Desk::open(&site.doors.url_of(account.as_str(), &password).unwrap(), account.as_str());
    let titled = async |version: u64, title: &str| {
        let content = json!({ "version": version, "actor": admin(), "display_name": title });
        desk.ask("account.update.v1", &content).await
    };
    let lower = |attribute: &str| AccountLower {
        account: account.clone(),
        attributes: vec![attribute.to_owned()],
        version: 6,
    };
    // Each time it is a command of its own: the second is no repetition of the first.
    for title in ["First", "Second"] {
        assert_eq!(titled(9_000, "High").await.outcome, ReceiptOutcome::Applied);
        assert_eq!(titled(7, title).await.reason, Some(Reason::NewerChangeExists));
        let receipt = site.doors.lower(&lower("display_name")).await.unwrap();
        assert_eq!(receipt.outcome, ReceiptOutcome::Applied, "{receipt:?}");
        assert_eq!(titled(7, title).await.outcome, ReceiptOutcome::Applied);
    }

    let refused = site.doors.lower(&lower("no_such_setting")).await.unwrap();
    assert_eq!(refused.outcome, ReceiptOutcome::Rejected, "{refused:?}");
    let nobody = AccountLower { account: site.name("nobody"), ..lower("display_name") };
    let refused = site.doors.lower(&nobody).await.unwrap();
    assert_eq!(refused.reason, Some(Reason::UnknownAccount), "{refused:?}");
    site.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_too_wide_are_seen_and_taken_away() {
    let mut site = Site::open("operator-rights").await;
    let (account, password) = site.add("wide").await;
    let (user, vhost) = (account.as_str(), site.deployment().vhost().to_owned());
    let broker = site.deployment().broker().clone();
    let widen = || {
        broker.put_topic_permission(&vhost, user, Exchange::Share.name(), ".*", "^$").unwrap();
        broker.put_permissions(&vhost, user, "^trial", ".*", ".*").unwrap();
    };

    widen();
    let url = site.doors.url_of(user, &password).unwrap();
    assert_eq!(
        outcomes(&attempts(&url, &account).await.unwrap()),
        [AttemptOutcome::Allowed; 4],
        "the trial can tell"
    );
    assert_eq!(site.doors.show(&account).unwrap().wrong.len(), 2);
    let added = site.add_with(&account, Some(&password)).await.unwrap();
    assert_eq!(added.let_in.repaired.len(), 2, "{added:?}");
    assert!(
        added.let_in.repaired.iter().any(|it| it.contains("`.*` to publish with")),
        "{added:?}"
    );
    assert_eq!(outcomes(&added.refused), [AttemptOutcome::Refused; 4]);
    assert_eq!(site.deployment().rights(&account).unwrap(), AccountRights::own(&account));

    // Whoever is not refused something is out again.
    widen();
    let refused = site.doors.prove(&account, &password).await.unwrap_err().to_string();
    assert!(
        refused.contains("publishing to `share` with the key") && refused.contains("revoked again"),
        "{refused}"
    );
    assert!(broker.user(user).unwrap().is_none());
    site.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_change_while_updates_flow() {
    let mut site = Site::open("operator-rotate").await;
    let (sender, old) = site.add("acme").await;
    let (receiver, other) = site.add("globex").await;
    let open = |site: &Site, account: &contracts::AccountName, password: &str| {
        Desk::open(&site.doors.url_of(account.as_str(), password).unwrap(), account.as_str())
    };
    let (first, second) = (open(&site, &sender, &old), open(&site, &receiver, &other));
    let share = share(&first, &second).await;

    let mut wanted: Vec<String> = Vec::new();
    let send = async |desk: &Desk, wanted: &mut Vec<String>| {
        for _ in 0..UPDATES / 3 {
            let id = format!("{sender}/{}", wanted.len());
            desk.send_as(&format!("update-{}", wanted.len()), &comment(&share, &id)).await.unwrap();
            wanted.push(id);
        }
    };
    send(&first, &mut wanted).await;

    // The account's: what is open goes on, the next login needs the new one.
    let new = secret::new_password();
    assert_eq!(site.doors.rotate(sender.as_str(), &new, false).unwrap(), 0);
    send(&first, &mut wanted).await;
    let shut_out =
        attempts(&site.doors.url_of(sender.as_str(), &old).unwrap(), &sender).await.unwrap_err();
    assert!(matches!(shut_out, Error::Amqp { .. }), "{shut_out}");
    let renewed = open(&site, &sender, &new);

    // A service's: it goes on, and is restarted with the new address.
    let user = Service::CommentSync.user();
    let service_password = secret::new_password();
    assert_eq!(site.doors.rotate(&user, &service_password, false).unwrap(), 0);
    let url = site.doors.url_of(&user, &service_password).unwrap();
    site.restart_with(Service::CommentSync, &url).await;
    send(&renewed, &mut wanted).await;
    drop(first);

    let arrived = || {
        second.with_deliveries(|all| {
            let comments = all.iter().filter_map(|it| match &it.told {
                DeliveryBody::TicketUpdated(updated) => {
                    Some(updated.comments.iter().map(|comment| comment.id.to_string()))
                }
                _ => None,
            });
            comments.flatten().collect::<Vec<_>>()
        })
    };
    let all_arrived = async |wanted: usize| {
        until("all updates", PATIENCE, async || {
            let count = arrived().len();
            if count >= wanted { Ok(()) } else { Err(format!("{count} of {wanted}")) }
        })
        .await;
    };
    all_arrived(wanted.len()).await;
    // What would have come twice lies in the queues before these.
    send(&renewed, &mut wanted).await;
    all_arrived(wanted.len()).await;
    let mut arrived = arrived();
    arrived.sort();
    wanted.sort();
    assert_eq!(arrived, wanted, "nothing lost, nothing twice");

    // With `--close` whoever has the old password only is out.
    assert!(site.doors.rotate(receiver.as_str(), &secret::new_password(), true).unwrap() >= 1);
    assert_eq!(site.deployment().broker().connections(receiver.as_str()).unwrap().len(), 0);
    // The service's user belongs to the whole broker: other tests log in with the password it had.
    site.world.installation.install_topology().unwrap();
    site.remove().await;
}

async fn share(first: &Desk, second: &Desk) -> ShareId {
    let agreement_id =
        AgreementId::new(derive_id("operator", &[first.account.as_str()]).to_string()).unwrap();
    let invite = AgreementInvite {
        agreement_id: agreement_id.clone(),
        receiver: Invitee::Address { address: second.account.to_string() },
        name: None,
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true },
        actor: admin(),
    };
    assert_eq!(first.command(&invite).await.outcome, ReceiptOutcome::Applied);
    let accept = AgreementAccept { agreement_id: agreement_id.clone(), actor: admin() };
    assert_eq!(second.command(&accept).await.outcome, ReceiptOutcome::Applied);
    first
        .told("the acceptance", |told| {
            matches!(told, DeliveryBody::AgreementAccepted(_)).then_some(())
        })
        .await;
    let ticket = SharedTicket {
        id: TicketId::new("1").unwrap(),
        copy_of: None,
        subject: "Pump".to_owned(),
        status: Status::Open,
        custom_status: None,
        requested_at: None,
        requester: admin(),
        ccs: Vec::new(),
        tags: Vec::new(),
        custom_fields: SentFields::default(),
        comments: Vec::new(),
    };
    let share = TicketShare {
        agreement_id,
        share_id: None,
        ticket,
        actor: admin(),
        occurred_at: clock(),
        dry_run: false,
    };
    first.command(&share).await.share_id.unwrap()
}

fn comment(share: &ShareId, id: &str) -> TicketUpdate {
    let comment = Comment {
        id: CommentId::new(id).unwrap(),
        author: None,
        body: id.to_owned(),
        html_body: None,
        public: true,
        authored_at: None,
        attachments: Vec::new(),
        call: None,
    };
    TicketUpdate {
        ticket_id: None,
        share_id: Some(share.clone()),
        base_revision: None,
        actor: admin(),
        occurred_at: clock(),
        status: None,
        custom_status: None,
        tags: None,
        custom_fields: SentFields::default(),
        ccs: None,
        comments: vec![comment],
        dry_run: false,
    }
}
