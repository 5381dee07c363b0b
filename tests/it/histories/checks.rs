//! What must hold of every delivery, and of all desks at rest.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::delivery::{DeliveryBody, TicketState};
use contracts::fields::Status;
use contracts::terms::CommentTerms;
use contracts::{AccountName, Decision, ItemOutcome};
use serde_json::{Value, json};
use testkit::model::Ticket;

use super::desk::PublishedCommand;
use super::world::World;

/// What a receipt forbids to whatever is published after it.
#[derive(Debug, Default)]
pub struct Forbidden {
    /// Shares and agreements by id, with the command from whose number on nothing may cross them.
    ended: BTreeMap<String, usize>,
    /// Accounts whose attachments stay, likewise.
    secure: BTreeMap<AccountName, usize>,
    /// The update that each account published last: an earlier one's receipt says nothing of now.
    last_update: BTreeMap<AccountName, usize>,
    /// Per share its agreement, and per agreement its sender and whether its receiver comments
    /// privately only.
    agreement_of: BTreeMap<String, String>,
    private: BTreeMap<String, bool>,
    sender_of: BTreeMap<String, AccountName>,
    wrong: Vec<String>,
}

impl Forbidden {
    /// A desk is about to publish its command with this number.
    pub fn published(
        &mut self,
        account: &AccountName,
        at: usize,
        message_type: &str,
        content: &Value,
    ) {
        let text = |name: &str| content[name].as_str().unwrap_or_default().to_owned();
        match message_type {
            "agreement.invite.v1" => {
                let private = content["terms"]["comments"] == json!("private_only");
                self.private.insert(text("agreement_id"), private);
            }
            "ticket.share.v1" => {
                self.agreement_of.insert(text("share_id"), text("agreement_id"));
                self.sender_of.insert(text("share_id"), account.clone());
            }
            // From here on both are possible, until a receipt says which.
            "account.update.v1" => {
                self.secure.remove(account);
                self.last_update.insert(account.clone(), at);
            }
            _ => {}
        }
    }

    /// A command was done, and its publisher knows; `next` is the number of the next command.
    pub fn answered(&mut self, command: &PublishedCommand, next: usize) {
        let content = &command.content;
        match command.message_type.as_str() {
            "agreement.deactivate.v1" => {
                let id = content["agreement_id"].as_str().unwrap_or_default().to_owned();
                self.ended.entry(id).or_insert(next);
            }
            "ticket.unshare.v1" => {
                let share = command.receipt.as_ref().and_then(|receipt| receipt.share_id.as_ref());
                self.ended
                    .entry(share.expect("it names what it ended").to_string())
                    .or_insert(next);
            }
            "account.update.v1" if content["secure_downloads"] == json!(true) => {
                let account =
                    AccountName::new(super::world::name(command.account)).expect("a name");
                if self.last_update.get(&account) == Some(&command.at) {
                    self.secure.insert(account, next);
                }
            }
            _ => {}
        }
    }

    /// Holds a delivery against what was forbidden when the command that caused it was published.
    pub fn check(&mut self, to: &AccountName, told: &DeliveryBody, cause: usize) {
        let (share, from, comments, redacts) = match told {
            DeliveryBody::TicketCreated(created) => {
                (&created.share_id, &created.received_from, &created.comments, false)
            }
            DeliveryBody::TicketUpdated(updated) => (
                &updated.share_id,
                &updated.received_from,
                &updated.comments,
                !updated.redact.is_empty(),
            ),
            _ => return,
        };
        let share = share.to_string();
        let agreement = self.agreement_of.get(&share).cloned().unwrap_or_default();
        for ended in [&share, &agreement] {
            if self.ended.get(ended).is_some_and(|since| cause >= *since) {
                self.wrong.push(format!(
                    "{to} got over {share}, which had ended, what was published after: {told:?}"
                ));
            }
        }
        if redacts {
            return;
        }
        for comment in comments {
            self.check_comment(to, from, &share, &agreement, comment, cause);
        }
    }

    fn check_comment(
        &mut self,
        to: &AccountName,
        from: &AccountName,
        share: &str,
        agreement: &str,
        comment: &SharedComment,
        cause: usize,
    ) {
        let inbound = self.sender_of.get(share) == Some(to);
        if inbound && comment.public && self.private.get(agreement) == Some(&true) {
            self.wrong.push(format!(
                "{to} got a public comment of {from}, who comments privately only: {comment:?}"
            ));
        }
        let owner = comment.id.prefix().and_then(|prefix| AccountName::new(prefix).ok());
        let secure =
            owner.as_ref().filter(|owner| *owner != to).and_then(|owner| self.secure.get(owner));
        if !comment.attachments.is_empty() && secure.is_some_and(|since| cause >= *since) {
            self.wrong
                .push(format!("{to} got an attachment of {owner:?}, who keeps them: {comment:?}"));
        }
    }

    /// What was wrong.
    pub fn wrong(&self) -> &[String] {
        &self.wrong
    }
}

/// At rest: one receipt per command; every desk holds what a resync tells it; the two copies of a
/// live share agree.
pub fn at_rest(world: &mut World) -> Vec<String> {
    let mut wrong: Vec<String> = world.forbidden.wrong().to_vec();
    let silent = world.published.iter().filter(|command| command.receipt.is_none());
    wrong.extend(silent.map(|command| format!("no receipt of {command:?}")));
    wrong.extend(own_order(&world.published));
    let asked = world.resync();
    let told = world.decided();
    let mut states: BTreeMap<(usize, String), TicketState> = BTreeMap::new();
    for (account, share, origin) in asked {
        let state = told.iter().find(|(to, message)| {
            *to == account && message.origin == origin && message.kind == "ticket.state.v1"
        });
        match state {
            Some((_, message)) => {
                let state = serde_json::from_value(message.content.clone()).expect("a state");
                states.insert((account, share), state);
            }
            None => wrong.push(format!("{account} got no state of {share}")),
        }
    }
    for ((account, share), state) in &states {
        wrong.extend(held(world, *account, share, state));
    }
    wrong.extend(live_shares(world, &states));
    wrong
}

/// The place of a change among its account's own, and the revision that it set.
type Accepted<'a> = (&'a (String, u64), u64);

/// Of one account's own changes to a field of a ticket the latest counts: none is accepted after a
/// later one was.
fn own_order(published: &[PublishedCommand]) -> Vec<String> {
    let mut by_field: BTreeMap<(usize, &str, String), Vec<Accepted>> = BTreeMap::new();
    for command in published.iter().filter(|command| command.message_type == "ticket.update.v1") {
        let (Some(receipt), Some(ticket)) =
            (&command.receipt, command.content["ticket_id"].as_str())
        else {
            continue;
        };
        let (Some(revision), Some(order)) = (receipt.revision, &command.order) else { continue };
        for field in fields_of(&command.content) {
            let of_item =
                receipt.decisions.iter().filter(|decision| decision.item.to_string() == field);
            let refused = |decision: &Decision| {
                decision.outcome == ItemOutcome::Superseded
                    || (decision.share_id.is_none() && decision.outcome == ItemOutcome::Withheld)
            };
            if !of_item.clone().any(refused) {
                by_field
                    .entry((command.account, ticket, field))
                    .or_default()
                    .push((order, revision));
            }
        }
    }
    let mut wrong = Vec::new();
    for (field, mut changes) in by_field {
        changes.sort_unstable();
        if !changes.is_sorted_by_key(|(_, revision)| *revision) {
            wrong.push(format!(
                "an older change was accepted after a newer one of the same \
                account: {field:?} {changes:?}"
            ));
        }
    }
    wrong
}

fn fields_of(update: &Value) -> Vec<String> {
    let status = update.get("status").map(|_| "status".to_owned());
    let named = |list: &Value| {
        list.as_array()
            .into_iter()
            .flatten()
            .filter_map(|tag| tag["name"].as_str())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let tags = ["add", "remove"]
        .into_iter()
        .flat_map(|change| named(&update["tags"][change]))
        .map(|name| format!("tag:{name}"));
    let custom = update["custom_fields"]
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys())
        .map(|key| format!("custom_field:{key}"));
    status.into_iter().chain(tags).chain(custom).collect()
}

/// A desk's ticket against what Deskmesh holds of it.
fn held(world: &World, account: usize, share: &str, state: &TicketState) -> Vec<String> {
    let desk = &world.desks[account];
    let number = &desk.shares[share];
    let ticket = desk.model.ticket(number).cloned().unwrap_or_default();
    let mut fields: BTreeMap<String, Value> = BTreeMap::new();
    if state.status.revision > 0 {
        fields.insert("status".into(), without_null(json!(state.status.status)));
    }
    fields.extend(
        state
            .tags
            .iter()
            .filter(|tag| tag.present)
            .map(|tag| (format!("tag:{}", tag.name), json!(true))),
    );
    let values = state
        .custom_fields
        .iter()
        .map(|(key, held)| (format!("custom_field:{key}"), json!(held.value)));
    fields.extend(values.filter(|(_, value)| *value != json!({ "clear": true })));
    let mut seen = ticket.seen();
    if state.status.revision == 0 {
        seen.remove("status");
    }
    let mut wrong = Vec::new();
    if seen != fields {
        wrong.push(format!(
            "{} holds {seen:?} of {number} ({share}), Deskmesh {fields:?}",
            desk.name
        ));
    }
    wrong.extend(redactions(world, account, share, state, &ticket));
    let told: BTreeSet<&str> = state.comments.iter().map(|comment| comment.id.as_str()).collect();
    let own = format!("{}/", desk.name);
    for id in ticket.comments.keys().filter(|id| !told.contains(id.as_str())) {
        // A comment of the desk's own that was refused is at home alone.
        if !id.starts_with(&own) || desk.taken.contains(id) {
            wrong
                .push(format!("{} holds {id} of {number} ({share}), Deskmesh does not", desk.name));
        }
    }
    wrong
}

/// Comments and files of a desk's ticket against what Deskmesh holds of it. A copy that is in no
/// live share is out of reach of a redaction; one that was refused blanked the comment at home
/// alone.
fn redactions(
    world: &World,
    account: usize,
    share: &str,
    state: &TicketState,
    ticket: &Ticket,
) -> Vec<String> {
    let desk = &world.desks[account];
    let out_of_reach = !is_in_a_live_share(world, share, account);
    let mut wrong = Vec::new();
    for comment in &state.comments {
        let id = comment.id.as_str();
        if desk.blanked_in_vain.contains(id) {
            continue;
        }
        let known = ticket.comments.get(id).map(|known| (&known.body, known.public));
        let held = (&comment.body, comment.public);
        if known != Some(held) && !(out_of_reach && known.is_some() && comment.body.is_empty()) {
            wrong.push(format!("{} holds {known:?} in {share}, Deskmesh {comment:?}", desk.name));
        }
        let known = ticket.files(id);
        let held: BTreeSet<String> =
            comment.attachments.iter().map(|file| file.id.clone()).collect();
        // A file that has crossed cannot be called back when its account keeps its files later.
        let keeps = id.split_once('/').is_some_and(|(owner, _)| world.has_kept_files(owner));
        let more = known.difference(&held).next().is_some() && !keeps && !out_of_reach;
        if more || held.difference(&known).next().is_some() {
            wrong.push(format!(
                "{} holds the files {known:?} in {share}, Deskmesh {comment:?}",
                desk.name
            ));
        }
    }
    wrong
}

fn is_in_a_live_share(world: &World, share: &str, account: usize) -> bool {
    let dispatcher = &world.line.dispatcher;
    let share = contracts::ShareId::new(share).expect("a share's id");
    let Some((_, chain, hop)) = dispatcher.share(&share) else { return false };
    let copy = if hop.sender == world.desks[account].name { hop.near.clone() } else { hop.far() };
    let inactive = dispatcher.inactive();
    chain.live(&inactive).any(|hop| hop.near == copy || hop.far() == copy)
}

/// The two copies of every live share.
fn live_shares(world: &World, states: &BTreeMap<(usize, String), TicketState>) -> Vec<String> {
    let dispatcher = &world.line.dispatcher;
    let inactive = dispatcher.inactive();
    let mut wrong = Vec::new();
    for hop in dispatcher.chains.values().flat_map(|chain| chain.live(&inactive)) {
        let of = |account: &AccountName| {
            let desk = world.desks.iter().position(|desk| desk.name == *account)?;
            states.get(&(desk, hop.share_id.to_string()))
        };
        let (Some(near), Some(far)) = (of(&hop.sender), of(&hop.receiver)) else {
            wrong.push(format!("a live share that a desk does not know: {hop:?}"));
            continue;
        };
        let tags = |state: &TicketState| {
            state
                .tags
                .iter()
                .filter(|tag| tag.present)
                .map(|tag| tag.name.clone())
                .collect::<BTreeSet<_>>()
        };
        if hop.terms.tags && tags(near) != tags(far) {
            wrong.push(format!(
                "tags differ over {}: {:?}, {:?}",
                hop.share_id,
                tags(near),
                tags(far)
            ));
        }
        let order = |state: &TicketState, account: &AccountName| {
            let held =
                state.custom_fields.get(&format!("{account}-order")).map(|held| json!(held.value));
            held.filter(|value| *value != json!({ "clear": true }))
        };
        if hop.terms.custom_fields && order(near, &hop.sender) != order(far, &hop.receiver) {
            wrong.push(format!("a field differs over {}: {near:?}, {far:?}", hop.share_id));
        }
        let image = |status: Status| if status == Status::Hold { Status::Open } else { status };
        let (one, other) = (near.status.status.value, far.status.status.value);
        if hop.terms.syncs_status() && image(one) != other && image(other) != one {
            wrong.push(format!("status differs over {}: {one:?}, {other:?}", hop.share_id));
        }
        wrong.extend(
            comments(hop.terms.comments, near, far)
                .map(|lost| format!("lost over {}: {lost}", hop.share_id)),
        );
    }
    wrong
}

fn comments<'a>(
    terms: CommentTerms,
    near: &'a TicketState,
    far: &'a TicketState,
) -> impl Iterator<Item = String> + 'a {
    let lacks = |state: &'a TicketState, id: &str| {
        !state.comments.iter().any(|comment| comment.id.as_str() == id)
    };
    let outward = near.comments.iter().filter(move |comment| lacks(far, comment.id.as_str()));
    let back = far.comments.iter().filter(move |comment| {
        let may = terms == CommentTerms::PublicAndPrivate || !comment.public;
        may && lacks(near, comment.id.as_str())
    });
    outward.chain(back).map(|comment| format!("{comment:?}"))
}

fn without_null(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}
