//! A notice as the tests use it.

use contracts::address::Party;
use contracts::command::Admin;
use contracts::sync::{Notice, NoticeKind};
use contracts::terms::CommentTerms;
use contracts::{AccountName, AgreementId, Terms, Timestamp};

/// A notice to one admin of `acme` about `globex`.
pub(crate) fn notice(kind: NoticeKind) -> Notice {
    let account = |name: &str| AccountName::new(name).unwrap();
    Notice {
        kind,
        account: account("acme"),
        to: vec![Admin { name: "Agent Ada".into(), email: "ada@acme.example".into() }],
        locale: None,
        agreement_id: AgreementId::new("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10").unwrap(),
        agreement_name: Some("Network faults".into()),
        partner: Party { account: account("globex"), address: "globex".into(), display_name: "Globex Support".into() },
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: false },
        by: "Agent Gil".into(),
        at: Timestamp::parse("2026-03-01T10:00:00Z").unwrap(),
        partner_support_addresses: Vec::new(),
    }
}
