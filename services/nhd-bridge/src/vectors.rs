//! The stored requests of the three implementations, read as the bridge reads them: each means what
//! stands beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use contracts::comment::Comment;
use contracts::terms::CommentTerms;
use contracts::{AccountName, CommentId};
use serde_json::{Value, json};

use crate::rules::agreement::{Invite, uuid_of};
use crate::rules::incoming::{Incoming, Speaker, read};
use crate::rules::place::{Place, Resource};
use crate::rules::wire::{self, AgreementBody, Text, TicketBody};

const OURS: &str = "https://desk.example/sharing/acme";

/// In the order in which they were sent.
const NAMES: [&str; 12] = [
    "invite",
    "accept",
    "decline",
    "deactivate",
    "reactivate",
    "share",
    "comments",
    "status",
    "tags",
    "custom_fields",
    "attachment",
    "unshare",
];

fn folder(dialect: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nhd/vectors").join(dialect)
}

fn of_invite(uuid: &str, body: &AgreementBody) -> Value {
    let invite = Invite::read(uuid, OURS, body).unwrap();
    let is_silent = body.allows_public_comments.is_none()
        && body.sync_tags.is_none()
        && body.sync_custom_fields.is_none();
    let terms = json!({
        "public_comments": invite.terms.comments == CommentTerms::PublicAndPrivate,
        "tags": invite.terms.tags,
        "custom_fields": invite.terms.custom_fields,
    });
    json!({ "agreement": invite.uuid.as_str(), "status": "pending", "name": invite.name,
        "sender_url": invite.sender_url, "receiver_url": OURS,
        "access_key": invite.access_key.reveal(),
        "terms": if is_silent { json!(null) } else { terms } })
}

fn of_comment(comment: &Comment) -> Value {
    let mut said = json!({ "body": comment.body, "public": comment.public });
    let files = comment.attachments.iter();
    let files: Vec<Value> =
        files.map(|file| json!({ "url": file.url, "filename": file.filename })).collect();
    if !files.is_empty() {
        said["attachments"] = json!(files);
    }
    said
}

/// What was sent of a ticket before: some clients send all of it each time.
#[derive(Default)]
struct Known {
    comments: BTreeSet<CommentId>,
    fields: BTreeMap<String, Value>,
}

fn of_ticket(uuid: &str, incoming: &Incoming, known: &Known) -> Value {
    let at = incoming.requested_at.map(|at| at.utc().to_rfc3339_opts(SecondsFormat::Secs, true));
    let comments = incoming.comments.iter();
    let new = comments.clone().filter(|comment| !known.comments.contains(&comment.id));
    let fields =
        incoming.fields.iter().filter(|(title, value)| known.fields.get(*title) != Some(*value));
    let fields: BTreeMap<_, _> = fields.collect();
    json!({ "ticket": uuid, "subject": incoming.subject, "status": incoming.status,
        "requested_at": at, "requester": incoming.requester.as_ref().map(|it| &it.name),
        "tags": incoming.tags, "custom_fields": fields,
        "comments": comments.map(of_comment).collect::<Vec<_>>(),
        "new_comments": new.map(of_comment).collect::<Vec<_>>() })
}

/// What a request means, after those before it.
fn meaning(request: &Value, known: &mut Known) -> Value {
    let place = Place::read(request["path"].as_str().unwrap()).unwrap();
    let (uuid, body) = (place.uuid.as_str(), request["body"].to_string());
    let method = request["method"].as_str().unwrap();
    match (place.resource, method) {
        (Resource::Agreement, "POST") => of_invite(uuid, &wire::read(body.as_bytes()).unwrap()),
        (Resource::Agreement, "PUT") => {
            let body: AgreementBody = wire::read(body.as_bytes()).unwrap();
            let uuid = uuid_of(uuid, body.uuid.as_ref()).unwrap();
            json!({ "agreement": uuid.as_str(), "status": Text::given(body.status.as_ref()) })
        }
        (Resource::Ticket, "POST" | "PUT") => {
            let body: TicketBody = wire::read(body.as_bytes()).unwrap();
            let uuid = uuid_of(uuid, body.uuid.as_ref()).unwrap();
            let account = AccountName::new("nhd-bridge-1f").unwrap();
            let public_by_default = request["headers"].get("x-ticket-sharing-version").is_none();
            let speaker = Speaker { account: &account, public_by_default };
            let incoming = read(&speaker, &BTreeSet::new(), &body).unwrap();
            let means = of_ticket(uuid.as_str(), &incoming, known);
            known.comments.extend(incoming.comments.into_iter().map(|comment| comment.id));
            known.fields.extend(incoming.fields);
            means
        }
        (Resource::Ticket, "DELETE") => json!({ "ticket": uuid, "ended": true }),
        _ => panic!("{method} {uuid}"),
    }
}

#[test]
fn each_stored_request_is_read_as_what_it_means() {
    for dialect in ["zendesk", "javascript", "request-tracker"] {
        let (mut known, mut seen) = (Known::default(), 0);
        for name in NAMES {
            let file = folder(dialect).join(name).with_extension("json");
            let Ok(text) = std::fs::read_to_string(file) else { continue };
            let vector: Value = serde_json::from_str(&text).unwrap();
            let read = meaning(&vector["request"], &mut known);
            for (member, means) in vector["means"].as_object().unwrap() {
                assert_eq!(&read[member], means, "{dialect} {name}: {member}");
            }
            seen += 1;
        }
        assert_eq!(seen, std::fs::read_dir(folder(dialect)).unwrap().count(), "{dialect}");
    }
}
