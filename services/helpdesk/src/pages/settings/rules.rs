//! Triggers, automations and views.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use contracts::fields::{CustomStatuses, TicketField};
use sqlx::PgConnection;
use uuid::Uuid;
use web::{Failure, Html, Page, Reader, StaffRole, Viewer, see_other, see_other_said};

use super::rule_form::{Names, Read, Row};
use super::side;
use crate::clock::{new_id, now};
use crate::pages::confirm::{self, Question};
use crate::pages::form::Sent;
use crate::pages::{Pages, Team, no_share};
use crate::rules::condition::TicketEvent;
use crate::rules::name::is_name;
use crate::rules::sharing::Agreement;
use crate::rules::trigger::{self, Rule};
use crate::store::rule::{self, Definition, KeptRule, Kind, Saved};
use crate::store::ticket::Kept;
use crate::store::{audit, custom_status, field, sharing, ticket};

/// Tickets of a dry run.
const TRIED: i64 = 100;

#[derive(Template)]
#[template(path = "rules.html")]
struct List<'a> {
    t: &'a Reader,
    kind: &'static str,
    title: String,
    about: String,
    rules: Vec<Line>,
}

struct Line {
    id: Uuid,
    name: String,
    is_on: bool,
    changed_by: String,
    changed_at: Html,
}

#[derive(Template)]
#[template(path = "rule.html")]
struct Form<'a> {
    t: &'a Reader,
    kind: &'static str,
    id: Uuid,
    is_new: bool,
    title: String,
    about: String,
    name: String,
    is_on: bool,
    has_actions: bool,
    all: Vec<Row>,
    any: Vec<Row>,
    actions: Vec<Row>,
    error: Option<String>,
    tried: Option<Tried>,
}

/// What a dry run came to.
struct Tried {
    fires: usize,
    shares: usize,
    stopped: usize,
    nothing: usize,
    not: usize,
    rows: Vec<TriedRow>,
}

struct TriedRow {
    number: i64,
    subject: String,
    level: &'static str,
    icon: &'static str,
    result: String,
    because: String,
}

/// What the forms of an account are made with.
struct Known {
    team: Team,
    agreements: Vec<Agreement>,
    fields: Vec<TicketField>,
    statuses: CustomStatuses,
}

impl Known {
    async fn of(connection: &mut PgConnection, account: &str) -> sqlx::Result<Self> {
        Ok(Self {
            team: Team::of(connection, account).await?,
            agreements: sharing::agreements(connection, account).await?,
            fields: field::list(connection, account).await?,
            statuses: custom_status::all(connection, account).await?,
        })
    }

    fn names<'a>(&'a self, viewer: &'a Viewer) -> Names<'a> {
        let Self { team, agreements, fields, statuses } = self;
        Names { viewer, team, agreements, fields, statuses }
    }
}

fn path(kind: Kind) -> String {
    format!("/settings/rules/{}", kind.word())
}

fn kind_of(word: &str) -> Result<Kind, Failure> {
    Kind::of(word).ok_or(Failure::NotFound)
}

pub(in crate::pages) async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(kind): Path<String>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let kind = kind_of(&kind)?;
    let mut connection = pages.pool().acquire().await?;
    let rules = rule::list(&mut connection, &viewer.account, kind).await?;
    let line = |rule: KeptRule| Line {
        id: rule.id,
        name: rule.name,
        is_on: rule.is_on,
        changed_by: rule.changed_by,
        changed_at: viewer.time(rule.changed_at),
    };
    let title = viewer.say(&format!("settings.{}s", kind.word())).into_owned();
    let body = List {
        t: &viewer,
        kind: kind.word(),
        about: viewer.say(&format!("rules.about.{}", kind.word())).into_owned(),
        title: title.clone(),
        rules: rules.into_iter().map(line).collect(),
    };
    Page::new(&viewer, title).section("settings").side(side(&viewer, &path(kind))).body(&body)
}

pub(in crate::pages) async fn form(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let kind = kind_of(&kind)?;
    let mut connection = pages.pool().acquire().await?;
    let known = Known::of(&mut connection, &viewer.account).await?;
    let (id, held) = if id == "new" {
        (new_id(), None)
    } else {
        let id = Uuid::parse_str(&id).map_err(|_| Failure::NotFound)?;
        let held = rule::find(&mut connection, &viewer.account, kind, id).await?;
        (id, Some(held.ok_or(Failure::NotFound)?))
    };
    let definition = held.as_ref().map(|held| held.definition.0.clone()).unwrap_or_default();
    let shown = Shown {
        kind,
        id,
        is_new: held.is_none(),
        name: held.as_ref().map(|held| held.name.clone()).unwrap_or_default(),
        is_on: held.as_ref().is_none_or(|held| held.is_on),
        read: known.names(&viewer).rows(kind, &definition),
        error: None,
        tried: None,
    };
    show(&viewer, shown)
}

struct Shown {
    kind: Kind,
    id: Uuid,
    is_new: bool,
    name: String,
    is_on: bool,
    read: Read,
    error: Option<&'static str>,
    tried: Option<Tried>,
}

fn show(viewer: &Viewer, shown: Shown) -> Result<Response, Failure> {
    let Shown { kind, id, is_new, name, is_on, read, error, tried } = shown;
    let status = match error {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let title = if is_new {
        viewer.say(&format!("rule.new.{}", kind.word())).into_owned()
    } else {
        name.clone()
    };
    let body = Form {
        t: viewer,
        kind: kind.word(),
        id,
        is_new,
        title: title.clone(),
        about: viewer.say(&format!("rules.about.{}", kind.word())).into_owned(),
        name,
        is_on,
        has_actions: kind != Kind::View,
        all: read.all,
        any: read.any,
        actions: read.actions,
        error: error.map(|key| viewer.say(key).into_owned()),
        tried,
    };
    Page::new(viewer, title)
        .section("settings")
        .side(side(viewer, &path(kind)))
        .crumb(path(kind), viewer.say(&format!("settings.{}s", kind.word())))
        .status(status)
        .body(&body)
}

/// Saves a rule, tries it out, shows another row, or takes it away.
pub(in crate::pages) async fn save(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path((kind, id)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let kind = kind_of(&kind)?;
    let id = Uuid::parse_str(&id).map_err(|_| Failure::NotFound)?;
    let account = viewer.account.as_str();
    let mut connection = pages.pool().acquire().await?;
    let is_new = rule::find(&mut connection, account, kind, id).await?.is_none();
    if is_new && sent.one("new").is_none() {
        return Err(Failure::NotFound);
    }
    let name = sent.text("name").unwrap_or_default().to_owned();
    if sent.one("do") == Some("delete") {
        if !confirm::is_sure(&sent) {
            let here = format!("{}/{id}", path(kind));
            let question = Question::of(&viewer, "delete_rule", &name, here.clone())
                .back_to(here)
                .in_settings(side(&viewer, &path(kind)));
            return confirm::ask(&viewer, &sent, &question);
        }
        rule::delete(&mut connection, account, kind, id).await?;
        audit::add(&mut connection, account, &viewer.name, "audit.rule_deleted", &name).await?;
        return Ok(see_other_said(&path(kind), "said.deleted"));
    }
    let known = Known::of(&mut connection, account).await?;
    let mut read = known.names(&viewer).read(kind, &sent);
    if sent.one("do") == Some("more") {
        // What has no value yet is being filled in.
        let rows = read.all.iter_mut().chain(&mut read.any).chain(&mut read.actions);
        rows.filter(|row| row.value.trim().is_empty()).for_each(|row| row.error = None);
    }
    let error = problem(kind, &name, &read);
    let is_on = sent.one("on").is_some();
    let is_dry_run = sent.one("do") == Some("dry") && error.is_none();
    let tried = if is_dry_run {
        let rule = Rule {
            id,
            name: name.clone(),
            when: read.definition.when.clone(),
            actions: read.definition.actions.clone(),
        };
        let tickets = ticket::newest(&mut connection, account, TRIED).await?;
        Some(try_out(&known.names(&viewer), kind, &rule, &tickets))
    } else {
        None
    };
    if error.is_some() || ["dry", "more"].map(Some).contains(&sent.one("do")) {
        let error = error.filter(|_| sent.one("do") != Some("more"));
        let shown = Shown { kind, id, is_new, name, is_on, read, error, tried };
        return show(&viewer, shown);
    }
    let definition: &Definition = &read.definition;
    let saved = Saved { name: &name, is_on, definition, by: &viewer.name };
    if !rule::save(&mut connection, account, kind, id, &saved).await? {
        return Err(Failure::NotFound);
    }
    audit::add(&mut connection, account, &viewer.name, "audit.rule_saved", &name).await?;
    Ok(see_other_said(&path(kind), "said.saved"))
}

fn problem(kind: Kind, name: &str, read: &Read) -> Option<&'static str> {
    if !is_name(name) {
        return Some("rule.error.name");
    }
    if !read.is_whole {
        return Some("rule.error.rows");
    }
    if kind != Kind::View && read.definition.actions.is_empty() {
        return Some("rule.error.actions");
    }
    // A trigger without a condition would run on everything by mistake.
    (kind != Kind::View && read.definition.when.iter().next().is_none())
        .then_some("rule.error.conditions")
}

pub(in crate::pages) async fn earlier(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let kind = kind_of(&kind)?;
    let id = Uuid::parse_str(&id).map_err(|_| Failure::NotFound)?;
    let mut connection = pages.pool().acquire().await?;
    let held = rule::find(&mut connection, &viewer.account, kind, id).await?;
    held.ok_or(Failure::NotFound)?;
    rule::earlier(&mut connection, &viewer.account, kind, id).await?;
    Ok(see_other(&path(kind)))
}

/// What a rule would do to tickets as they are; nothing of it is done.
fn try_out(names: &Names<'_>, kind: Kind, rule: &Rule, tickets: &[Kept]) -> Tried {
    let mut tried = Tried { fires: 0, shares: 0, stopped: 0, nothing: 0, not: 0, rows: Vec::new() };
    for kept in tickets {
        let row = try_one(names, kind, rule, kept, &mut tried);
        tried.rows.push(row);
    }
    tried
}

fn try_one(names: &Names<'_>, kind: Kind, rule: &Rule, kept: &Kept, tried: &mut Tried) -> TriedRow {
    let viewer = names.viewer;
    let hours = (now().utc() - kept.updated_at).num_hours();
    let events: &[TicketEvent] = match kind {
        Kind::Trigger => &[TicketEvent::Created, TicketEvent::Updated],
        Kind::Automation | Kind::View => &[TicketEvent::Hours(hours)],
    };
    let event = events.iter().find(|event| rule.when.hold(&kept.ticket, **event));
    let row = |level, icon, key: &str, because: String| TriedRow {
        number: kept.ticket.number,
        subject: kept.ticket.subject.clone(),
        level,
        icon,
        result: viewer.say(key).into_owned(),
        because,
    };
    let Some(event) = event else {
        tried.not += 1;
        let unmet = rule.when.unmet(&kept.ticket, events[0]);
        let unmet: Vec<String> = unmet.into_iter().map(|it| names.sentence(it)).collect();
        let because = viewer.say_with("tried.because", &[("condition", &unmet.join(", "))]);
        return row("off", "x", "tried.not", because.into_owned());
    };
    let rules = std::slice::from_ref(rule);
    let run = trigger::run(rules, kept.ticket.clone(), *event, names.agreements);
    if let Some(why) = run.fired.iter().find_map(|fired| fired.stopped.as_ref()) {
        tried.stopped += 1;
        return row("warn", "alert", "tried.stopped", no_share(viewer, why));
    }
    if !run.fired.iter().any(|fired| fired.changed) {
        tried.nothing += 1;
        return row("off", "check", "tried.nothing", viewer.say("tried.so_already").into_owned());
    }
    tried.fires += 1;
    tried.shares += usize::from(run.shares().is_some());
    row("ok", "check", "tried.fires", String::new())
}
