//! Requests of the three implementations, stored for whoever has to read them; and what each means.
//! `UPDATE=1` writes them anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use nhd_partner::dialect::agreement::AgreementChange;
use nhd_partner::dialect::head;
use nhd_partner::held::{PartnerComment, PartnerPerson, PartnerTerms, Standing, TicketChange};
use nhd_partner::{Dialect, NewTicket, PartnerCall, PartnerDesk};
use serde_json::{Map, Value, json};

const THERE: &str = "https://desk.example/sharing/acme";

/// A request with what it means, whoever wrote it.
struct Vector {
    name: &'static str,
    call: PartnerCall,
    means: Value,
}

fn robin() -> PartnerPerson {
    PartnerPerson { uuid: "b1".repeat(20), name: "Robin".to_owned(), role: None }
}

fn desk(dialect: Dialect) -> PartnerDesk {
    PartnerDesk::new("Partner Desk", "https://partner.example/sharing", dialect.habits())
}

fn comment(desk: &mut PartnerDesk, body: &str, public: bool) -> PartnerComment {
    let at = DateTime::from_timestamp(1_796_018_400, 0);
    PartnerComment { authored_at: at, ..desk.comment(body, public) }
}

fn standing(to: Standing) -> AgreementChange {
    AgreementChange::Standing(to)
}

/// What is said about an agreement, from the invite to its end.
fn about_agreements(dialect: Dialect, desk: &mut PartnerDesk) -> (String, Vec<Vector>) {
    let (uuid, invite) = desk.invite(THERE, PartnerTerms::everything());
    let knows_terms = dialect != Dialect::RequestTracker;
    let terms = if knows_terms {
        json!({ "public_comments": true, "tags": true, "custom_fields": true })
    } else {
        Value::Null
    };
    let invited = json!({ "agreement": uuid, "status": "pending", "name": desk.name,
        "sender_url": desk.url, "receiver_url": THERE, "terms": terms,
        "access_key": desk.agreement(&uuid).access_key });
    let mut vectors = vec![Vector { name: "invite", call: invite, means: invited }];
    for (name, change, status) in [
        ("accept", standing(Standing::Accepted), "accepted"),
        ("decline", standing(Standing::Declined), "declined"),
        ("deactivate", standing(Standing::Inactive), "inactive"),
        ("reactivate", AgreementChange::Reactivated, "accepted"),
    ] {
        let call = desk.change_agreement(&uuid, &change);
        let means = json!({ "agreement": uuid, "status": status });
        vectors.push(Vector { name, call, means });
    }
    (uuid, vectors)
}

/// What is said about a ticket, from its share to its end.
fn about_tickets(dialect: Dialect, desk: &mut PartnerDesk, agreement: &str) -> Vec<Vector> {
    let new = NewTicket {
        subject: "The meter restarts at night".to_owned(),
        status: "new".to_owned(),
        requester: robin(),
        requested_at: DateTime::from_timestamp(1_796_018_400, 0),
        tags: BTreeSet::from(["field".to_owned()]),
        custom_fields: Map::from_iter([("Meter model".to_owned(), json!("lx_40"))]),
        custom_status: None,
        comments: vec![("It is dark at two".to_owned(), true), ("Third time".to_owned(), false)],
    };
    let (ticket, share) = desk.share(agreement, new);
    let said = |body: &str, public: bool| json!({ "body": body, "public": public });
    let shared = json!({ "ticket": ticket, "subject": "The meter restarts at night",
        "status": "new", "requested_at": "2026-11-30T06:00:00Z", "requester": "Robin",
        "tags": ["field"], "custom_fields": { "Meter model": "lx_40" },
        "comments": [said("It is dark at two", true), said("Third time", false)] });
    let mut vectors = vec![Vector { name: "share", call: share, means: shared }];
    let reply = comment(desk, "We come on Monday", true);
    let note = comment(desk, "Bring a spare", false);
    let mut update = |name, change: TicketChange, means: Value| {
        let call = desk.update(&ticket, change);
        vectors.push(Vector { name, call, means });
    };
    let comments = vec![reply, note];
    update(
        "comments",
        TicketChange { comments, ..TicketChange::default() },
        json!({ "ticket": ticket, "new_comments":
            [said("We come on Monday", true), said("Bring a spare", false)] }),
    );
    let status = Some("pending".to_owned());
    update(
        "status",
        TicketChange { status, ..TicketChange::default() },
        json!({ "ticket": ticket, "status": "pending", "new_comments": [] }),
    );
    let tags = Some(BTreeSet::from(["field".to_owned(), "night".to_owned()]));
    update(
        "tags",
        TicketChange { tags, ..TicketChange::default() },
        json!({ "ticket": ticket, "tags": ["field", "night"], "new_comments": [] }),
    );
    let custom_fields = Map::from_iter([("Visit date".to_owned(), json!("2026-12-07"))]);
    update(
        "custom_fields",
        TicketChange { custom_fields, ..TicketChange::default() },
        json!({ "ticket": ticket, "custom_fields": { "Visit date": "2026-12-07" },
            "new_comments": [] }),
    );
    let file = desk.attach("meter.jpg", "image/jpeg", b"not really");
    let mut with_file = comment(desk, "See the picture", true);
    with_file.files.push(file.clone());
    let call =
        desk.update(&ticket, TicketChange { comments: vec![with_file], ..TicketChange::default() });
    let means = json!({ "ticket": ticket, "new_comments": [{ "body": "See the picture",
        "public": true, "attachments": [{ "url": file.url, "filename": "meter.jpg" }] }] });
    vectors.push(Vector { name: "attachment", call, means });
    if dialect.tells_unshare() {
        let call = desk.unshare(&ticket);
        vectors.push(Vector {
            name: "unshare",
            call,
            means: json!({ "ticket": ticket, "ended": true }),
        });
    }
    vectors
}

fn vectors(dialect: Dialect) -> Vec<Vector> {
    let mut desk = desk(dialect);
    let (agreement, mut vectors) = about_agreements(dialect, &mut desk);
    if dialect.tells_tickets() {
        vectors.extend(about_tickets(dialect, &mut desk, &agreement));
    }
    vectors
}

fn stored(dialect: Dialect, vector: &Vector) -> String {
    let call = &vector.call;
    let headers: Map<String, Value> = head::headers(&dialect.habits(), &call.token, call.is_invite)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let path = call.url.strip_prefix("https://desk.example").unwrap_or(&call.url);
    let file = json!({ "request": { "method": call.method.as_str(), "path": path,
        "headers": headers, "body": call.body }, "means": vector.means });
    serde_json::to_string_pretty(&file).expect("JSON") + "\n"
}

fn folder(dialect: Dialect) -> PathBuf {
    let name = match dialect {
        Dialect::Zendesk => "zendesk",
        Dialect::JavaScript => "javascript",
        Dialect::RequestTracker => "request-tracker",
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name)
}

#[test]
fn they_are_what_the_dialects_write() {
    let is_update = std::env::var_os("UPDATE").is_some();
    for dialect in Dialect::ALL {
        let folder = folder(dialect);
        std::fs::create_dir_all(&folder).expect("a folder");
        for vector in vectors(dialect) {
            let (file, text) =
                (folder.join(format!("{}.json", vector.name)), stored(dialect, &vector));
            if is_update {
                std::fs::write(&file, &text).expect("a file");
            }
            let held = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(held, text, "{}: write it anew with UPDATE=1", file.display());
        }
    }
}

#[test]
fn each_request_has_a_meaning_and_names_its_subject() {
    for dialect in Dialect::ALL {
        for vector in vectors(dialect) {
            let subject = vector.means["agreement"].as_str().or(vector.means["ticket"].as_str());
            let subject = subject.expect("an agreement or a ticket");
            assert!(vector.call.url.ends_with(subject), "{dialect:?} {}", vector.name);
        }
    }
}
