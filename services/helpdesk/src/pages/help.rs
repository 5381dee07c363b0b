//! What whoever asks sees: a form, a page to confirm an address, and one to follow a request and
//! answer. Nobody signs in: links in mails are signed.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use contracts::AccountName;
use contracts::fields::Status;
use sqlx::PgConnection;
use uuid::Uuid;
use web::{Failure, Html, Reader, Visitor, see_other, see_other_said};

use super::new::{SUBJECT, is_address};
use super::text::{FileLink, links, paragraphs};
use super::upload::{self, KeptFile, Submitted};
use super::{Pages, unbounded};
use crate::clock::{new_id, now};
use crate::rules::link::Link;
use crate::rules::name::is_name;
use crate::rules::people::EndUser;
use crate::rules::ticket::{Ticket, status_word};
use crate::store::desk_address::{AskedDesk, link_key};
use crate::store::{asked, cc, comment, desk_address, person, ticket};
use crate::work::agent::{EditError, Written};
use crate::work::asker::{self, RequestForm};

/// Bytes of a form.
const FORM_BYTES: usize = 128 * 1024;
/// Characters of what is written.
const BODY: usize = 20_000;
/// Comments that the page shows, the newest.
const SHOWN: i64 = 200;
/// Requests and answers within ten minutes: of one address, of one ticket, and from one place.
const OF_ADDRESS: i32 = 5;
const OF_TICKET: i32 = 20;
const OF_PLACE: i32 = 60;

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/help/{address}", get(form).post(ask).layer(unbounded()))
        .route("/help/{address}/confirm/{id}/{signature}", get(confirming).post(confirm))
        .route(
            "/help/{address}/requests/{number}/{signature}",
            get(request).post(answer).layer(unbounded()),
        )
        .layer(DefaultBodyLimit::max(FORM_BYTES))
}

#[derive(Template)]
#[template(path = "ask.html")]
struct AskPage<'a> {
    t: &'a Reader,
    organisation: &'a str,
    address: &'a str,
    key: String,
    name: String,
    email: String,
    subject: String,
    body: String,
    kept: Vec<KeptFile>,
    errors: Vec<(&'static str, String)>,
}

impl AskPage<'_> {
    fn error(&self, name: &str) -> Option<&str> {
        self.errors.iter().find(|(field, _)| *field == name).map(|(_, text)| text.as_str())
    }
}

async fn desk(connection: &mut PgConnection, address: &str) -> Result<AskedDesk, Failure> {
    desk_address::find(connection, address).await?.ok_or(Failure::NotFound)
}

fn name_of(desk: &AskedDesk) -> Result<AccountName, Failure> {
    AccountName::new(desk.account.as_str()).map_err(|error| Failure::internal(&error))
}

fn show_form(
    visitor: &Visitor,
    desk: &AskedDesk,
    Submitted { sent, files }: &Submitted,
    errors: Vec<(&'static str, String)>,
) -> Result<Response, Failure> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let text = |name: &str| sent.one(name).unwrap_or_default().to_owned();
    let page = AskPage {
        t: visitor,
        organisation: &desk.organisation,
        address: &desk.address,
        key: sent.id("key").unwrap_or_else(new_id).to_string(),
        name: text("name"),
        email: text("email"),
        subject: text("subject"),
        body: text("body"),
        kept: KeptFile::of(files),
        errors,
    };
    visitor.page(&visitor.say("ask.title"), status, &page)
}

async fn form(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(address): Path<String>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let desk = desk(&mut connection, &address).await?;
    if !desk.asks {
        return Err(Failure::NotFound);
    }
    show_form(&visitor, &desk, &Submitted::default(), Vec::new())
}

async fn ask(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(address): Path<String>,
    request: axum::extract::Request,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let desk = desk(&mut connection, &address).await?;
    drop(connection);
    if !desk.asks {
        return Err(Failure::NotFound);
    }
    // Before anything of it is kept.
    visitor.tries(pages.pool(), &[], Some(OF_PLACE)).await?;
    let whose = (desk.account.as_str(), &*visitor);
    let submitted = upload::read_of_visitor(&pages, whose, FORM_BYTES, request).await?;
    let sent = &submitted.sent;
    let text = |name: &str| sent.text(name).unwrap_or_default();
    let (name, email) = (text("name"), text("email"));
    let (subject, body) = (text("subject"), text("body"));
    let mut errors = Vec::new();
    let mut must = |field: &'static str, ok: bool, key: &str| {
        if !ok {
            errors.push((field, visitor.say(key).into_owned()));
        }
    };
    let fits = |text: &str, most: usize| !text.is_empty() && text.chars().count() <= most;
    must("name", is_name(name), "ask.error.name");
    must("email", is_address(email), "ask.error.email");
    must("subject", fits(subject, SUBJECT), "ask.error.subject");
    must("body", fits(body, BODY), "ask.error.body");
    if !errors.is_empty() {
        return show_form(&visitor, &desk, &submitted, errors);
    }
    let counted = format!("ask\n{}\n{}", desk.account, email.to_lowercase());
    visitor.tries(pages.pool(), &[(counted.as_str(), OF_ADDRESS)], None).await?;
    let request = RequestForm {
        id: sent.id("key").unwrap_or_else(new_id),
        name: name.to_owned(),
        email: email.to_owned(),
        language: visitor.language.tag(),
        subject: subject.to_owned(),
        body: body.to_owned(),
        attachments: submitted.files.clone(),
    };
    asker::ask(pages.pool(), &name_of(&desk)?, now(), request).await.map_err(failure)?;
    pages.sent();
    Ok(see_other_said(&format!("/help/{}", desk.address), "said.asked"))
}

fn failure(error: impl Into<EditError>) -> Failure {
    use crate::work::settle::SettleError;
    match error.into() {
        EditError::Settle(SettleError::Database(error)) => error.into(),
        EditError::Settle(error) => Failure::internal(&error),
        EditError::NotFound | EditError::Closed | EditError::Conflict(_) => Failure::NotFound,
    }
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    t: &'a Reader,
    email: &'a str,
    path: String,
}

/// A link that confirms an address, and that it is signed.
async fn signed(
    connection: &mut PgConnection,
    address: &str,
    id: &str,
    signature: &str,
) -> Result<(AskedDesk, Uuid, Vec<u8>), Failure> {
    let desk = desk(connection, address).await?;
    let key = link_key(connection, &desk.account, [new_id(), new_id()]).await?;
    let uuid = Uuid::parse_str(id).map_err(|_| Failure::NotFound)?;
    if !Link::Confirm(&uuid.to_string()).is_signed(&key, signature) {
        return Err(Failure::NotFound);
    }
    Ok((desk, uuid, key))
}

/// Asks whether it was they: what follows links by itself confirms nothing.
async fn confirming(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path((address, id, signature)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let (desk, id, key) = signed(&mut connection, &address, &id, &signature).await?;
    let waiting = asked::find(&mut connection, &desk.account, id).await?;
    let waiting = waiting.ok_or(Failure::NotFound)?;
    let path = Link::Confirm(&id.to_string()).path(&desk.address, &key);
    let page = ConfirmPage { t: &visitor, email: &waiting.email, path };
    visitor.page(&visitor.say("confirm.title"), StatusCode::OK, &page)
}

async fn confirm(
    State(pages): State<Pages>,
    Path((address, id, signature)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let (desk, id, key) = signed(&mut connection, &address, &id, &signature).await?;
    drop(connection);
    let opened = asker::confirm(pages.pool(), &name_of(&desk)?, now(), id).await;
    let Some((number, asker)) = opened.map_err(failure)? else { return Err(Failure::NotFound) };
    pages.sent();
    let path = Link::Request(number, &asker.id).path(&desk.address, &key);
    Ok(see_other_said(&path, "said.confirmed"))
}

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage<'a> {
    t: &'a Reader,
    organisation: &'a str,
    number: i64,
    subject: &'a str,
    status: &'static str,
    said: Vec<SaidLine>,
    path: String,
    key: String,
    is_closed: bool,
    error: Option<String>,
    body: &'a str,
    kept: Vec<KeptFile>,
}

/// A public comment.
struct SaidLine {
    author: String,
    is_theirs: bool,
    redacted: bool,
    text: Html,
    files: Vec<FileLink>,
    time: Html,
}

/// Whose link to which ticket it is.
struct Follower {
    desk: AskedDesk,
    ticket: Ticket,
    person: EndUser,
    path: String,
}

async fn follower(
    connection: &mut PgConnection,
    (address, number, signature): &(String, String, String),
) -> Result<Follower, Failure> {
    let desk = desk(connection, address).await?;
    let number: i64 = number.parse().map_err(|_| Failure::NotFound)?;
    let account = desk.account.as_str();
    let kept = ticket::find(connection, account, number).await?.ok_or(Failure::NotFound)?;
    let key = link_key(connection, account, [new_id(), new_id()]).await?;
    let requester = person::find(connection, account, &kept.ticket.requester).await?;
    let ccs = cc::list(connection, account, number).await?;
    // Whoever is neither any more has a link that says nothing.
    let mut people = requester.into_iter().chain(ccs);
    let person = people.find(|it| Link::Request(number, &it.id).is_signed(&key, signature));
    let person = person.ok_or(Failure::NotFound)?;
    let path = Link::Request(number, &person.id).path(&desk.address, &key);
    Ok(Follower { desk, ticket: kept.ticket, person, path })
}

async fn show_request(
    visitor: &Visitor,
    connection: &mut PgConnection,
    known: Follower,
    Submitted { sent, files }: &Submitted,
    error: Option<String>,
) -> Result<Response, Failure> {
    let Follower { desk, ticket, person, path } = known;
    let said = comment::public(connection, &desk.account, ticket.number, SHOWN).await?;
    let line = |it: comment::Comment| SaidLine {
        files: links(&it),
        is_theirs: it.author_id == person.id,
        author: it.author_name,
        redacted: it.redacted,
        text: paragraphs(&it.body),
        time: visitor.time(it.at),
    };
    let code = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = RequestPage {
        t: visitor,
        organisation: &desk.organisation,
        number: ticket.number,
        subject: &ticket.subject,
        status: status_word(ticket.status),
        said: said.into_iter().map(line).collect(),
        path,
        key: new_id().to_string(),
        is_closed: ticket.status == Status::Closed,
        error,
        body: sent.one("body").unwrap_or_default(),
        kept: KeptFile::of(files),
    };
    visitor.page(&format!("#{} {}", ticket.number, ticket.subject), code, &page)
}

async fn request(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(link): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let known = follower(&mut connection, &link).await?;
    show_request(&visitor, &mut connection, known, &Submitted::default(), None).await
}

async fn answer(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(link): Path<(String, String, String)>,
    request: axum::extract::Request,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let known = follower(&mut connection, &link).await?;
    drop(connection);
    // Before anything of it is kept.
    let counted = format!("answer\n{}\n{}", known.desk.account, known.ticket.number);
    visitor.tries(pages.pool(), &[(counted.as_str(), OF_TICKET)], Some(OF_PLACE)).await?;
    let whose = (known.desk.account.as_str(), &*visitor);
    let submitted = upload::read_of_visitor(&pages, whose, FORM_BYTES, request).await?;
    let sent = &submitted.sent;
    let body = sent.text("body").unwrap_or_default();
    let key = if known.ticket.status == Status::Closed {
        Some("request.closed")
    } else {
        (body.is_empty() || body.chars().count() > BODY).then_some("ask.error.body")
    };
    if let Some(key) = key {
        let error = Some(visitor.say(key).into_owned());
        let mut connection = pages.pool().acquire().await?;
        return show_request(&visitor, &mut connection, known, &submitted, error).await;
    }
    let said = Written {
        id: sent.id("key").unwrap_or_else(new_id),
        body: body.to_owned(),
        public: true,
        call: None,
        attachments: submitted.files.clone(),
    };
    let account = name_of(&known.desk)?;
    let whose = (known.ticket.number, &known.person);
    asker::answer(pages.pool(), &account, now(), whose, said).await.map_err(failure)?;
    pages.sent();
    Ok(see_other(&known.path))
}
