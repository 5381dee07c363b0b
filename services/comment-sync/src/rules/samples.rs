//! Two hops in a row, acme → globex → initech, and comments for the tests of the rules.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::{Attachment, SharedComment};
use contracts::people::Role;
use contracts::sync::{Action, CommandRef, Hop, Sharing, Transfer, TransferComment};
use contracts::terms::CommentTerms;
use contracts::{
    AccountName, AgreementId, ChainId, CommentId, CopyId, Decision, ItemOutcome, Person, Reason,
    ShareId, Terms, TicketId, Timestamp,
};

use super::{ChainState, Decided, KnownComment, Settings, decide};

pub fn account(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

pub fn id(text: &str) -> CommentId {
    CommentId::new(text).unwrap()
}

fn ticket(number: &str) -> TicketId {
    TicketId::new(number).unwrap()
}

pub fn noon() -> Timestamp {
    Timestamp::parse("2026-03-01T12:00:00Z").unwrap()
}

pub fn person(name: &str) -> Person {
    Person {
        id: format!("placeholder-{name}"),
        name: name.into(),
        role: Role::EndUser,
        placeholder: true,
    }
}

pub fn acme_copy() -> CopyId {
    CopyId::original(&account("acme"), &ticket("1"))
}

pub fn hop(number: u8, sender: &str, receiver: &str, near: CopyId) -> Hop {
    Hop {
        share_id: ShareId::new(format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap(),
        agreement_id: AgreementId::new(format!("a0000000-0000-4000-8000-0000000000{number:02x}"))
            .unwrap(),
        sender: account(sender),
        receiver: account(receiver),
        near,
        near_ticket: ticket("1"),
        far_ticket: None,
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true },
    }
}

pub fn first_hop() -> Hop {
    hop(1, "acme", "globex", acme_copy())
}

pub fn second_hop() -> Hop {
    hop(2, "globex", "initech", first_hop().far())
}

pub fn under(comments: CommentTerms, hop: Hop) -> Hop {
    Hop { terms: Terms { comments, ..hop.terms }, ..hop }
}

pub fn file(id: &str) -> Attachment {
    Attachment {
        id: id.into(),
        filename: format!("{id}.pdf"),
        url: format!("https://acme.example/{id}"),
        content_type: None,
        size: None,
    }
}

pub fn published(id: &str) -> TransferComment {
    TransferComment {
        id: self::id(id),
        author: person("Ada"),
        body: format!("body of {id}"),
        html_body: None,
        public: true,
        authored_at: None,
        attachments: Vec::new(),
        call: None,
    }
}

pub fn known(id: &str, account: &str, copy: &CopyId) -> KnownComment {
    let content = SharedComment {
        id: self::id(id),
        author: person("Ada"),
        body: format!("body of {id}"),
        html_body: None,
        public: true,
        authored_at: None,
        attachments: Vec::new(),
    };
    KnownComment {
        account: self::account(account),
        content,
        arrived_at: noon(),
        place: 0,
        copies: [copy.clone()].into(),
        without_files: BTreeSet::new(),
        cuts: BTreeMap::new(),
    }
}

pub fn update(
    account: &str,
    copy: &CopyId,
    hops: &[Hop],
    comments: Vec<TransferComment>,
) -> Transfer {
    let command = CommandRef {
        account: self::account(account),
        message_id: "1".into(),
        command_type: "ticket.update.v1".into(),
        received_at: noon(),
        remarks: contracts::sync::Remarks::default(),
    };
    let chain = ChainId::starting_with(&acme_copy());
    let update =
        Transfer::new(command, chain, copy.clone(), hops.to_vec(), Action::Update, person("Ada"));
    Transfer { comments, ..update }
}

/// A share over the last of `hops`.
pub fn share(hops: &[Hop], comments: Vec<TransferComment>) -> Transfer {
    let new = hops.last().expect("a share has a hop");
    let sharing = Sharing {
        share_id: new.share_id.clone(),
        original_ticket_id: ticket("1"),
        subject: "Printer".into(),
        requested_at: None,
        requester: person("Ruth"),
    };
    Transfer {
        action: Action::Share(Box::new(sharing)),
        ..update(new.sender.as_str(), &new.near, hops, comments)
    }
}

/// Three accounts whose attachments cross.
pub fn settings() -> Settings {
    let open = ["acme", "globex", "initech"].map(|name| (account(name), false));
    Settings { secure_downloads: open.into(), ..Settings::default() }
}

/// The same, but that one keeps its attachments.
pub fn secure(name: &str) -> Settings {
    let mut settings = settings();
    settings.secure_downloads.insert(account(name), true);
    settings
}

pub fn ids(comments: &[SharedComment]) -> Vec<&str> {
    comments.iter().map(|comment| comment.id.as_str()).collect()
}

/// What each of the three copies was sent.
pub fn sent(decided: &Decided) -> [Vec<&str>; 3] {
    [acme_copy(), first_hop().far(), second_hop().far()]
        .map(|copy| decided.comments.get(&copy).map_or_else(Vec::new, |comments| ids(comments)))
}

/// Item, outcome, reason, and whether it is about a share.
pub fn told(decided: &Decided) -> Vec<(String, ItemOutcome, Option<Reason>, bool)> {
    let tell = |decision: &Decision| {
        (decision.item.to_string(), decision.outcome, decision.reason, decision.share_id.is_some())
    };
    decided.decisions.iter().map(tell).collect()
}

/// As the service does it: decide, apply.
pub fn take(state: &mut ChainState, settings: &Settings, transfer: &Transfer) -> Decided {
    let decision = decide(state, settings, transfer);
    state.apply(decision.changes);
    decision.decided
}

/// Both hops, and nothing said yet.
pub fn chain_of_three() -> ChainState {
    let mut state = ChainState::default();
    take(&mut state, &settings(), &share(&[first_hop()], Vec::new()));
    take(&mut state, &settings(), &share(&[first_hop(), second_hop()], Vec::new()));
    state
}
