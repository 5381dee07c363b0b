//! People, fields, statuses and tickets of the story.

use contracts::command::{Cc, SentTag, SetBy, SharedTicket, TicketShare, TicketUpdate};
use contracts::comment::{Attachment, Call, Comment};
use contracts::fields::{
    CustomStatus, CustomStatuses, FieldOption, FieldType, SentFields, Status, TicketField,
};
use contracts::ids::derive_id;
use contracts::{Actor, AgreementId, CommentId, Role, ShareId, TicketId};
use serde_json::{Value, json};
use testkit::desk::clock;

use super::Side;

/// The fields that belong together, by the keys that acme, globex and initech gave them.
pub(super) const ORDER: [&str; 3] = ["order_number", "order", "order_no"];
pub(super) const PRODUCT: [&str; 3] = ["product", "product_line", "device"];
/// A date at acme, a checkbox at globex.
pub(super) const ON_SITE: [&str; 3] = ["on_site_by", "on_site", "visit"];
pub(super) const PRODUCTS: [&str; 3] = ["pump", "valve", "boiler"];

impl Side {
    pub(super) fn field(self, keys: [&'static str; 3]) -> &'static str {
        match self {
            Self::Acme => keys[0],
            Self::Globex => keys[1],
            Self::Initech => keys[2],
        }
    }
}

/// An agreement's id: made from the installation's name, so that it is new in every run.
pub(super) fn agreement(vhost: &str, name: &str) -> AgreementId {
    AgreementId::new(derive_id("story", &[vhost, name]).to_string()).expect("a UUID is one")
}

pub(super) fn person(id: &str, name: &str, role: Role) -> Actor {
    Actor { id: id.into(), name: name.into(), role, email: None, phone: None }
}

pub(super) fn agent(side: Side) -> Actor {
    let (id, name) = match side {
        Side::Acme => ("a-1", "Agent Ada"),
        Side::Globex => ("g-1", "Agent Gil"),
        Side::Initech => ("i-1", "Agent Ines"),
    };
    person(id, name, Role::Agent)
}

pub(super) fn admin(account: &str) -> Actor {
    person("admin", &format!("Admin of {account}"), Role::Admin)
}

pub(super) fn ticket_fields(side: Side) -> Vec<TicketField> {
    let field = |key: &str, title: &str, field_type| TicketField {
        key: key.into(),
        title: title.into(),
        field_type,
        options: Vec::new(),
        pattern: None,
        pattern_checked: true,
    };
    let options =
        PRODUCTS.map(|tag| FieldOption { name: tag.to_uppercase(), tag: tag.into() }).to_vec();
    let on_site = if side == Side::Acme { FieldType::Date } else { FieldType::Checkbox };
    vec![
        field(side.field(ORDER), "Order number", FieldType::Text),
        TicketField { options, ..field(side.field(PRODUCT), "Product", FieldType::Tagger) },
        field(side.field(ON_SITE), "On site", on_site),
    ]
}

pub(super) fn form(side: Side) -> Vec<String> {
    [ORDER, PRODUCT, ON_SITE].map(|keys| side.field(keys).to_owned()).to_vec()
}

/// globex uses custom statuses, the others do not.
pub(super) fn statuses(side: Side) -> CustomStatuses {
    let status = |key: &str, name: &str, category, default| CustomStatus {
        key: key.into(),
        name: name.into(),
        category,
        default,
    };
    CustomStatuses {
        enabled: side == Side::Globex,
        statuses: vec![
            status("in-progress", "In progress", Status::Open, true),
            status("waiting-for-parts", "Waiting for parts", Status::Pending, true),
            status("repaired", "Repaired", Status::Solved, true),
        ],
    }
}

pub(super) fn comment(id: &str, public: bool, body: &str) -> Comment {
    Comment {
        id: CommentId::new(id).expect("an id of this account"),
        author: None,
        body: body.into(),
        html_body: None,
        public,
        authored_at: Some(clock()),
        attachments: Vec::new(),
        call: None,
    }
}

pub(super) fn update(side: Side, ticket: &str) -> TicketUpdate {
    TicketUpdate {
        ticket_id: Some(number(ticket)),
        share_id: None,
        base_revision: None,
        actor: agent(side),
        occurred_at: clock(),
        status: None,
        custom_status: None,
        tags: None,
        custom_fields: SentFields::new(),
        ccs: None,
        comments: Vec::new(),
        dry_run: false,
    }
}

pub(super) fn custom_fields<const N: usize>(values: [(&str, Value); N]) -> SentFields {
    values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

pub(super) fn tag(name: &str, added_by: SetBy) -> SentTag {
    SentTag { name: name.into(), added_by }
}

pub(super) fn number(text: &str) -> TicketId {
    TicketId::new(text).expect("a ticket's number")
}

/// A share of a ticket with nothing on it.
pub(super) fn plain_share(
    side: Side,
    agreement: &AgreementId,
    ticket: &str,
    subject: &str,
) -> TicketShare {
    TicketShare {
        agreement_id: agreement.clone(),
        share_id: None,
        ticket: SharedTicket {
            id: number(ticket),
            copy_of: None,
            subject: subject.into(),
            status: Status::New,
            custom_status: None,
            requested_at: Some(clock()),
            requester: person("r-7", "Rosa", Role::EndUser),
            ccs: Vec::new(),
            tags: Vec::new(),
            custom_fields: SentFields::new(),
            comments: Vec::new(),
        },
        actor: agent(side),
        occurred_at: clock(),
        dry_run: false,
    }
}

/// The ticket of the story, with all that a ticket may have.
pub(super) fn full_share(agreement: &AgreementId) -> TicketShare {
    let mut share = plain_share(Side::Acme, agreement, "A-1", "Pump in hall 3 leaks");
    let ticket = &mut share.ticket;
    ticket.requester.email = Some("rosa@customer.example".into());
    ticket.requester.phone = Some("+1 555 0100".into());
    ticket.ccs = vec![Cc { name: "Site office".into(), email: "site@customer.example".into() }];
    ticket.tags =
        vec![tag("leak", SetBy::User), tag("hall-3", SetBy::User), tag("sla-gold", SetBy::Rule)];
    let mut fields = custom_fields([("order_number", json!("4711")), ("product", json!("pump"))]);
    fields.insert("on_site_by".into(), json!("2026-03-02"));
    ticket.custom_fields = fields;
    let mut photo = comment("acme/1", true, "It drips since this morning, see the photo.");
    photo.author = Some(person("r-7", "Rosa", Role::EndUser));
    photo.attachments = vec![Attachment {
        id: "f-1".into(),
        filename: "leak.jpg".into(),
        url: "https://files.acme.example/f-1".into(),
        content_type: Some("image/jpeg".into()),
        size: Some(48_213),
    }];
    let mut voicemail = comment("acme/3", true, "Voicemail of 0:42.");
    voicemail.call = Some(Call {
        recording_url: Some("https://calls.acme.example/r-9".into()),
        transcript: Some("Hello, it is the pump on the left.\nPlease call back.".into()),
        duration_s: Some(42),
    });
    ticket.comments =
        vec![photo, comment("acme/2", false, "Customer has a maintenance contract."), voicemail];
    share
}

/// The share that a command without a share id makes, as its receipt has it.
pub(super) fn share_of(receipt: &contracts::Receipt) -> ShareId {
    receipt.share_id.clone().expect("a share's receipt names the share")
}

/// A unit of the contract as it is written.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
