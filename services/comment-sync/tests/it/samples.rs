//! One hop, acme → globex, and what share-dispatcher sends about it.

use contracts::delivery::AgreementStatus;
use contracts::fields::Status;
use contracts::sync::{
    Action, AgreementFact, Change, CommandRef, Fact, FieldChanges, Hop, Sharing, StatusChange,
    Transfer, TransferComment,
};
use contracts::terms::CommentTerms;
use contracts::{
    AccountName, AgreementId, ChainId, CommentId, CopyId, Person, ReceiptOutcome, Role, ShareId,
    Terms, TicketId, Timestamp,
};

fn account(name: &str) -> AccountName {
    AccountName::new(name).expect("a name")
}

fn ticket() -> TicketId {
    TicketId::new("1").expect("a number")
}

fn noon() -> Timestamp {
    Timestamp::parse("2026-03-01T12:00:00Z").expect("a time")
}

fn person() -> Person {
    Person {
        id: "placeholder-1".into(),
        name: "Agent Ada".into(),
        role: Role::EndUser,
        placeholder: true,
    }
}

fn terms() -> Terms {
    Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true }
}

/// The copy of acme, which shares it.
pub fn original() -> CopyId {
    CopyId::original(&account("acme"), &ticket())
}

pub fn hop() -> Hop {
    Hop {
        share_id: ShareId::new("00000000-0000-4000-8000-000000000001").expect("a UUID"),
        agreement_id: AgreementId::new("a0000000-0000-4000-8000-000000000001").expect("a UUID"),
        sender: account("acme"),
        receiver: account("globex"),
        near: original(),
        near_ticket: ticket(),
        far_ticket: None,
        terms: terms(),
    }
}

pub fn comment(id: &str) -> TransferComment {
    TransferComment {
        id: CommentId::new(id).expect("an id"),
        author: person(),
        body: format!("body of {id}"),
        html_body: None,
        public: true,
        authored_at: None,
        attachments: Vec::new(),
        call: None,
    }
}

fn command(publisher: &str, message_id: &str) -> CommandRef {
    CommandRef {
        account: account(publisher),
        message_id: message_id.to_owned(),
        command_type: "ticket.update.v1".into(),
        received_at: noon(),
        remarks: contracts::sync::Remarks::default(),
    }
}

/// An update that acme publishes of its own copy, or globex of the one that it got.
pub fn update(publisher: &str, message_id: &str, comments: &[&str]) -> Transfer {
    let copy = if publisher == "acme" { original() } else { hop().far() };
    let (command, chain) = (command(publisher, message_id), ChainId::starting_with(&original()));
    let update = Transfer::new(command, chain, copy, vec![hop()], Action::Update, person());
    Transfer { comments: comments.iter().map(|id| comment(id)).collect(), ..update }
}

pub fn solved() -> FieldChanges {
    let status = StatusChange { status: Some(Status::Solved), custom_status: None };
    FieldChanges { status: Some(status), ..FieldChanges::default() }
}

pub fn share(message_id: &str, comments: &[&str]) -> Transfer {
    let sharing = Sharing {
        share_id: hop().share_id,
        original_ticket_id: ticket(),
        subject: "Printer".into(),
        requested_at: None,
        requester: person(),
    };
    Transfer { action: Action::Share(Box::new(sharing)), ..update("acme", message_id, comments) }
}

/// acme redacts a comment of its own, when its share has ended.
pub fn redact(message_id: &str, comment: &str) -> Transfer {
    let comment_id = CommentId::new(comment).expect("an id");
    Transfer {
        action: Action::Redact { comment_id, attachment_id: None },
        hops: Vec::new(),
        ..update("acme", message_id, &[])
    }
}

/// globex shares the copy that it got on to initech.
pub fn onward(message_id: &str) -> Transfer {
    let onward = Hop {
        share_id: ShareId::new("00000000-0000-4000-8000-000000000002").expect("a UUID"),
        agreement_id: AgreementId::new("a0000000-0000-4000-8000-000000000002").expect("a UUID"),
        sender: account("globex"),
        receiver: account("initech"),
        near: hop().far(),
        ..hop()
    };
    let Action::Share(sharing) = share(message_id, &[]).action else { unreachable!("it shares") };
    let sharing = Sharing { share_id: onward.share_id.clone(), ..*sharing };
    Transfer {
        action: Action::Share(Box::new(sharing)),
        hops: vec![onward],
        ..update("globex", message_id, &[])
    }
}

pub fn unshare(message_id: &str) -> Transfer {
    Transfer {
        action: Action::Unshare { share_id: hop().share_id },
        ..update("acme", message_id, &[])
    }
}

/// The agreement of the hop.
pub fn agreement(version: u64, status: AgreementStatus) -> Fact {
    let command = command("acme", "agreement");
    Fact {
        change: Change::Agreements(vec![AgreementFact {
            agreement_id: hop().agreement_id,
            version,
            sender: account("acme"),
            receiver: account("globex"),
            terms: terms(),
            status,
            at: noon(),
        }]),
        receipt: command.receipt(ReceiptOutcome::Applied),
        command,
        deliveries: Vec::new(),
        notices: Vec::new(),
        compare: None,
        epoch: None,
    }
}
