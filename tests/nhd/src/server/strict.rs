//! Request Tracker's server with its extension, as it was seen to answer, faults included: what it
//! does not expect ends in a page for people, under `200`.

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::read::text;
use super::{Reply, Request, Resource, lenient};
use crate::desk::PartnerDesk;
use crate::dialect::{head, ids, ticket};
use crate::held::{AgreementEnd, PartnerAgreement, PartnerTerms, Standing};

const JSON: &str = "text/x-json; charset=UTF-8";
const HTML: &str = "text/html; charset=utf-8";

type Members = Map<String, Value>;

pub fn answer(desk: &mut PartnerDesk, request: &Request, resource: &Resource<'_>) -> Reply {
    if request.header(head::VERSION) != "1" {
        return Reply::refused(StatusCode::PRECONDITION_FAILED, "");
    }
    let Some(body) = members(request) else { return fault() };
    let uuid = match resource {
        Resource::Agreement(uuid) | Resource::Ticket(uuid) => *uuid,
    };
    if !ids::is_forty_hex(uuid) {
        return unusable("the value in the address is no id");
    }
    if ![Method::GET, Method::POST, Method::PUT].contains(&request.method) {
        return Reply::refused(StatusCode::METHOD_NOT_ALLOWED, "");
    }
    match resource {
        Resource::Agreement(_) => agreement(desk, request, uuid, &body),
        Resource::Ticket(_) => ticket(desk, request, uuid, &body),
    }
}

/// What it reads of a body: all of `text/x-json`, nothing of any other type. Nothing at all where
/// it stumbles.
fn members(request: &Request) -> Option<Members> {
    let content_type = request.header("content-type");
    let is_read = content_type.is_empty() || content_type.starts_with("text/x-json");
    if request.method == Method::GET || !is_read {
        return Some(Members::new());
    }
    request.json().and_then(|body| body.as_object().cloned())
}

/// A page for people, and nothing done.
fn fault() -> Reply {
    let body = "Something went wrong inside; the administrator finds more in the log.";
    Reply { status: StatusCode::OK, content_type: HTML, body: body.into(), is_done: false }
}

fn done(status: StatusCode) -> Reply {
    Reply::done(status, HTML, "")
}

fn unusable(why: &str) -> Reply {
    Reply::refused(StatusCode::UNPROCESSABLE_ENTITY, why)
}

fn agreement(desk: &mut PartnerDesk, request: &Request, uuid: &str, body: &Members) -> Reply {
    let is_new = request.method == Method::POST;
    let said = Value::from(body.clone());
    if is_new && text(&said, "uuid").as_deref() != Some(uuid) {
        return unusable("the ids of address and body differ");
    }
    let Some((_, key)) = request.token() else {
        return Reply::refused(StatusCode::UNAUTHORIZED, "");
    };
    if is_new {
        let is_known = desk.agreements.contains_key(uuid);
        return if is_known { unusable("the record exists") } else { invited(desk, &said, uuid) };
    }
    let Some(held) = desk.agreements.get_mut(uuid) else {
        return Reply::refused(StatusCode::NOT_FOUND, "");
    };
    if request.header(head::TOKEN) != held.token() || key != held.access_key {
        return Reply::refused(StatusCode::FORBIDDEN, "");
    }
    if request.method == Method::GET {
        return Reply::done(StatusCode::OK, JSON, &read_back(held).to_string());
    }
    match changed(held, body) {
        Ok(after) => {
            *held = after;
            done(StatusCode::OK)
        }
        Err(why) => unusable(why),
    }
}

/// An agreement as it is read back, its key in clear.
fn read_back(held: &PartnerAgreement) -> Value {
    serde_json::json!({
        "uuid": held.uuid, "name": held.name, "status": held.standing.word(),
        "sender_url": held.sender_url, "receiver_url": held.receiver_url,
        "access_key": held.access_key,
        "deactivated_by": held.deactivated_by.map(AgreementEnd::word),
    })
}

fn invited(desk: &mut PartnerDesk, said: &Value, uuid: &str) -> Reply {
    let word = |name| text(said, name).unwrap_or_default();
    if word("receiver_url") != desk.url {
        return unusable("either sender or receiver should be this desk");
    }
    if word("status") != "pending" || word("sender_url").is_empty() {
        return unusable("a new agreement is pending and has a sender");
    }
    if !ids::is_forty_hex(&word("access_key")) {
        return unusable("the access key has to be 40 hexadecimal digits");
    }
    let agreement = PartnerAgreement {
        uuid: uuid.to_owned(),
        access_key: word("access_key"),
        end: AgreementEnd::Receiver,
        sender_url: word("sender_url"),
        receiver_url: word("receiver_url"),
        name: word("name"),
        standing: Standing::Pending,
        deactivated_by: None,
        terms: PartnerTerms::default(),
    };
    desk.agreements.insert(uuid.to_owned(), agreement);
    done(StatusCode::CREATED)
}

/// The agreement after a change by the other side. A null is a value like any other to it.
fn changed(held: &PartnerAgreement, body: &Members) -> Result<PartnerAgreement, &'static str> {
    let by = held.end.other();
    let mut after = held.clone();
    let now = read_back(held);
    let differs = |name: &str| body.get(name).filter(|&value| *value != now[name]);
    if differs("uuid").is_some() {
        return Err("the id cannot be changed");
    }
    let others = match by {
        AgreementEnd::Sender => ["receiver_url", "receiver_url"],
        AgreementEnd::Receiver => ["name", "sender_url"],
    };
    if others.iter().any(|name| differs(name).is_some()) {
        return Err("only the other side may change this");
    }
    let standing = match differs("status") {
        Some(Value::String(word)) => Some(word.as_str()),
        Some(_) => return Err("no such status"),
        None => None,
    };
    if let Some(given) = differs("deactivated_by") {
        let given = given.as_str().unwrap_or_default();
        match standing {
            None => return Err("deactivated_by can be changed with the status alone"),
            Some("inactive") if given == by.word() => after.deactivated_by = Some(by),
            Some("inactive") => return Err("deactivated_by names another"),
            Some(_) if held.standing == Standing::Inactive && given.is_empty() => {
                after.deactivated_by = None;
            }
            Some(_) => return Err("deactivated_by does not belong to this change"),
        }
    }
    if let Some(word) = standing {
        after.standing = Standing::read(word).ok_or("no such status")?;
    }
    if let Some(name) = differs("name").and_then(Value::as_str) {
        name.clone_into(&mut after.name);
    }
    Ok(after)
}

fn ticket(desk: &mut PartnerDesk, request: &Request, uuid: &str, body: &Members) -> Reply {
    let Some((opened, key)) = request.token() else {
        return Reply::refused(StatusCode::UNAUTHORIZED, "");
    };
    if !ids::is_forty_hex(opened) {
        return unusable("the value in the token is no id");
    }
    let agreement = desk.agreements.get(opened).filter(|agreement| agreement.access_key == key);
    let Some(agreement) = agreement else {
        return Reply::refused(StatusCode::FORBIDDEN, "no such agreement or key");
    };
    if agreement.standing != Standing::Accepted {
        return Reply::refused(StatusCode::FORBIDDEN, "the agreement is not accepted");
    }
    let agreement = agreement.uuid.clone();
    let said = Value::from(body.clone());
    let is_new = request.method == Method::POST;
    if is_new && text(&said, "uuid").as_deref() != Some(uuid) {
        return unusable("the ids of address and body differ");
    }
    let status = text(&said, "status").filter(|status| is_mapped(desk, status));
    if is_new {
        return match (desk.tickets.contains_key(uuid), status) {
            (true, _) => unusable("the record exists"),
            (false, None) => unusable(""),
            // Its lifecycle begins no ticket as stalled.
            (false, Some(status)) if status == "pending" => unusable(""),
            (false, Some(status)) => shared(desk, &said, uuid, &agreement, status),
        };
    }
    let habits = desk.habits.clone();
    // It does not look whose agreement the ticket is of.
    let Some(held) = desk.tickets.get_mut(uuid) else {
        return Reply::refused(StatusCode::NOT_FOUND, "");
    };
    if request.method == Method::GET {
        return Reply::done(StatusCode::OK, JSON, &ticket::whole(&habits, held, None).to_string());
    }
    if body.contains_key("status") && status.is_none() {
        return fault();
    }
    if let Some(status) = status {
        held.status = status;
    }
    match body.get("subject") {
        Some(Value::String(subject)) => held.subject.clone_from(subject),
        // A null empties it, which is kept as a nought.
        Some(Value::Null) => "0".clone_into(&mut held.subject),
        _ => {}
    }
    done(StatusCode::OK)
}

/// Comments, tags and custom fields are taken without a word and dropped.
fn shared(
    desk: &mut PartnerDesk,
    said: &Value,
    uuid: &str,
    agreement: &str,
    status: String,
) -> Reply {
    let Some(mut ticket) = lenient::shared(said, uuid, agreement) else { return unusable("") };
    ticket.status = status;
    ticket.original_id = None;
    desk.tickets.insert(uuid.to_owned(), ticket);
    done(StatusCode::CREATED)
}

/// Whether it has a status of its own for this one.
fn is_mapped(desk: &PartnerDesk, status: &str) -> bool {
    matches!(status, "open" | "pending") || (status == "solved" && desk.rules.maps_solved)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Request, answer};
    use super::*;
    use crate::dialect::Dialect;

    const HOME: &str = "https://rt.example/NoAuth/NHD/1.0";
    const THERE: &str = "https://desk.example/sharing";

    fn hex(letter: char) -> String {
        letter.to_string().repeat(40)
    }

    /// A desk with an accepted agreement `a…` of key `b…`, and with ticket `c…` under it.
    fn desk() -> PartnerDesk {
        let mut desk = PartnerDesk::new("RT", HOME, Dialect::RequestTracker.habits());
        assert_eq!(asked(&mut desk, "POST", "agreements", 'a', &invitation()), 201);
        desk.agreements.get_mut(&hex('a')).unwrap().standing = Standing::Accepted;
        assert_eq!(asked(&mut desk, "POST", "tickets", 'c', &new_ticket("open")), 201);
        desk
    }

    fn invitation() -> Value {
        json!({ "uuid": hex('a'), "access_key": hex('b'), "status": "pending", "name": "Desk",
            "sender_url": THERE, "receiver_url": HOME })
    }

    fn new_ticket(status: &str) -> Value {
        json!({ "uuid": hex('c'), "subject": "Meter", "status": status,
            "requester": { "uuid": hex('d'), "name": "Robin" },
            "comments": [{ "uuid": hex('e'), "body": "Dark" }], "tags": ["field"] })
    }

    fn request(method: &str, kind: &str, uuid: &str, body: &str) -> Request {
        let headers = [
            (head::VERSION, "1".to_owned()),
            (head::TOKEN, format!("{}:{}", hex('a'), hex('b'))),
            ("content-type", "text/x-json".to_owned()),
        ];
        Request {
            method: method.parse().unwrap(),
            path: format!("/NoAuth/NHD/1.0/{kind}/{uuid}"),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body: body.into(),
        }
    }

    fn asked(desk: &mut PartnerDesk, method: &str, kind: &str, uuid: char, body: &Value) -> u16 {
        let request = request(method, kind, &hex(uuid), &body.to_string());
        answer(desk, &request).status.as_u16()
    }

    #[test]
    fn what_comes_first_is_refused_first() {
        let refused = |change: fn(&mut Request)| {
            let mut asked = request("PUT", "tickets", &hex('c'), r#"{"status":"open"}"#);
            change(&mut asked);
            answer(&mut desk(), &asked).status.as_u16()
        };
        let token = |asked: &mut Request, token: String| {
            asked.headers.insert(head::TOKEN.to_owned(), token);
        };
        assert_eq!(refused(|asked| drop(asked.headers.remove(head::VERSION))), 412);
        assert_eq!(
            refused(|asked| asked.path = "/NoAuth/NHD/1.0/tickets/5ad614f4".to_owned()),
            422
        );
        assert_eq!(refused(|asked| asked.method = Method::PATCH), 405);
        assert_eq!(refused(|asked| drop(asked.headers.remove(head::TOKEN))), 401);
        let of = |text: String| {
            let mut asked = request("PUT", "tickets", &hex('c'), r#"{"status":"open"}"#);
            token(&mut asked, text);
            answer(&mut desk(), &asked).status.as_u16()
        };
        assert_eq!(of("a:b".to_owned()), 422);
        assert_eq!(of(format!("{}:{}", hex('f'), hex('b'))), 403);
        assert_eq!(of(format!("{}:{}", hex('a'), hex('f'))), 403);
        assert_eq!(asked(&mut desk(), "PUT", "tickets", 'f', &json!({})), 404);
        assert_eq!(asked(&mut desk(), "POST", "tickets", 'c', &new_ticket("open")), 422);
    }

    #[test]
    fn where_it_stumbles_it_says_yes_with_a_page_and_does_nothing() {
        for (method, body) in [
            ("PUT", r#"{"status":"new"}"#),
            ("PUT", r#"{"status":"solved"}"#),
            ("PUT", r#"{"status":null}"#),
            ("PUT", "{broken"),
            ("DELETE", ""),
        ] {
            let mut desk = desk();
            let before = desk.ticket(&hex('c')).clone();
            let reply = answer(&mut desk, &request(method, "tickets", &hex('c'), body));
            assert_eq!((reply.status.as_u16(), reply.is_done), (200, false), "{method} {body}");
            assert!(reply.content_type.contains("html") && !reply.body.is_empty());
            assert_eq!(*desk.ticket(&hex('c')), before);
        }
    }

    #[test]
    fn of_another_media_type_it_reads_nothing_and_says_yes() {
        let mut desk = desk();
        let mut asked = request("PUT", "tickets", &hex('c'), r#"{"status":"pending"}"#);
        asked.headers.insert("content-type".to_owned(), "application/json".to_owned());
        let reply = answer(&mut desk, &asked);
        assert_eq!((reply.status.as_u16(), reply.body.len()), (200, 0));
        assert_eq!(desk.ticket(&hex('c')).status, "open");
    }

    #[test]
    fn a_status_that_it_has_not_is_refused_at_the_share() {
        for (status, code) in
            [("open", 201), ("pending", 422), ("new", 422), ("hold", 422), ("solved", 422)]
        {
            let mut desk = desk();
            desk.tickets.clear();
            assert_eq!(asked(&mut desk, "POST", "tickets", 'c', &new_ticket(status)), code);
        }
    }

    #[test]
    fn comments_and_tags_are_taken_and_dropped_and_null_is_a_value() {
        let mut desk = desk();
        assert!(
            desk.ticket(&hex('c')).comments.is_empty() && desk.ticket(&hex('c')).tags.is_empty()
        );
        assert_eq!(asked(&mut desk, "PUT", "tickets", 'c', &json!({ "subject": null })), 200);
        assert_eq!(desk.ticket(&hex('c')).subject, "0");
    }

    #[test]
    fn who_may_change_what_of_an_agreement() {
        let put = |body: Value| asked(&mut desk(), "PUT", "agreements", 'a', &body);
        assert_eq!(put(json!({ "status": "inactive", "deactivated_by": "sender" })), 200);
        assert_eq!(put(json!({ "status": "inactive", "deactivated_by": "receiver" })), 422);
        assert_eq!(put(json!({ "deactivated_by": "sender" })), 422);
        assert_eq!(put(json!({ "status": null })), 422);
        // The sender is on the other side here: its name is its own, the receiver's URL is not.
        assert_eq!(put(json!({ "name": "Desk, renamed" })), 200);
        assert_eq!(put(json!({ "receiver_url": "https://else.example" })), 422);
        assert_eq!(put(json!({ "status": "accepted", "deactivated_by": null })), 200);
    }
}
