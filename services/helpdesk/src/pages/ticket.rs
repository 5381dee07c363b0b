//! A ticket's page.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use contracts::delivery::Side;
use contracts::fields::{CustomStatuses, Status, TicketField};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;
use web::{Failure, Page, Reader, Role, Viewer};

use self::talk::{Line, Talk};
use super::form::Sent;
use super::new::{FieldInput, agents, groups};
use super::{Choice, Number, Pages, Team, no_share, status_name};
use crate::clock::new_id;
use crate::rules::condition::text_of;
use crate::rules::custom_status::{TicketStatus, choices};
use crate::rules::people::{self, Person, Reach};
use crate::rules::pingpong;
use crate::rules::sees::{Hop, Sees, who_sees};
use crate::rules::sharing::{Agreement, Share, ShareField, may_unshare, share_field};
use crate::rules::ticket::{Ticket, status_word};
use crate::store::ticket::Kept;
use crate::store::{cc, custom_status, field, person, rule, setting, sharing, ticket};

mod talk;

/// Why what was sent is shown again and not saved.
pub(super) enum Trouble {
    /// Somebody else changed these meanwhile.
    Conflict(Vec<String>),
    /// These fields cannot hold what was typed.
    Wrong(BTreeMap<String, &'static str>),
    /// The ticket is closed.
    Closed,
}

#[derive(Template)]
#[template(path = "ticket.html")]
#[expect(clippy::struct_excessive_bools, reason = "each shows or hides a part of the page")]
struct TicketPage<'a> {
    t: &'a Reader,
    number: i64,
    subject: &'a str,
    status: &'static str,
    custom_status: Option<String>,
    key: String,
    /// Whose half-typed answer it is, to which ticket.
    draft: String,
    badges: Vec<ShareCard>,
    waits: Option<String>,
    lines: Vec<Line>,
    is_cut: bool,
    trouble: Option<String>,
    rules_pause: bool,
    may_work: bool,
    is_closed: bool,
    body: String,
    recording: String,
    transcript: String,
    public: bool,
    sees_public: Vec<HopLine>,
    sees_note: Vec<HopLine>,
    reach: String,
    shared: bool,
    statuses: Vec<Choice>,
    was_status: String,
    tags: String,
    was_tags: String,
    rule_tags: Vec<String>,
    groups: Vec<Choice>,
    was_group: String,
    agents: Vec<Choice>,
    was_assignee: String,
    fields: Vec<FieldInput>,
    was_fields: BTreeMap<String, String>,
    hold_maps: Vec<String>,
    share: ShareOffer,
    asker: Asker,
    ccs: Vec<Person>,
    kept: Vec<KeptFile>,
    secure: bool,
}

/// A file of an answer that was not saved.
struct KeptFile {
    url: String,
    name: String,
}

impl TicketPage<'_> {
    fn was(&self, key: &str) -> &str {
        self.was_fields.get(key).map(String::as_str).unwrap_or_default()
    }
}

/// A share, as badge and as card.
struct ShareCard {
    id: String,
    inbound: bool,
    live: bool,
    partner: String,
    number: Option<String>,
    terms: String,
    only_they: String,
    may_unshare: bool,
}

/// What stands where tickets are shared.
enum ShareOffer {
    Absent,
    Refused(String),
    Choice(Vec<Choice>),
}

struct Asker {
    name: String,
    email: Option<String>,
    is_placeholder: bool,
    warns: bool,
}

/// One organisation that will or will not see a comment.
struct HopLine {
    class: &'static str,
    icon: &'static str,
    name: String,
    text: String,
}

/// All that a page is made from.
struct Known {
    kept: Kept,
    agreements: Vec<Agreement>,
    shares: Vec<Share>,
    team: Team,
    fields: Vec<TicketField>,
    statuses: CustomStatuses,
    secure: bool,
    asker: Person,
    ccs: Vec<Person>,
    talk: Talk,
    paused: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    all: Option<String>,
}

pub(super) async fn page(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let known = load(&pages, &viewer, &mut connection, number, asked.all.is_some()).await?;
    show(&viewer, known, Typed { sent: &Sent::default(), files: &[] }, None)
}

/// What somebody sent that was not saved.
#[derive(Clone, Copy)]
pub(super) struct Typed<'a> {
    /// The form.
    pub sent: &'a Sent,
    /// Its files, which are kept for now.
    pub files: &'a [Value],
}

/// The page with what was typed, and why it was not saved.
pub(super) async fn again(
    pages: &Pages,
    viewer: &Viewer,
    number: i64,
    typed: &Typed<'_>,
    trouble: Trouble,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let known = load(pages, viewer, &mut connection, number, false).await?;
    show(viewer, known, *typed, Some(&trouble))
}

async fn load(
    pages: &Pages,
    viewer: &Viewer,
    connection: &mut PgConnection,
    number: i64,
    all: bool,
) -> Result<Known, Failure> {
    let account = viewer.account.as_str();
    let kept = ticket::find(connection, account, number).await?.ok_or(Failure::NotFound)?;
    let agreements = sharing::agreements(connection, account).await?;
    let shares = sharing::of_ticket(connection, account, number).await?;
    let team = Team::of(pages.pool(), connection, account).await?;
    let fields = field::list(connection, account).await?;
    let statuses = custom_status::all(connection, account).await?;
    let asker = person::find(connection, account, &kept.ticket.requester).await?;
    let asker = asker.unwrap_or_else(|| Person {
        id: kept.ticket.requester.clone(),
        name: kept.requester_name.clone(),
        email: None,
        partner: None,
    });
    let secure = setting::find(connection, account).await?.secure_downloads;
    let ccs = cc::list(connection, account, number).await?;
    let around = talk::Around {
        viewer,
        agreements: &agreements,
        shares: &shares,
        team: &team,
        fields: &fields,
        statuses: &statuses,
    };
    let talk = talk::lines(connection, &around, number, all).await?;
    let paused = pingpong::pauses(rule::published(connection, account, number).await?);
    Ok(Known { kept, agreements, shares, team, fields, statuses, secure, asker, ccs, talk, paused })
}

fn show(
    viewer: &Viewer,
    known: Known,
    Typed { sent, files }: Typed<'_>,
    trouble: Option<&Trouble>,
) -> Result<Response, Failure> {
    let Known {
        kept,
        agreements,
        shares,
        team,
        fields,
        statuses,
        secure,
        asker,
        ccs,
        talk,
        paused,
    } = known;
    let Talk { lines, waits, is_cut } = talk;
    let ticket = &kept.ticket;
    let standing = ticket.standing().settled(&statuses);
    let chosen =
        sent.one("status").and_then(TicketStatus::read).unwrap_or_else(|| standing.clone());
    let own_tags = ticket.own_tags().cloned().collect::<Vec<_>>().join(", ");
    let id = |held: Option<uuid::Uuid>| held.map(|id| id.to_string()).unwrap_or_default();
    let is_live = |share: &&Share| share.live;
    let wrong = match trouble {
        Some(Trouble::Wrong(wrong)) => wrong.clone(),
        _ => BTreeMap::new(),
    };
    let code = match trouble {
        None => StatusCode::OK,
        Some(Trouble::Wrong(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        Some(_) => StatusCode::CONFLICT,
    };
    let was_fields = fields.iter().map(|field| {
        let held = ticket.fields.get(&field.key).map(text_of).unwrap_or_default();
        (field.key.clone(), held)
    });
    let given = |name: &str, held: Option<uuid::Uuid>| match sent.one(name) {
        Some(_) => sent.id(name),
        None => held,
    };
    let sees = |public| {
        let hops = who_sees(public, &shares, !asker.is_placeholder());
        hops.iter().map(|hop| hop_line(viewer, hop)).collect()
    };
    let page = TicketPage {
        t: viewer,
        number: ticket.number,
        subject: &ticket.subject,
        status: status_word(ticket.status),
        custom_status: standing.name(&statuses).map(str::to_owned),
        key: new_id().to_string(),
        draft: format!("{}/{}", viewer.person, ticket.number),
        badges: shares.iter().map(|share| card(viewer, share)).collect(),
        waits: (waits > 0).then(|| viewer.say_with("ticket.waits", &[("n", &waits)]).into_owned()),
        lines,
        is_cut,
        trouble: trouble.map(|trouble| trouble_text(viewer, &fields, trouble)),
        rules_pause: paused,
        may_work: viewer.role >= Role::Agent,
        is_closed: ticket.status == Status::Closed,
        body: sent.one("body").unwrap_or_default().to_owned(),
        recording: sent.one("recording").unwrap_or_default().to_owned(),
        transcript: sent.one("transcript").unwrap_or_default().to_owned(),
        public: viewer.role >= Role::Agent && sent.one("mode") != Some("note"),
        sees_public: sees(true),
        sees_note: sees(false),
        reach: reach_text(viewer, &people::reach(&asker, &shares), ccs.len()),
        shared: shares.iter().any(|share| share.live),
        statuses: choices(&statuses)
            .into_iter()
            .map(|it| Choice::new(it.word(), status_name(viewer, &statuses, &it), it == chosen))
            .collect(),
        was_status: standing.word(),
        tags: sent.one("tags").map_or_else(|| own_tags.clone(), str::to_owned),
        was_tags: own_tags,
        rule_tags: ticket.rule_tags.iter().cloned().collect(),
        groups: groups(&team, given("group", ticket.group)),
        was_group: id(ticket.group),
        agents: agents(&team, given("assignee", ticket.assignee)),
        was_assignee: id(ticket.assignee),
        fields: inputs(viewer, ticket, &fields, sent, &wrong),
        was_fields: was_fields.collect(),
        hold_maps: shares
            .iter()
            .filter(is_live)
            .filter(|share| share.agreement.as_ref().is_some_and(Agreement::is_public))
            .map(|share| {
                let partner = &share.partner_name;
                viewer.say_with("field.hold_maps", &[("partner", partner)]).into_owned()
            })
            .collect(),
        share: offer(viewer, share_field(ticket, &agreements)),
        asker: Asker {
            warns: people::warns_of_new_requester(&shares),
            is_placeholder: asker.is_placeholder(),
            name: asker.name,
            email: asker.email,
        },
        ccs,
        kept: files.iter().map(kept_file).collect(),
        secure,
    };
    Page::new(viewer, format!("#{} {}", ticket.number, ticket.subject))
        .section("tickets")
        .class("ticket")
        .live("/tickets/live")
        .status(code)
        .body(&page)
}

fn kept_file(file: &Value) -> KeptFile {
    let text = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
    KeptFile { url: text("url"), name: text("filename") }
}

/// The custom fields as they are, or as they were typed.
fn inputs(
    viewer: &Viewer,
    ticket: &Ticket,
    fields: &[TicketField],
    sent: &Sent,
    wrong: &BTreeMap<String, &'static str>,
) -> Vec<FieldInput> {
    let input = |field: &TicketField| {
        let name = format!("field:{}", field.key);
        let value = if sent.one(&format!("was:{name}")).is_some() {
            Value::from(sent.all(&name).join(" "))
        } else {
            ticket.fields.get(&field.key).cloned().unwrap_or_default()
        };
        FieldInput::of(viewer, field, &value, wrong.get(&field.key).copied())
    };
    fields.iter().map(input).collect()
}

fn trouble_text(viewer: &Viewer, fields: &[TicketField], trouble: &Trouble) -> String {
    match trouble {
        Trouble::Closed => viewer.say("ticket.closed").into_owned(),
        Trouble::Wrong(_) => viewer.say("new.error.fields").into_owned(),
        Trouble::Conflict(names) => {
            let name = |name: &String| {
                let field = fields.iter().find(|field| field.key == *name);
                field.map_or_else(
                    || viewer.say(&format!("field.{name}")).into_owned(),
                    |field| field.title.clone(),
                )
            };
            let names = names.iter().map(name).collect::<Vec<_>>().join(", ");
            viewer.say_with("ticket.conflict_in", &[("fields", &names)]).into_owned()
        }
    }
}

fn card(viewer: &Viewer, share: &Share) -> ShareCard {
    let inbound = share.side == Side::Receiver;
    let terms = match share.agreement.as_ref().filter(|_| share.live) {
        None if share.live => String::new(),
        None => viewer.say("share.ended").into_owned(),
        Some(agreement) => {
            let side = if inbound { "in" } else { "out" };
            let kind = if agreement.is_public() { "public" } else { "private" };
            let yes_no = |yes: bool| if yes { "yes" } else { "no" };
            let (tags, fields) = (agreement.terms.tags, agreement.terms.custom_fields);
            let rest = format!("terms.tags_{}_fields_{}", yes_no(tags), yes_no(fields));
            format!("{} {}", viewer.say(&format!("terms.{side}.{kind}")), viewer.say(&rest))
        }
    };
    ShareCard {
        id: share.id.clone(),
        inbound,
        live: share.live,
        partner: share.partner_name.clone(),
        number: share.partner_number.clone(),
        terms,
        only_they: viewer
            .say_with("share.only_they", &[("partner", &share.partner_name)])
            .into_owned(),
        may_unshare: may_unshare(share) && viewer.role >= Role::Agent,
    }
}

fn offer(viewer: &Viewer, field: ShareField<'_>) -> ShareOffer {
    match field {
        _ if viewer.role < Role::Agent => ShareOffer::Absent,
        ShareField::Absent => ShareOffer::Absent,
        ShareField::Refused(why) => ShareOffer::Refused(no_share(viewer, &why)),
        ShareField::Choice(agreements) => {
            let choice = |it: &&Agreement| Choice::new(it.id.clone(), it.label(), false);
            ShareOffer::Choice(agreements.iter().map(choice).collect())
        }
    }
}

fn hop_line(viewer: &Viewer, hop: &Hop) -> HopLine {
    let here = hop.name.is_none();
    let (class, icon, text) = match hop.sees {
        Sees::PrivateOnly => ("hop--no", "eye-off", "sees.private_only"),
        Sees::Agents | Sees::AgentsAndRequester if here => ("hop--here", "eye", "sees.your_agents"),
        Sees::Agents => ("hop--yes", "eye", "sees.agents"),
        Sees::AgentsAndRequester => ("hop--yes", "eye", "sees.agents_and_requester"),
    };
    HopLine {
        class,
        icon,
        name: hop.name.clone().unwrap_or_else(|| viewer.organisation.clone()),
        text: viewer.say(text).into_owned(),
    }
}

fn reach_text(viewer: &Viewer, reach: &Reach, ccs: usize) -> String {
    let requester = match reach {
        Reach::Partner(partner) => viewer.say_with("reach.partner", &[("partner", partner)]),
        Reach::Address(address) => viewer.say_with("reach.address", &[("address", address)]),
        Reach::Nobody => viewer.say("reach.nobody"),
    };
    if ccs == 0 {
        return requester.into_owned();
    }
    format!("{requester} {}", viewer.say_with("reach.ccs", &[("n", &ccs)]))
}
