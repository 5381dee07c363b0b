//! Facts and commands with all in them that a person could be reached by.

use contracts::command::{
    AccountKind, Cc, SharedTicket, TicketBind, TicketShare, TicketUnshare, TicketUpdate,
};
use contracts::comment::Comment;
use contracts::delivery::AgreementStatus;
use contracts::fields::{SentFields, Status};
use contracts::sync::{AccountFact, AgreementFact, Change, CommandRef, Fact};
use contracts::terms::CommentTerms;
use contracts::{
    AccountName, Actor, AgreementId, CommentId, ReceiptOutcome, Role, ShareId, Terms, TicketId,
    Timestamp,
};

fn account(name: &str) -> AccountName {
    AccountName::new(name).expect("a name")
}

pub fn ticket(number: &str) -> TicketId {
    TicketId::new(number).expect("a number")
}

pub fn share_id(number: usize) -> ShareId {
    ShareId::new(format!("{number:040x}")).expect("40 hex digits")
}

fn agreement(number: usize) -> AgreementId {
    AgreementId::new(format!("{number:040x}")).expect("40 hex digits")
}

fn noon() -> Timestamp {
    Timestamp::parse("2026-03-01T12:00:00Z").expect("a time")
}

fn fact(change: Change) -> Fact {
    let command = CommandRef {
        account: account("acme"),
        message_id: "m".into(),
        command_type: "account.update.v1".into(),
        received_at: noon(),
        remarks: contracts::sync::Remarks::default(),
    };
    Fact {
        receipt: command.receipt(ReceiptOutcome::Applied),
        command,
        change,
        deliveries: Vec::new(),
        notices: Vec::new(),
        compare: None,
        epoch: None,
    }
}

pub fn account_fact(name: &str) -> Fact {
    fact(Change::Account(Box::new(AccountFact::registered(account(name), AccountKind::Connected))))
}

pub fn agreement_fact(
    number: usize,
    parties: (&str, &str),
    version: u64,
    status: AgreementStatus,
) -> Fact {
    fact(Change::Agreements(vec![AgreementFact {
        agreement_id: agreement(number),
        version,
        sender: account(parties.0),
        receiver: account(parties.1),
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true },
        status,
        at: noon(),
    }]))
}

fn person(id: &str) -> Actor {
    Actor {
        id: id.into(),
        name: format!("Ada <{id}@acme.example>"),
        role: Role::Agent,
        email: Some(format!("{id}@acme.example")),
        phone: Some("+39 055 1234567".into()),
    }
}

pub fn ccs() -> Vec<Cc> {
    vec![Cc { name: "Cc".into(), email: "cc@acme.example".into() }]
}

pub fn comment(id: &str) -> Comment {
    Comment {
        id: CommentId::new(id).expect("an id"),
        author: Some(person("author")),
        body: "It smokes.".into(),
        html_body: None,
        public: true,
        authored_at: None,
        attachments: Vec::new(),
        call: None,
    }
}

pub fn share(agreement_number: usize, number: &str) -> TicketShare {
    TicketShare {
        agreement_id: agreement(agreement_number),
        share_id: None,
        ticket: SharedTicket {
            id: ticket(number),
            copy_of: None,
            subject: "Printer".into(),
            status: Status::Open,
            custom_status: None,
            requested_at: None,
            requester: person("requester"),
            ccs: ccs(),
            tags: Vec::new(),
            custom_fields: SentFields::new(),
            comments: vec![comment(&format!("acme/{number}"))],
        },
        actor: person("actor"),
        occurred_at: noon(),
        dry_run: false,
    }
}

pub fn update(number: &str, change: impl FnOnce(&mut TicketUpdate)) -> TicketUpdate {
    let mut update = TicketUpdate {
        ticket_id: Some(ticket(number)),
        share_id: None,
        base_revision: None,
        actor: person("actor"),
        occurred_at: noon(),
        status: None,
        custom_status: None,
        tags: None,
        custom_fields: SentFields::new(),
        ccs: None,
        comments: Vec::new(),
        dry_run: false,
    };
    change(&mut update);
    update
}

pub fn bind(share_id: &ShareId, number: &str) -> TicketBind {
    TicketBind { share_id: share_id.clone(), ticket_id: ticket(number) }
}

pub fn unshare(number: &str) -> TicketUnshare {
    TicketUnshare { ticket_id: Some(ticket(number)), share_id: None, actor: person("actor") }
}
