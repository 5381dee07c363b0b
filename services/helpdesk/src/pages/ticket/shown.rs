//! A ticket's page as it is shown: what is known, and what was typed, put into words.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use contracts::delivery::Side;
use contracts::fields::{CustomStatuses, Status, TicketField};
use web::{Failure, Html, Page, Reader, StaffRole, Viewer};

use super::super::form::Sent;
use super::super::upload::KeptFile;
use super::super::{Choice, no_share, status_name};
use super::sees::{self, Asked};
use super::talk::{Line, Talk};
use super::{Known, Trouble, Typed, props};
use crate::clock::new_id;
use crate::rules::custom_status::{TicketStatus, choices};
use crate::rules::people::{self, EndUser, ReplyReach};
use crate::rules::sharing::{Agreement, Share, ShareField, may_unshare, share_field};
use crate::rules::ticket::status_word;

/// Parts of the page that hold nothing that somebody may have typed. `#sees` is one until the line
/// was asked: what it said has another name.
const PARTS: [&str; 5] = ["#head", "#talk", "#sees", "#reach", "#sharing"];

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
    may_change_ccs: bool,
    is_closed: bool,
    answer: Answer,
    sees: Html,
    reach: String,
    shared: bool,
    props: Html,
    share: ShareOffer,
    asker: Asker,
    /// What was typed of another requester: name and address.
    new_asker: Option<(String, String)>,
    /// What was typed of a ticket to be merged into.
    merge_into: Option<String>,
    ccs: Vec<EndUser>,
    kept: Vec<KeptFile>,
    secure: bool,
}

/// The form for an answer.
#[derive(Default)]
struct Answer {
    body: String,
    recording: String,
    transcript: String,
    public: bool,
    /// What the status is set to with it, if it is.
    was_status: String,
    then: Vec<Choice>,
    then_note: Option<String>,
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
    /// Whether the form to give it an address is there.
    takes_address: bool,
    warns: bool,
}

/// The page with what was typed in it.
pub(super) fn show(
    viewer: &Viewer,
    known: Known,
    Typed { sent, files }: Typed<'_>,
    trouble: Option<&Trouble>,
    asked: &Asked,
) -> Result<Response, Failure> {
    let Known {
        live,
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
        all,
        paused,
    } = known;
    let Talk { lines, waits, is_cut } = talk;
    let ticket = &kept.ticket;
    let standing = ticket.standing().settled(&statuses);
    let may_work = viewer.role >= StaffRole::Agent;
    let is_closed = ticket.status == Status::Closed;
    let code = match trouble {
        None => StatusCode::OK,
        Some(Trouble::Wrong(_) | Trouble::Requester(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        Some(_) => StatusCode::CONFLICT,
    };
    // Two forms of the page send to the same place: what one of them held is not the other's.
    let nothing = Sent::default();
    let is_answer = sent.one("mode").is_some();
    let (answer, properties) = if is_answer { (sent, &nothing) } else { (&nothing, sent) };
    let around = sees::Around {
        viewer,
        number: ticket.number,
        shares: &shares,
        requester_is_here: !asker.is_placeholder(),
    };
    let sees = part(&sees::part(&around, asked))?;
    let around = props::Around {
        viewer,
        ticket,
        shares: &shares,
        team: &team,
        fields: &fields,
        statuses: &statuses,
    };
    let props = part(&props::props(&around, properties, trouble))?;
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
        may_work,
        may_change_ccs: may_work && !is_closed,
        is_closed,
        answer: Answer {
            public: starts_public(viewer, answer, &shares),
            was_status: standing.word(),
            ..typed_answer(viewer, answer, &statuses, trouble)
        },
        sees,
        reach: reach_text(viewer, &people::reach(&asker, &shares, &agreements), ccs.len()),
        shared: shares.iter().any(|share| share.live),
        props,
        share: offer(viewer, share_field(ticket, &agreements)),
        new_asker: matches!(trouble, Some(Trouble::Requester(_))).then(|| {
            let typed = |name: &str| sent.one(name).unwrap_or_default().to_owned();
            (typed("name"), typed("email"))
        }),
        merge_into: matches!(trouble, Some(Trouble::Merge(_)))
            .then(|| sent.one("into").unwrap_or_default().to_owned()),
        asker: Asker {
            warns: people::warns_of_new_requester(&shares),
            takes_address: may_work && people::takes_address(&asker, ticket.status),
            is_placeholder: asker.is_placeholder(),
            name: asker.name,
            email: asker.email,
        },
        ccs,
        kept: KeptFile::of(files),
        secure,
    };
    Page::new(viewer, format!("#{} {}", ticket.number, ticket.subject))
        .section("tickets")
        .class("ticket")
        .live(&live)
        .renews(format!("/tickets/{}{}", ticket.number, if all { "?all=yes" } else { "" }), &PARTS)
        .status(code)
        .body(&page)
}

/// What was typed of an answer. A status that was refused is said, and not chosen any more.
fn typed_answer(
    viewer: &Viewer,
    answer: &Sent,
    statuses: &CustomStatuses,
    trouble: Option<&Trouble>,
) -> Answer {
    let text = |name: &str| answer.one(name).unwrap_or_default().to_owned();
    let chosen = answer.text("status").unwrap_or_default();
    let is_refused = matches!(trouble, Some(Trouble::Conflict(_))) && !chosen.is_empty();
    let then_note = is_refused.then(|| {
        let value = TicketStatus::read(chosen).map(|it| status_name(viewer, statuses, &it));
        let value = value.unwrap_or_default();
        viewer.say_with("props.you_chose", &[("value", &value)]).into_owned()
    });
    Answer {
        body: text("body"),
        recording: text("recording"),
        transcript: text("transcript"),
        then: status_choices(viewer, statuses, if is_refused { "" } else { chosen }),
        then_note,
        ..Answer::default()
    }
}

fn part(part: &impl Template) -> Result<Html, Failure> {
    part.render().map(Html::trusted).map_err(|error| Failure::internal(&error))
}

/// Whether the form for an answer starts as a public reply: not where the terms let private
/// comments alone cross.
fn starts_public(viewer: &Viewer, answer: &Sent, shares: &[Share]) -> bool {
    let is_private = |share: &Share| {
        let agreement = share.agreement.as_ref();
        share.live
            && share.side == Side::Receiver
            && agreement.is_some_and(|agreement| !agreement.is_public())
    };
    viewer.role >= StaffRole::Agent
        && match answer.one("mode") {
            Some(mode) => mode != "note",
            None => !shares.iter().any(is_private),
        }
}

/// Every status that can be chosen, by its name.
pub(super) fn status_choices(viewer: &Viewer, known: &CustomStatuses, chosen: &str) -> Vec<Choice> {
    let choice = |it: TicketStatus| {
        let is_chosen = it.word() == chosen;
        Choice::new(it.word(), status_name(viewer, known, &it), is_chosen)
    };
    choices(known).into_iter().map(choice).collect()
}

fn trouble_text(viewer: &Viewer, fields: &[TicketField], trouble: &Trouble) -> String {
    match trouble {
        Trouble::Closed => viewer.say("ticket.closed").into_owned(),
        Trouble::Requester(why) | Trouble::Merge(why) => viewer.say(why).into_owned(),
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
        may_unshare: may_unshare(share) && viewer.role >= StaffRole::Agent,
    }
}

fn offer(viewer: &Viewer, field: ShareField<'_>) -> ShareOffer {
    match field {
        _ if viewer.role < StaffRole::Agent => ShareOffer::Absent,
        ShareField::Absent => ShareOffer::Absent,
        ShareField::Refused(why) => ShareOffer::Refused(no_share(viewer, &why)),
        ShareField::Choice(agreements) => {
            let choice = |it: &&Agreement| Choice::new(it.id.clone(), it.label(), false);
            ShareOffer::Choice(agreements.iter().map(choice).collect())
        }
    }
}

fn reach_text(viewer: &Viewer, reach: &ReplyReach, ccs: usize) -> String {
    let requester = match reach {
        ReplyReach::Partner(partner) => viewer.say_with("reach.partner", &[("partner", partner)]),
        ReplyReach::Address(address) => viewer.say_with("reach.address", &[("address", address)]),
        ReplyReach::Nobody => viewer.say("reach.nobody"),
    };
    if ccs == 0 {
        return requester.into_owned();
    }
    format!("{requester} {}", viewer.say_with("reach.ccs", &[("n", &ccs)]))
}
