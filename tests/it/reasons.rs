//! Each reason code, through the five services, from a command as any third party may send it.

mod ground;

use contracts::Reason::*;
use contracts::ReceiptOutcome;
use local::TestEnvironment;
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use ground::{
    FourDesks, admin, agent, all, applied, comment, id, item, refused, share, terms, update,
};

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_code_is_what_a_third_party_gets() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let world = TestEnvironment::new("reasons").await;
    let context = FourDesks::open(&world).await;
    envelope(&context).await;
    accounts(&context).await;
    agreements(&context).await;
    sharing(&context).await;
    comments(&context).await;
    fields(&context).await;
    invites_without_end(&context).await;
    context.stage.clear().await.expect("the services end");
    world.remove().await;
}

async fn envelope(context: &FourDesks) {
    let desk = &context.acme;
    refused(&desk.ask("ticket.dance.v1", &json!({})).await, UnknownType);
    refused(&desk.ask("ticket.update.v1", &json!({ "ticket_id": "1" })).await, Malformed);
    refused(
        &desk.ask("ticket.update.v1", &update("1", &json!({ "pad": "x".repeat(600_000) }))).await,
        TooLarge,
    );
    let many: Vec<Value> =
        (0..201).map(|number| comment(&format!("acme/{number}"), true)).collect();
    refused(
        &desk.ask("ticket.update.v1", &update("1", &json!({ "comments": many }))).await,
        LimitExceeded,
    );
    let same = [&b"{\"a\":1}"[..], &b"{\"a\":2}"[..]];
    for body in same {
        desk.publish("acme.ticket.dance", "ticket.dance.v1", "same", body, |properties| properties)
            .await
            .expect("it is taken");
    }
    let (receipt, _) = desk
        .told("the refusal of the second", |told| match told {
            contracts::delivery::DeliveryBody::Receipt(receipt)
                if receipt.reason == Some(MessageIdReused) =>
            {
                Some(receipt.clone())
            }
            _ => None,
        })
        .await;
    refused(&receipt, MessageIdReused);
}

async fn accounts(context: &FourDesks) {
    let register = |name: &str, url: &str| {
        json!({ "account": name, "display_name": "X", "kind": "connected",
            "sharing_url": url, "admins": [] })
    };
    let operator = &context.operator;
    refused(
        &operator.ask("account.register.v1", &register("acme", "https://new.example")).await,
        AccountExists,
    );
    refused(
        &operator.ask("account.register.v1", &register("field-sync", "https://new.example")).await,
        InvalidName,
    );
    refused(
        &operator.ask("account.register.v1", &register("Not A Name", "https://new.example")).await,
        InvalidName,
    );
    refused(
        &operator
            .ask("account.register.v1", &register("umbrella", "https://globex.example/sharing"))
            .await,
        NameTaken,
    );
    let settings =
        |version: u32, actor: Value| json!({ "version": version, "actor": actor, "locale": "en" });
    refused(&context.acme.ask("account.update.v1", &settings(1, agent())).await, NotAnAdmin);
    applied(&context.acme.ask("account.update.v1", &settings(5, admin())).await);
    again(
        &context.acme,
        "account.update.v1",
        &json!({ "version": 5, "actor": admin(),
            "link_template": "https://acme.example/{ticket_id}" }),
    )
    .await;
    let older = context
        .acme
        .ask("account.update.v1", &json!({ "version": 4, "actor": admin(), "locale": "it" }))
        .await;
    assert_eq!((older.outcome, older.reason), (ReceiptOutcome::Ignored, Some(NewerChangeExists)));
}

/// A command that is sent again gets the same receipt again, all along the line.
async fn again(desk: &Desk, message_type: &str, content: &Value) {
    let id = desk.next_id();
    let stem = message_type.rsplit_once(".v").map_or(message_type, |(stem, _)| stem);
    let (key, body) = (format!("{}.{stem}", desk.account), content.to_string());
    for times in 0..3 {
        desk.publish(&key, message_type, &id, body.as_bytes(), |properties| properties)
            .await
            .expect("the broker takes it");
        desk.receipt(&id).await;
        until("the same receipt again", PATIENCE, async || {
            match desk.repeated_and_unreadable().0 {
                repeated if repeated >= times => Ok(()),
                repeated => Err(format!("{repeated} came again, not {times}")),
            }
        })
        .await;
    }
}

/// An account makes 200 a day.
async fn invites_without_end(context: &FourDesks) {
    let desk = &context.bridge;
    let invite = |number: u32| {
        json!({ "agreement_id": id(10_000 + number), "receiver": { "address": "acme" },
            "terms": all(), "actor": admin() })
    };
    for number in 0..200 {
        let (key, body) = ("bridge.agreement.invite", invite(number).to_string());
        let name = format!("invite-{number}");
        desk.publish(key, "agreement.invite.v1", &name, body.as_bytes(), |properties| properties)
            .await
            .expect("the broker takes it");
    }
    applied(&desk.receipt("invite-199").await);
    refused(&desk.ask("agreement.invite.v1", &invite(200)).await, QuotaExceeded);
}

async fn agreements(context: &FourDesks) {
    let FourDesks { acme, globex, initech, .. } = context;
    let on = |number: u32, actor: Value| json!({ "agreement_id": id(number), "actor": actor });
    let nobody = json!({ "agreement_id": id(90), "receiver": { "address": "nobody" },
        "terms": all(), "actor": admin() });
    let by_agent = json!({ "agreement_id": id(91), "receiver": { "address": "globex" },
        "terms": all(), "actor": agent() });
    let no_such = on(99, admin());
    let (unknown_account, unknown_agreement) = tokio::join!(
        acme.ask("agreement.invite.v1", &nobody),
        globex.ask("agreement.accept.v1", &no_such)
    );
    refused(&unknown_account, UnknownAccount);
    refused(&unknown_agreement, UnknownAgreement);
    refused(&acme.ask("agreement.invite.v1", &by_agent).await, NotAnAdmin);
    refused(&context.invite(acme, acme, 92, all()).await, InviteToSelf);
    applied(&context.invite(acme, globex, 1, all()).await);
    refused(&context.invite(acme, globex, 1, all()).await, IdTaken);
    refused(&acme.ask("agreement.accept.v1", &on(1, admin())).await, NotTheReceiver);
    refused(&acme.ask("ticket.share.v1", &share(1, "early", 900)).await, AgreementNotAccepted);
    let foreign = initech.ask("agreement.deactivate.v1", &on(1, admin())).await;
    refused(&foreign, UnknownAgreement);
    applied(&globex.ask("agreement.accept.v1", &on(1, admin())).await);
    refused(&globex.ask("agreement.accept.v1", &on(1, admin())).await, AlreadyDecided);
    refused(&globex.ask("ticket.share.v1", &share(1, "7", 901)).await, NotTheSender);
    applied(
        &initech
            .ask(
                "account.update.v1",
                &json!({ "version": 1, "actor": admin(), "decline_invites": true }),
            )
            .await,
    );
    applied(&context.invite(acme, initech, 2, all()).await);
    let (declined, _) = acme
        .told("the decline", |told| match told {
            contracts::delivery::DeliveryBody::AgreementDeclined(state) => Some(state.clone()),
            _ => None,
        })
        .await;
    assert_eq!(declined.reason, Some(InvitesDeclined));
    applied(
        &initech
            .ask(
                "account.update.v1",
                &json!({ "version": 2, "actor": admin(), "decline_invites": false }),
            )
            .await,
    );
    context.agree(acme, globex, 3, all()).await;
    applied(&acme.ask("agreement.deactivate.v1", &on(3, admin())).await);
    refused(&acme.ask("ticket.share.v1", &share(3, "late", 902)).await, AgreementInactive);
}

async fn sharing(context: &FourDesks) {
    let FourDesks { acme, globex, initech, .. } = context;
    context.agree(globex, initech, 10, all()).await;
    context.agree(initech, acme, 11, all()).await;
    let mut closed = share(1, "closed", 903);
    closed["ticket"]["status"] = json!("closed");
    refused(&acme.ask("ticket.share.v1", &closed).await, TicketClosed);
    let mut first = share(1, "1", 100);
    first["ticket"]["ccs"] = json!([{ "name": "C", "email": "c@acme.example" }]);
    first["ticket"]["requester"]["email"] = json!("r@acme.example");
    let receipt = acme.ask("ticket.share.v1", &first).await;
    item(&receipt, "ccs", CcsStay);
    item(&receipt, "requester", AddressStays);
    refused(&acme.ask("ticket.share.v1", &share(1, "1", 101)).await, AlreadyShared);
    refused(&acme.ask("ticket.share.v1", &share(1, "2", 100)).await, IdTaken);
    let bind = |share: u32, ticket: &str| json!({ "share_id": id(share), "ticket_id": ticket });
    refused(&acme.ask("ticket.bind.v1", &bind(100, "1")).await, NotTheReceiver);
    applied(&globex.ask("ticket.bind.v1", &bind(100, "g1")).await);
    assert_eq!(globex.ask("ticket.bind.v1", &bind(100, "g1")).await.reason, Some(Unchanged));
    refused(&globex.ask("ticket.bind.v1", &bind(100, "g2")).await, AlreadyBound);
    let unshare = |ticket: &str| json!({ "ticket_id": ticket, "actor": agent() });
    refused(&globex.ask("ticket.unshare.v1", &unshare("g1")).await, ReceiverCannotUnshare);
    let mut onward = share(10, "g1", 110);
    onward["ticket"]["copy_of"] = json!(id(100));
    applied(&globex.ask("ticket.share.v1", &onward).await);
    let mut back = share(11, "i1", 111);
    back["ticket"]["copy_of"] = json!(id(110));
    refused(&initech.ask("ticket.share.v1", &back).await, WouldLoop);
    let (solved, not_theirs) = (
        update("nowhere", &json!({ "status": "solved" })),
        json!({ "share_id": id(100), "actor": agent() }),
    );
    let (nowhere, foreign) = tokio::join!(
        acme.ask("ticket.update.v1", &solved),
        context.bridge.ask("ticket.unshare.v1", &not_theirs)
    );
    refused(&nowhere, NotShared);
    refused(&foreign, NotShared);
}

async fn comments(context: &FourDesks) {
    let FourDesks { acme, globex, .. } = context;
    let say = |ticket: &str, comments: Value| update(ticket, &json!({ "comments": comments }));
    let call = json!({ "recording_url": "https://acme.example/r", "transcript": "Hello." });
    let voicemail = json!({ "id": "acme/call", "body": "Voicemail", "call": call });
    item(
        &acme.ask("ticket.update.v1", &say("1", json!([voicemail]))).await,
        "recording:acme/call",
        RecordingStays,
    );
    item(
        &globex.ask("ticket.update.v1", &say("g1", json!([comment("acme/new", true)]))).await,
        "comment:acme/new",
        IdTaken,
    );
    let file = json!({ "id": "f0", "filename": "log.txt", "url": "http://acme.example/f0" });
    let linked = json!({ "id": "acme/link", "body": "See file", "attachments": [file] });
    item(&acme.ask("ticket.update.v1", &say("1", json!([linked]))).await, "attachment:f0", BadLink);
    let misspelt = json!({ "id": "acme/note", "body": "For us", "is_public": false });
    item(
        &acme.ask("ticket.update.v1", &say("1", json!([misspelt]))).await,
        "comment:acme/note",
        UnknownMembers,
    );
    let same = json!({ "id": "acme/call", "body": "Voicemail", "public": true });
    let again = acme.ask("ticket.update.v1", &say("1", json!([same]))).await;
    assert_eq!((again.outcome, again.reason), (ReceiptOutcome::Ignored, Some(Unchanged)));
    item(
        &acme.ask("ticket.update.v1", &say("1", json!([comment("acme/call", true)]))).await,
        "comment:acme/call",
        CommentDiffers,
    );
    applied(
        &acme
            .ask(
                "account.update.v1",
                &json!({ "version": 6, "actor": admin(), "secure_downloads": true }),
            )
            .await,
    );
    let attachment = json!({ "id": "f1", "filename": "log.txt", "url": "https://acme.example/f1" });
    let with_file = json!({ "id": "acme/file", "body": "See file", "attachments": [attachment] });
    item(
        &acme.ask("ticket.update.v1", &say("1", json!([with_file]))).await,
        "attachment:f1",
        SecureDownloads,
    );
    context.agree(acme, globex, 20, terms("private_only", false, false)).await;
    let mut quiet = share(20, "quiet", 120);
    quiet["ticket"]["status"] = json!("pending");
    quiet["ticket"]["tags"] = json!([{ "name": "vip", "added_by": "user" }]);
    quiet["ticket"]["custom_fields"] = json!({ "order": "1" });
    let fields = json!([{ "key": "order", "title": "Order", "type": "text" }]);
    applied(
        &acme
            .ask(
                "account.update.v1",
                &json!({ "version": 7, "actor": admin(), "ticket_fields": fields }),
            )
            .await,
    );
    let receipt = acme.ask("ticket.share.v1", &quiet).await;
    item(&receipt, "status", StatusNotSynced);
    item(&receipt, "tag:vip", TagsNotSynced);
    item(&receipt, "custom_field:order", CustomFieldsNotSynced);
    applied(
        &globex.ask("ticket.bind.v1", &json!({ "share_id": id(120), "ticket_id": "gq" })).await,
    );
    let public =
        globex.ask("ticket.update.v1", &say("gq", json!([comment("globex/1", true)]))).await;
    item(&public, "comment:globex/1", PublicCommentsNotAllowed);
}

fn options(key: &str, title: &str, options: &Value) -> Value {
    json!({ "key": key, "title": title, "type": "tagger", "options": options })
}

fn set(version: u32, fields: &Value) -> Value {
    json!({ "version": version, "actor": admin(), "ticket_fields": fields })
}

async fn fields(context: &FourDesks) {
    let FourDesks { acme, globex, bridge, .. } = context;
    let field =
        |key: &str, title: &str, kind: &str| json!({ "key": key, "title": title, "type": kind });
    let ours = json!([
        field("same", "Same", "text"),
        field("twice", "Twice", "text"),
        field("kind", "Kind", "checkbox"),
        field("off", "Off form", "text"),
        field("own", "Only here", "text"),
        field("day", "Day", "date"),
        options("level", "Level", &json!([{ "name": "High", "tag": "high" }])),
    ]);
    let theirs = json!([
        field("t_same", "SAME ", "text"),
        field("t1", "Twice", "text"),
        field("t2", "twice", "text"),
        field("t_kind", "Kind", "date"),
        field("t_off", "Off form", "text"),
        field("t_day", "Day", "date"),
        options("t_level", "Level", &json!([{ "name": "high", "tag": "hi" }])),
    ]);
    let statuses = json!({ "enabled": true,
        "statuses": [{ "key": "wait", "name": "Waiting", "category": "hold", "default": true }] });
    let mut with_statuses = set(10, &ours);
    with_statuses["custom_statuses"] = statuses;
    applied(&acme.ask("account.update.v1", &with_statuses).await);
    let mut on_form = set(10, &theirs);
    on_form["default_form"] = json!(["t_same", "t1", "t2", "t_kind", "t_day", "t_level"]);
    applied(&globex.ask("account.update.v1", &on_form).await);
    let change = |content: Value| update("1", &content);
    let receipt = acme
        .ask(
            "ticket.update.v1",
            &change(json!({ "custom_fields": {
        "same": "x", "twice": "x", "kind": true, "off": "x", "own": "x", "day": "yesterday",
        "level": "high", "nothing": "x", "subject": "x",
    }, "tags": { "add": [{ "name": "auto", "added_by": "rule" }] } })),
        )
        .await;
    assert_eq!(receipt.outcome, ReceiptOutcome::Partial);
    for (key, reason) in [
        ("twice", TitleNotUnique),
        ("kind", TypeMismatch),
        ("off", NotOnDefaultForm),
        ("own", NoSuchField),
        ("day", BadValue),
        ("level", OptionTagsDiffer),
        ("nothing", NoSuchField),
        ("subject", SystemField),
    ] {
        item(&receipt, &format!("custom_field:{key}"), reason);
    }
    item(&receipt, "tag:auto", AddedByRule);
    let crossed = receipt
        .decisions
        .iter()
        .find(|decision| decision.item.to_string() == "custom_field:same")
        .expect("a decision");
    assert_eq!(
        crossed.outcome,
        contracts::ItemOutcome::Transferred,
        "one bad field never holds back the others"
    );
    applied(&acme.ask("ticket.update.v1", &change(json!({ "status": "pending" }))).await);
    let at = |time: &str, mut change: Value| {
        change["occurred_at"] = json!(time);
        change
    };
    let hold = at("2026-03-01T10:30:00Z", change(json!({ "status": "hold" })));
    item(&acme.ask("ticket.update.v1", &hold).await, "status", OnHoldMapsToOpen);
    item(
        &acme.ask("ticket.update.v1", &change(json!({ "custom_status": "none" }))).await,
        "status",
        NoSuchStatus,
    );
    let older = at("2026-03-01T09:30:00Z", change(json!({ "status": "solved" })));
    item(&acme.ask("ticket.update.v1", &older).await, "status", NewerChangeExists);
    let pending = json!({ "enabled": true, "statuses": [
        { "key": "wait", "name": "Waiting", "category": "hold", "default": true },
            { "key": "parts", "name": "Parts", "category": "pending" },
    ] });
    applied(
        &acme
            .ask(
                "account.update.v1",
                &json!({ "version": 11, "actor": admin(), "custom_statuses": pending }),
            )
            .await,
    );
    let parts = at("2026-03-01T11:00:00Z", change(json!({ "custom_status": "parts" })));
    item(&acme.ask("ticket.update.v1", &parts).await, "status", CategoryMapped);
    context.agree(acme, bridge, 30, all()).await;
    let mut bridged = share(30, "b", 130);
    bridged["ticket"]["custom_fields"] = json!({ "same": "x" });
    item(&acme.ask("ticket.share.v1", &bridged).await, "custom_field:same", SameKindOnly);
}
