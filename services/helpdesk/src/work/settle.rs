//! A change of a ticket, carried out: rules run on it, its history is written, and the line is told
//! what is a partner's matter. All of it in the caller's transaction.

use desk::outbox::RequestError;
use desk::store::shown;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::command::{self, send, told};
use super::whole::whole;
use super::{By, mails};
use crate::clock::new_id;
use crate::rules::condition::TicketEvent;
use crate::rules::history::{self, Entry};
use crate::rules::pingpong;
use crate::rules::publish;
use crate::rules::sharing::{Agreement, NoShare, Share, may_share};
use crate::rules::ticket::Channel;
use crate::rules::trigger::{self, Fired, Rule, Run};
use crate::store::comment::{self, Comment};
use crate::store::rule::Kind;
use crate::store::ticket::{self, Kept};
use crate::store::{attachment, custom_status, event, rule, sharing};

/// Why a change was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// It could not be sent.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It may not be shared.
    #[error(transparent)]
    NoShare(#[from] NoShare),
    /// The account is not kept here.
    #[error("the account is not kept here")]
    NoSuchAccount,
}

/// A change to be carried out.
#[derive(Debug)]
pub(super) struct Change<'a> {
    /// Who made it.
    pub by: &'a By,
    /// By what way.
    pub channel: Channel,
    /// The ticket as it was; nothing: it is new.
    pub before: Option<&'a Kept>,
    /// The ticket as whoever made it wants it.
    pub after: Kept,
    /// What its history says first, and who did that.
    pub opening: Option<(&'a str, Entry)>,
    /// Which partner made it, where one did.
    pub partner: Option<Partner<'a>>,
    /// What was said with it.
    pub comments: Vec<Comment>,
    /// The agreement under which it is to be shared.
    pub share_under: Option<&'a str>,
    /// The rules that run on it; nothing: the account's triggers.
    pub rules: Option<&'a [Rule]>,
    /// What the rules are told that happened.
    pub event: TicketEvent,
}

impl<'a> Change<'a> {
    /// A change by this way, without comments: the account's triggers run on it.
    pub fn of(by: &'a By, channel: Channel, before: Option<&'a Kept>, after: Kept) -> Self {
        let event = if before.is_some() { TicketEvent::Updated } else { TicketEvent::Created };
        Self {
            by,
            channel,
            before,
            after,
            opening: None,
            partner: None,
            comments: Vec::new(),
            share_under: None,
            rules: None,
            event,
        }
    }
}

/// Who of another organisation did something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partner<'a> {
    /// Their account, as far as it is told.
    pub account: &'a str,
    /// The person, as far as it is told.
    pub person: Option<&'a str>,
}

/// What else is known of the ticket.
struct Around {
    agreements: Vec<Agreement>,
    shares: Vec<Share>,
}

/// Carries a change out.
pub(super) async fn settle(
    connection: &mut PgConnection,
    change: Change<'_>,
) -> Result<Kept, SettleError> {
    let (by, number) = (change.by, change.after.ticket.number);
    let account = by.account.as_str();
    let around = Around {
        agreements: sharing::agreements(connection, account).await?,
        shares: sharing::of_ticket(connection, account, number).await?,
    };
    let statuses = custom_status::all(connection, account).await?;
    let mut after = change.after;
    after.ticket.settle_status(&statuses);
    let before = change.before.map(|before| {
        let mut before = before.clone();
        before.ticket.settle_status(&statuses);
        before
    });
    let share_under = match change.share_under {
        Some(id) => {
            let agreement = may_share(&after.ticket, id, &around.agreements)?;
            after.ticket.sent_to = Some(agreement.partner.clone());
            Some(id.to_owned())
        }
        None => None,
    };
    let run = run_rules(connection, by, &after, change.rules, change.event, &around).await?;
    let mut done = after.clone();
    done.ticket = run.ticket.clone();
    done.ticket.settle_status(&statuses);
    if run.fired.iter().any(|fired| fired.changed) {
        done.ticket.updated_via =
            if change.channel == Channel::Rule { Channel::Rule } else { after.ticket.updated_via };
    }
    if before.is_none() {
        ticket::insert(connection, account, &done).await?;
    } else {
        ticket::save(connection, account, &done).await?;
    }
    let new = comment::insert(connection, account, number, &change.comments).await?;
    if let Some((who, entry)) = change.opening {
        event::add(connection, account, number, by.now.utc(), who, &[entry]).await?;
    }
    let before = before.as_ref().unwrap_or(&after);
    let (who, own) = if let Some(Partner { account, person }) = change.partner {
        (account, history::of_partner(&before.ticket, &after.ticket, person))
    } else {
        let own = history::entries(&before.ticket, &after.ticket, change.channel);
        (by.actor.name.as_str(), own)
    };
    event::add(connection, account, number, by.now.utc(), who, &own).await?;
    write_rules_history(connection, by, [&after, &done], &run.fired).await?;
    publish(connection, by, change.channel, [before, &after, &done], &change.comments, &around)
        .await?;
    let said: Vec<&Comment> =
        change.comments.iter().filter(|it| it.public && new.contains(&it.id)).collect();
    let own: Vec<&Comment> = change.comments.iter().filter(|it| new.contains(&it.id)).collect();
    attachment::link(connection, account, &own).await?;
    let told = mails::Told { shares: &around.shares, agreements: &around.agreements };
    mails::said(connection, account, &done.ticket, &said, &told).await?;
    let written: Vec<_> = run.mails().collect();
    mails::of_rules(connection, account, &done.ticket, &written, &told).await?;
    let by_rule = run.shares().map(str::to_owned);
    if let Some(agreement) = share_under.or(by_rule.clone()) {
        share(connection, by, &done, &agreement, &around.shares).await?;
        if by_rule.is_some() {
            rule::publishes(connection, account, number).await?;
        }
    }
    Ok(done)
}

/// Runs the rules on what happened, unless they pause for this ticket.
async fn run_rules(
    connection: &mut PgConnection,
    by: &By,
    after: &Kept,
    rules: Option<&[Rule]>,
    event: TicketEvent,
    around: &Around,
) -> Result<Run, SettleError> {
    let (account, number) = (by.account.as_str(), after.ticket.number);
    let still = Run { ticket: after.ticket.clone(), fired: Vec::new() };
    let loaded;
    let rules = if let Some(rules) = rules {
        rules
    } else {
        loaded = rule::in_force(connection, account, Kind::Trigger).await?;
        &loaded
    };
    let run = trigger::run(rules, after.ticket.clone(), event, &around.agreements);
    if run.fired.is_empty() {
        return Ok(still);
    }
    if !pingpong::pauses(rule::published(connection, account, number).await?) {
        return Ok(run);
    }
    let names: Vec<&str> = run.fired.iter().map(|fired| fired.name.as_str()).collect();
    let paused = Entry { kind: "rules_paused", detail: json!({ "rules": names }) };
    event::add(connection, account, number, by.now.utc(), "", &[paused]).await?;
    Ok(still)
}

async fn write_rules_history(
    connection: &mut PgConnection,
    by: &By,
    [after, done]: [&Kept; 2],
    fired: &[Fired],
) -> Result<(), SettleError> {
    let (account, at) = (by.account.as_str(), by.now.utc());
    let number = done.ticket.number;
    // One that found everything as it wants it did nothing.
    let did = |fired: &&Fired| fired.changed || fired.stopped.is_some();
    let fired: Vec<&Fired> = fired.iter().filter(did).collect();
    let names: Vec<&str> = fired.iter().map(|fired| fired.name.as_str()).collect();
    for fired in fired {
        let stopped = fired.stopped.as_ref().map(ToString::to_string);
        let entry = Entry { kind: "rule", detail: json!({ "stopped": stopped }) };
        event::add(connection, account, number, at, &fired.name, &[entry]).await?;
    }
    let of_rules = history::entries(&after.ticket, &done.ticket, Channel::Rule);
    event::add(connection, account, number, at, &names.join(", "), &of_rules).await?;
    Ok(())
}

/// Has the line told what changed, where the ticket is in a live share. What a partner set is not
/// told back.
async fn publish(
    connection: &mut PgConnection,
    by: &By,
    channel: Channel,
    [before, after, done]: [&Kept; 3],
    comments: &[Comment],
    around: &Around,
) -> Result<(), SettleError> {
    let (account, number) = (by.account.as_str(), done.ticket.number);
    let from = if channel == Channel::Sharing { after } else { before };
    let own: Vec<Value> =
        comments.iter().filter(|comment| comment.received_from.is_none()).map(told).collect();
    let Some(changed) = publish::change(&from.ticket, &done.ticket, &own) else { return Ok(()) };
    if !around.shares.iter().any(|share| share.live) {
        return Ok(());
    }
    let of_people = publish::change(&from.ticket, &after.ticket, &own);
    if channel == Channel::Rule || of_people.as_ref() != Some(&changed) {
        rule::publishes(connection, account, number).await?;
    }
    let held = shown::of_number(connection, account, &number.to_string()).await?;
    let held = held.as_ref().map(|row| &row.ticket);
    let content = command::update(number, &around.shares, held, changed, by);
    send(connection, &by.account, "ticket.update.v1", content).await
}

/// Has the line told the whole ticket, for a partner. What does not fit follows its receipt.
async fn share(
    connection: &mut PgConnection,
    by: &By,
    done: &Kept,
    agreement: &str,
    shares: &[Share],
) -> Result<(), SettleError> {
    let ticket = [(done.clone(), shares.to_vec())];
    let ticket = whole(connection, by.account.as_str(), &ticket).await?;
    let content = json!({
        "agreement_id": agreement,
        "share_id": new_id().to_string(),
        "ticket": ticket.first(),
        "actor": by.actor,
        "occurred_at": by.now,
    });
    send(connection, &by.account, "ticket.share.v1", content).await
}
