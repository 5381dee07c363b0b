//! What rule tests are about: accounts, fields, chains, commands.

use std::collections::{BTreeMap, BTreeSet};

use contracts::command::AccountKind;
use contracts::comparable::comparable;
use contracts::delivery::StatusDelivered;
use contracts::fields::{
    CustomStatus, CustomStatuses, FieldOption, FieldType, Status, TicketField,
};
use contracts::people::Role;
use contracts::sync::{
    AccountFact, Action, CommandRef, FieldChanges, Hop, Sharing, StatusChange, TagChange, Transfer,
};
use contracts::terms::CommentTerms;
use contracts::{
    AccountName, AgreementId, ChainId, CopyId, ItemOutcome, Person, Reason, ShareId, Terms,
    TicketId, Timestamp,
};
use line::Chain;

use super::{ChainFields, Decision, Field, Schema, Schemas, Touched, Way, decide};

pub fn name(account: &str) -> AccountName {
    AccountName::new(account).unwrap()
}

pub fn time(second: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T10:00:00Z").unwrap().plus_seconds(second)
}

pub fn account(account: &str, ticket_fields: Vec<TicketField>) -> AccountFact {
    AccountFact { ticket_fields, ..AccountFact::registered(name(account), AccountKind::Connected) }
}

/// Two custom statuses of every category but closed: `<category>-a` and, as the default,
/// `<category>-b`.
pub fn with_statuses(fact: AccountFact) -> AccountFact {
    let categories = [
        ("new", Status::New),
        ("open", Status::Open),
        ("pending", Status::Pending),
        ("hold", Status::Hold),
        ("solved", Status::Solved),
    ];
    let status = |prefix: &str, letter: &str, category| CustomStatus {
        key: format!("{prefix}-{letter}"),
        name: format!("{prefix} {letter}"),
        category,
        default: letter == "b",
    };
    let statuses = categories
        .iter()
        .flat_map(|(prefix, category)| ["a", "b"].map(|letter| status(prefix, letter, *category)))
        .collect();
    AccountFact { custom_statuses: CustomStatuses { enabled: true, statuses }, ..fact }
}

pub fn field(key: &str, title: &str, field_type: FieldType) -> TicketField {
    TicketField {
        key: key.into(),
        title: title.into(),
        field_type,
        options: Vec::new(),
        pattern: None,
        pattern_checked: true,
    }
}

pub fn options(options: &[(&str, &str)]) -> Vec<FieldOption> {
    options
        .iter()
        .map(|(name, tag)| FieldOption { name: (*name).into(), tag: (*tag).into() })
        .collect()
}

pub const ALL_TERMS: Terms =
    Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true };

pub fn share_id(number: u8) -> ShareId {
    ShareId::new(format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
}

pub fn agreement_id(number: u8) -> AgreementId {
    AgreementId::new(format!("a0000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
}

pub fn original() -> CopyId {
    CopyId::original(&name("acme"), &TicketId::new("1").unwrap())
}

pub fn hop(number: u8, sender: &str, receiver: &str, near: &CopyId) -> Hop {
    Hop {
        share_id: share_id(number),
        agreement_id: agreement_id(number),
        sender: name(sender),
        receiver: name(receiver),
        near: near.clone(),
        near_ticket: TicketId::new("1").unwrap(),
        far_ticket: None,
        terms: ALL_TERMS,
    }
}

/// acme → globex.
pub fn two() -> Vec<Hop> {
    vec![hop(1, "acme", "globex", &original())]
}

/// acme → globex → initech.
pub fn three() -> Vec<Hop> {
    let first = hop(1, "acme", "globex", &original());
    let second = hop(2, "globex", "initech", &first.far());
    vec![first, second]
}

/// An update by `account`, whose copy is `copy`, at `second`; it arrives at once.
pub fn update(
    account: &str,
    copy: &CopyId,
    second: i64,
    message_id: &str,
    hops: &[Hop],
) -> Transfer {
    let command = CommandRef {
        account: name(account),
        message_id: message_id.into(),
        command_type: "ticket.update.v1".into(),
        received_at: time(second),
        remarks: contracts::sync::Remarks::default(),
    };
    Transfer::new(
        command,
        ChainId::starting_with(&original()),
        copy.clone(),
        hops.to_vec(),
        Action::Update,
        person(),
    )
}

/// The share that makes `hop`.
pub fn share(hop: &Hop, second: i64, message_id: &str, hops: &[Hop]) -> Transfer {
    let sharing = Sharing {
        share_id: hop.share_id.clone(),
        original_ticket_id: TicketId::new("1").unwrap(),
        subject: "a subject".into(),
        requested_at: None,
        requester: person(),
    };
    Transfer {
        action: Action::Share(Box::new(sharing)),
        ..update(hop.sender.as_str(), &hop.near, second, message_id, hops)
    }
}

pub fn status(value: Status) -> StatusChange {
    StatusChange { status: Some(value), custom_status: None }
}

pub fn tag(name: &str, present: bool) -> TagChange {
    TagChange { name: name.into(), present, by_rule: false }
}

fn person() -> Person {
    Person {
        id: "placeholder-1".into(),
        name: "Agent Ada".into(),
        role: Role::EndUser,
        placeholder: true,
    }
}

/// The same command with a status.
pub fn with_status(transfer: Transfer, value: Status) -> Transfer {
    let fields = FieldChanges { status: Some(status(value)), ..transfer.fields };
    Transfer { fields, ..transfer }
}

/// A status without a custom status, as a desk is told it.
pub fn plain(status: Status) -> StatusDelivered {
    StatusDelivered { status, custom_status: None }
}

/// Over which share, what, why, and what the publisher's ticket now holds.
pub type Said = (Option<u8>, ItemOutcome, Option<Reason>, Option<serde_json::Value>);

/// What a decision says about an item, share by share.
pub fn said(decision: &Decision, item: &str) -> Vec<Said> {
    let share = |id: &ShareId| (1..=9).find(|number| share_id(*number) == *id).unwrap();
    let of_item =
        decision.fields.decisions.iter().filter(|decision| decision.item.to_string() == item);
    of_item
        .map(|found| {
            (found.share_id.as_ref().map(share), found.outcome, found.reason, found.value.clone())
        })
        .collect()
}

/// The stage, without a database: hops, fields, settings.
pub struct Stage {
    pub chain: Chain,
    pub fields: ChainFields,
    pub schemas: Schemas,
    pub inactive: BTreeSet<AgreementId>,
}

impl Stage {
    pub fn new(accounts: impl IntoIterator<Item = AccountFact>, hops: &[Hop]) -> Self {
        Self {
            chain: Chain::stored(hops.iter().map(|hop| (hop.clone(), false))),
            fields: ChainFields::default(),
            schemas: accounts
                .into_iter()
                .map(|fact| (fact.account.clone(), Schema::new(fact)))
                .collect(),
            inactive: BTreeSet::new(),
        }
    }

    /// Hops with other terms.
    pub fn replace_hops(&mut self, hops: &[Hop]) {
        self.chain = Chain::stored(hops.iter().map(|hop| (hop.clone(), false)));
    }

    /// As the service does it: enter, decide, apply.
    ///
    /// Every decision of every rule test is held against the same one by what the transfer touches
    /// alone: what the service loads.
    pub fn decide(&mut self, transfer: &Transfer) -> Decision {
        let (narrow, narrow_schemas) = self.touched_by(transfer);
        let entry = self.chain.enter(transfer);
        let chain = self.chain.after(&entry);
        let (inactive, schemas) = (&self.inactive, &self.schemas);
        let way = Way { chain: &chain, inactive, new: entry.new_hops(), schemas };
        let decided = decide(&self.fields, &way, transfer);
        let way = Way { schemas: &narrow_schemas, ..way };
        assert_eq!(decide(&narrow, &way, transfer), decided, "what is touched decides alone");
        let told = self.try_out(transfer).fields;
        let own = told.decisions.into_iter().filter(|it| !it.beyond).collect::<Vec<_>>();
        assert_eq!(own, decided.fields.decisions, "a dry run tells what would be");
        self.chain.apply(entry);
        self.fields.apply(decided.revision, decided.records.clone());
        decided
    }

    /// What a transfer would come to. Nothing is kept: the stage cannot be changed here.
    pub fn try_out(&self, transfer: &Transfer) -> Decision {
        let mut transfer = transfer.clone();
        transfer.command.remarks.dry_run.get_or_insert_default();
        let entry = self.chain.enter(&transfer);
        let chain = self.chain.after(&entry);
        let (inactive, schemas) = (&self.inactive, &self.schemas);
        let way = Way { chain: &chain, inactive, new: entry.new_hops(), schemas };
        decide(&self.fields, &way, &transfer)
    }

    /// The fields that a transfer touches, and the schemas as far as it does.
    fn touched_by(&self, transfer: &Transfer) -> (ChainFields, Schemas) {
        let open = |name: &AccountName| self.schemas.get(name).is_some_and(|it| it.open_fields);
        let touched = Touched::by(&self.chain, &[transfer], &self.inactive, open);
        let mut narrow =
            ChainFields { revision: self.fields.revision, copies: BTreeMap::default() };
        for copy in touched.whole_copies() {
            let held = self.fields.copies.get(copy);
            narrow.copies.extend(held.map(|fields| (copy.clone(), fields.clone())));
        }
        for copy in touched.tagged_copies() {
            let held = self.fields.copies.get(copy).into_iter().flatten();
            let tags = held.filter(|(field, _)| matches!(field, Field::Tag(_)));
            let tags = tags.map(|(field, state)| (field.clone(), state.clone()));
            narrow.copies.entry(copy.clone()).or_default().extend(tags);
        }
        let keys = touched.keys(&narrow);
        let titles: BTreeSet<String> = keys
            .iter()
            .filter_map(|(account, key)| {
                let schema = self.schemas.get(account)?;
                let defined = || schema.field(key).map(|field| field.folded_title().to_owned());
                if schema.open_fields { Some(comparable(key)) } else { defined() }
            })
            .collect();
        let schemas: Schemas = touched
            .accounts()
            .filter_map(|name| {
                let schema = self.schemas.get(name)?;
                Some((name.clone(), schema.narrowed(&titles, touched.reads_statuses())))
            })
            .collect();
        for (copy, field) in touched.fields(&schemas, &titles) {
            if let Some(state) = self.fields.get(copy, &field) {
                narrow.copies.entry(copy.clone()).or_default().insert(field, state.clone());
            }
        }
        (narrow, schemas)
    }

    /// What a copy holds, as a receipt says it.
    pub fn value(&self, copy: &CopyId, field: &Field) -> serde_json::Value {
        self.fields.get(copy, field).map_or(serde_json::Value::Null, |held| held.value.json())
    }
}
