//! Notices as the tests use them.

use contracts::address::Party;
use contracts::sync::{About, AgreementEvent, AgreementNotice, CommentNotice, Notice, Recipient};
use contracts::terms::CommentTerms;
use contracts::{AccountName, AgreementId, CommentId, Terms, TicketId, Timestamp};

/// All that can happen to an agreement.
pub(crate) const EVENTS: [AgreementEvent; 5] = [
    AgreementEvent::Invited,
    AgreementEvent::Accepted,
    AgreementEvent::Declined,
    AgreementEvent::Deactivated,
    AgreementEvent::Renamed,
];

/// What happened to an agreement of `acme` and `globex`.
pub(crate) fn agreement(event: AgreementEvent) -> AgreementNotice {
    AgreementNotice {
        event,
        agreement_id: AgreementId::new("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10").unwrap(),
        name: Some("Network faults".into()),
        withdrawn: false,
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: false },
    }
}

/// A comment that `globex` wrote on ticket 4711 of `acme`.
pub(crate) fn comment(body: &str) -> CommentNotice {
    CommentNotice {
        comment_id: CommentId::new("globex/77").unwrap(),
        body: body.into(),
        ticket_id: TicketId::new("4711").unwrap(),
        link: Some("https://desk.acme.example/tickets/4711".into()),
    }
}

/// A notice to one person of `acme`, about something that `globex` did.
pub(crate) fn notice(about: About) -> Notice {
    let account = |name: &str| AccountName::new(name).unwrap();
    Notice {
        about,
        account: account("acme"),
        to: vec![Recipient { name: "Agent Ada".into(), email: "ada@acme.example".into() }],
        locale: None,
        partner: Party {
            account: account("globex"),
            address: "globex".into(),
            display_name: "Globex Support".into(),
            sharing_url: None,
        },
        by: "Agent Gil".into(),
        at: Timestamp::parse("2026-03-01T10:00:00Z").unwrap(),
        partner_support_addresses: Vec::new(),
    }
}

/// A notice to one admin.
pub(crate) fn to_admin(event: AgreementEvent) -> Notice {
    notice(About::Agreement(agreement(event)))
}

/// A notice to one CC.
pub(crate) fn to_cc(body: &str) -> Notice {
    notice(About::Comment(comment(body)))
}

/// One notice of each kind.
pub(crate) fn every_kind() -> Vec<Notice> {
    EVENTS
        .into_iter()
        .map(to_admin)
        .chain([to_cc("It works again.\nPlease try.\n\nGreetings")])
        .collect()
}
