//! The database is restored to an earlier moment, and desks know more than it does.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Mutex;

use contracts::delivery::DeliveryBody;
use contracts::{AccountName, Epoch, Reason, Receipt, ReceiptOutcome, Timestamp, topology};
use futures_util::future::join;
use operator::recovery::{Progress, recover};
use serde_json::{Value, json};
use testkit::desk::{PATIENCE, clock};
use testkit::model::Ticket;
use testkit::{Desk, until};

use crate::account::admin;
use crate::site::Site;

const AGREEMENT: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";

/// A desk with what it asked for.
struct Side {
    desk: Desk,
    asked: Mutex<Vec<(String, String, Value)>>,
}

impl Side {
    async fn open(site: &mut Site, stem: &str) -> Self {
        let (account, password) = site.add(stem).await;
        let url = site.doors.url_of(account.as_str(), &password).unwrap();
        Self { desk: Desk::open(&url, account.as_str()), asked: Mutex::default() }
    }

    fn account(&self) -> &AccountName {
        &self.desk.account
    }

    async fn ask(&self, message_type: &str, content: Value) -> Receipt {
        let id = self.desk.next_id();
        self.asked.lock().unwrap().push((id.clone(), message_type.to_owned(), content.clone()));
        self.desk.with_model(|model| model.about_to_send(&id, message_type, &content));
        self.desk.send_json(&id, message_type, &content).await.unwrap();
        self.desk.receipt(&id).await
    }

    /// As a desk does that is told that the line may have forgotten: all of it again, in order.
    async fn asks_again(&self) {
        self.desk
            .told("the recovery", |told| {
                matches!(told, DeliveryBody::AccountRecovered(_)).then_some(())
            })
            .await;
        let asked = self.asked.lock().unwrap().clone();
        for (id, message_type, content) in &asked {
            self.desk.with_model(|model| model.about_to_send(id, message_type, content));
            self.desk.send_json(id, message_type, content).await.unwrap();
        }
    }

    /// Does it; the line did not refuse it.
    async fn does(&self, message_type: &str, content: Value) -> Receipt {
        let receipt = self.ask(message_type, content).await;
        assert_ne!(receipt.outcome, ReceiptOutcome::Rejected, "{receipt:?}");
        receipt
    }

    async fn shares(&self, share: &str, ticket: &str) {
        let content = json!({ "agreement_id": AGREEMENT, "share_id": share,
            "ticket": { "id": ticket, "subject": "Printer", "status": "new",
                "requester": { "id": "7", "name": "Ada", "role": "end_user" } },
            "actor": admin(), "occurred_at": clock() });
        self.does("ticket.share.v1", content).await;
    }

    async fn updates(&self, ticket: &str, change: Value) -> Receipt {
        let content = update(json!({ "ticket_id": ticket }), change);
        self.ask("ticket.update.v1", content).await
    }

    fn comment(&self, id: &str) -> Value {
        json!({ "comments": [{ "id": format!("{}/{id}", self.account()), "body": id,
            "public": true }] })
    }

    /// What the desk holds of the fields of a share's ticket, with their revisions.
    fn fields(&self, share: &str) -> BTreeMap<String, (Value, u64)> {
        self.desk.with_model(|model| {
            model.shared(share).map(|ticket| ticket.fields.clone()).unwrap_or_default()
        })
    }

    /// Waits until the desk holds these comments.
    async fn says(&self, share: &str, comments: &[&str]) {
        until(&format!("{comments:?} at {}", self.account()), PATIENCE, async || {
            let said = self.desk.with_model(|model| model.shared(share).map(Ticket::said));
            let said = said.unwrap_or_default().into_values().map(|(text, _)| text);
            let said: BTreeSet<String> = said.collect();
            let expected: BTreeSet<String> = comments.iter().map(|&it| it.to_owned()).collect();
            if said == expected { Ok(()) } else { Err(format!("{said:?}")) }
        })
        .await;
    }

    /// Waits until the desk holds this status, told in an epoch or a later one.
    async fn has(&self, share: &str, status: &str, since: Epoch) {
        until(&format!("{status} at {}", self.account()), PATIENCE, async || {
            let fields = self.fields(share);
            match fields.get("status") {
                Some((held, revision))
                    if held["value"] == *status && Epoch::of(*revision) >= since =>
                {
                    Ok(())
                }
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }

    /// Which version of the agreement it was told last.
    fn agreement_version(&self) -> u64 {
        self.desk.with_deliveries(|deliveries| {
            let versions = deliveries.iter().filter_map(|delivered| match &delivered.told {
                DeliveryBody::AgreementAccepted(state) | DeliveryBody::AgreementState(state) => {
                    Some(state.version)
                }
                _ => None,
            });
            versions.max().unwrap_or_default()
        })
    }
}

fn update(ticket: Value, change: Value) -> Value {
    let mut content = json!({ "actor": admin(), "occurred_at": clock() });
    for part in [ticket, change] {
        let Value::Object(members) = part else { panic!("{part}") };
        content.as_object_mut().unwrap().extend(members);
    }
    content
}

/// What both sides agreed on, and the shares: one that is kept, one that is forgotten.
struct Story {
    site: Site,
    acme: Side,
    globex: Side,
    moment: Timestamp,
}

const KEPT: &str = "1c7ae3d2-0000-4000-8000-000000000001";
const FORGOTTEN: &str = "1c7ae3d2-0000-4000-8000-000000000002";

/// What comes back as it was, or not at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lost {
    Database,
    /// And what lay in the broker's queues: the receiver was away.
    Both,
}

impl Story {
    /// Until the database is back as it was, and has forgotten a part of it.
    async fn forgotten(test: &str, lost: Lost) -> Self {
        let mut site = Site::open(test).await;
        let acme = Side::open(&mut site, "acme").await;
        let globex = Side::open(&mut site, "globex").await;
        agree(&acme, &globex).await;
        acme.shares(KEPT, "1").await;
        acme.updates("1", json!({ "status": "open" })).await;
        globex.has(KEPT, "open", Epoch::default()).await;
        site.stop().await;
        site.world.database.back_up().await.unwrap();
        let moment = clock();
        site.start().await;
        if lost == Lost::Both {
            globex.desk.sleep();
        }
        for status in ["pending", "open", "pending", "open", "pending"] {
            acme.updates("1", json!({ "status": status })).await;
        }
        let tags = json!({ "add": [{ "name": "night", "added_by": "user" }] });
        acme.updates("1", json!({ "tags": tags })).await;
        acme.updates("1", acme.comment("at acme")).await;
        acme.shares(FORGOTTEN, "2").await;
        if lost == Lost::Database {
            globex.has(KEPT, "pending", Epoch::default()).await;
            let content = update(json!({ "share_id": KEPT }), globex.comment("at globex"));
            globex.does("ticket.update.v1", content).await;
            acme.says(KEPT, &["at acme", "at globex"]).await;
        }
        site.stop().await;
        site.world.database.restore().await.unwrap();
        if lost == Lost::Both {
            empty_queue(&site, globex.account());
            globex.desk.wake();
        }
        site.start().await;
        Self { site, acme, globex, moment }
    }

    async fn recover(&self, epoch: Epoch) -> Progress {
        let (url, rate) = (&self.site.doors.operator_url, NonZeroU32::new(1_000).unwrap());
        recover(url, (epoch, self.moment), rate, |_| ()).await.unwrap()
    }
}

fn empty_queue(site: &Site, account: &AccountName) {
    let deployment = site.deployment();
    let queue = topology::desk_queue(account);
    deployment.broker().delete_queue(deployment.vhost(), &queue).unwrap();
    deployment.let_in(account, None).unwrap();
}

async fn agree(acme: &Side, globex: &Side) {
    let terms = json!({ "comments": "public_and_private", "tags": true, "custom_fields": false });
    let invite = json!({ "agreement_id": AGREEMENT, "receiver": { "address": globex.account() },
        "terms": terms, "actor": admin() });
    acme.does("agreement.invite.v1", invite).await;
    let accept = json!({ "agreement_id": AGREEMENT, "actor": admin() });
    globex.does("agreement.accept.v1", accept).await;
}

/// Desks that keep nothing of what they sent: they take what the line holds, and go on with it.
#[tokio::test(flavor = "multi_thread")]
async fn c4_after_a_restore_desks_take_what_is_held_and_go_on() {
    let Story { site, acme, globex, .. } = {
        let story = Story::forgotten("operator-recover", Lost::Database).await;
        let done = story.recover(Epoch::new(3).unwrap()).await;
        assert_eq!((done.accounts, done.shares), (2, 1));
        story
    };
    let epoch = Epoch::new(3).unwrap();
    for side in [&acme, &globex] {
        side.has(KEPT, "open", epoch).await;
        assert!(!side.fields(KEPT).contains_key("tag:night"), "forgotten, so it goes");
        assert_eq!(Epoch::of(side.agreement_version()), epoch);
    }
    let receipt = acme.updates("1", json!({ "status": "solved" })).await;
    assert_eq!(receipt.revision.map(Epoch::of), Some(epoch), "{receipt:?}");
    globex.has(KEPT, "solved", epoch).await;
    let refused = acme.updates("2", json!({ "status": "open" })).await;
    assert_eq!(refused.reason, Some(Reason::NotShared), "it is told by name: {refused:?}");
    let deactivate = json!({ "agreement_id": AGREEMENT, "actor": admin() });
    globex.does("agreement.deactivate.v1", deactivate).await;
    site.remove().await;
}

/// Desks that send again what they sent since: nothing that an agent did is lost.
#[tokio::test(flavor = "multi_thread")]
async fn c4_after_a_restore_desks_bring_back_what_was_forgotten() {
    let story = Story::forgotten("operator-recover-all", Lost::Database).await;
    let epoch = Epoch::new(1).unwrap();
    story.recover(epoch).await;
    let Story { site, acme, globex, .. } = story;
    join(acme.asks_again(), globex.asks_again()).await;
    for side in [&acme, &globex] {
        side.has(KEPT, "pending", epoch).await;
        until("the tag", PATIENCE, async || {
            let fields = side.fields(KEPT);
            let tag = fields.get("tag:night").ok_or_else(|| format!("{fields:?}"))?;
            if tag.0 == json!(true) { Ok(()) } else { Err(format!("{tag:?}")) }
        })
        .await;
    }
    // The line knows it all again: a third side would be told the same.
    let resync = acme.ask("ticket.resync.v1", json!({ "share_id": KEPT })).await;
    assert_eq!(resync.outcome, ReceiptOutcome::Applied, "{resync:?}");
    until("all that was said, at the line", PATIENCE, async || {
        let said = acme.desk.with_deliveries(|told| {
            let mut states = told.iter().filter_map(|one| match &one.told {
                DeliveryBody::TicketState(state) => Some(state.comments.len()),
                _ => None,
            });
            states.next_back()
        });
        if said == Some(2) {
            return Ok(());
        }
        acme.ask("ticket.resync.v1", json!({ "share_id": KEPT })).await;
        Err(format!("{said:?} comments"))
    })
    .await;
    let again = acme.updates("2", json!({ "status": "solved" })).await;
    assert_eq!(again.outcome, ReceiptOutcome::Applied, "its share is there again: {again:?}");
    globex.has(FORGOTTEN, "solved", epoch).await;
    site.remove().await;
}

/// A delivery that nobody has any more is told again too.
#[tokio::test(flavor = "multi_thread")]
async fn c4_after_both_are_lost_desks_hold_what_was_said() {
    let story = Story::forgotten("operator-recover-both", Lost::Both).await;
    let epoch = Epoch::new(1).unwrap();
    story.recover(epoch).await;
    let Story { site, acme, globex, .. } = story;
    join(acme.asks_again(), globex.asks_again()).await;
    globex.has(KEPT, "pending", epoch).await;
    globex.says(KEPT, &["at acme"]).await;
    globex.has(FORGOTTEN, "new", epoch).await;
    site.remove().await;
}
