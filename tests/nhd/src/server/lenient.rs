//! A server as the gem's and the JavaScript client's models suggest one: neither has a server that
//! could be looked at, so this does what the walkthrough says and is patient with the rest.

use http::{Method, StatusCode};
use serde_json::Value;

use super::read::{change, given, person, terms, text};
use super::{Reply, Request, Resource};
use crate::desk::PartnerDesk;
use crate::dialect::time;
use crate::held::{AgreementEnd, PartnerAgreement, PartnerTicket, Standing};

pub fn answer(desk: &mut PartnerDesk, request: &Request, resource: &Resource<'_>) -> Reply {
    match (resource, &request.method) {
        (Resource::Agreement(uuid), &Method::POST) => invited(desk, request, uuid),
        (Resource::Agreement(uuid), &Method::PUT) => agreement_changed(desk, request, uuid),
        (Resource::Ticket(uuid), &Method::POST | &Method::PUT | &Method::DELETE) => {
            ticket(desk, request, uuid)
        }
        _ => Reply::refused(StatusCode::METHOD_NOT_ALLOWED, ""),
    }
}

fn done(status: StatusCode) -> Reply {
    Reply::done(status, "application/json", "")
}

fn unusable(why: &str) -> Reply {
    Reply::refused(StatusCode::UNPROCESSABLE_ENTITY, why)
}

fn invited(desk: &mut PartnerDesk, request: &Request, uuid: &str) -> Reply {
    let Some(body) = request.json() else { return unusable("this is no JSON") };
    if text(&body, "uuid").as_deref() != Some(uuid) {
        return unusable("the ids of address and body differ");
    }
    if text(&body, "status").as_deref() != Some("pending") {
        return unusable("a new agreement is pending");
    }
    if let Some(known) = desk.agreements.get(uuid) {
        // Sent again because its answer was lost.
        let is_known = text(&body, "access_key").as_deref() == Some(&known.access_key);
        return if is_known { done(StatusCode::OK) } else { unusable("this agreement exists") };
    }
    let (Some(access_key), Some(sender_url)) =
        (text(&body, "access_key"), text(&body, "sender_url"))
    else {
        return unusable("an invite has an access_key and a sender_url");
    };
    let agreement = PartnerAgreement {
        uuid: uuid.to_owned(),
        access_key,
        end: AgreementEnd::Receiver,
        sender_url,
        receiver_url: desk.url.clone(),
        name: text(&body, "name").unwrap_or_default(),
        standing: Standing::Pending,
        deactivated_by: None,
        terms: terms(&body),
    };
    desk.agreements.insert(uuid.to_owned(), agreement);
    done(StatusCode::CREATED)
}

/// The agreement that a token opens, or the refusal.
fn opened<'a>(desk: &'a PartnerDesk, request: &Request) -> Result<&'a PartnerAgreement, Reply> {
    let Some((uuid, key)) = request.token() else {
        return Err(Reply::refused(StatusCode::UNAUTHORIZED, ""));
    };
    let known = desk.agreements.get(uuid).filter(|agreement| agreement.access_key == key);
    known.ok_or_else(|| Reply::refused(StatusCode::FORBIDDEN, ""))
}

fn agreement_changed(desk: &mut PartnerDesk, request: &Request, uuid: &str) -> Reply {
    match opened(desk, request) {
        Err(refused) => return refused,
        Ok(agreement) if agreement.uuid != uuid => {
            return Reply::refused(StatusCode::FORBIDDEN, "");
        }
        Ok(_) => {}
    }
    let Some(body) = request.json() else { return unusable("this is no JSON") };
    let Some(agreement) = desk.agreements.get_mut(uuid) else {
        return Reply::refused(StatusCode::NOT_FOUND, "");
    };
    let there = agreement.end.other();
    if let Some(word) = text(&body, "status") {
        let Some(standing) = Standing::read(&word) else {
            return unusable("no such status");
        };
        agreement.standing = standing;
        agreement.deactivated_by = (standing == Standing::Inactive).then_some(there);
    }
    if let (AgreementEnd::Sender, Some(name)) = (there, text(&body, "name")) {
        agreement.name = name;
    }
    done(StatusCode::OK)
}

fn ticket(desk: &mut PartnerDesk, request: &Request, uuid: &str) -> Reply {
    let agreement = match opened(desk, request) {
        Err(refused) => return refused,
        Ok(agreement) if agreement.standing != Standing::Accepted => {
            return Reply::refused(StatusCode::FORBIDDEN, "the agreement is not accepted");
        }
        Ok(agreement) => agreement.uuid.clone(),
    };
    let is_known = desk.tickets.get(uuid).is_some_and(|held| held.agreement == agreement);
    if request.method == Method::DELETE {
        let Some(held) = desk.tickets.get_mut(uuid).filter(|_| is_known) else {
            return Reply::refused(StatusCode::NOT_FOUND, "");
        };
        held.ended = true;
        return done(StatusCode::OK);
    }
    let Some(body) = request.json() else { return unusable("this is no JSON") };
    let said = change(&body, &desk.habits);
    match (request.method == Method::POST, is_known) {
        (true, true) if desk.rules.refuses_repeats => unusable("this ticket exists"),
        (true, true) => done(StatusCode::OK),
        (true, false) => {
            let Some(mut ticket) = shared(&body, uuid, &agreement) else {
                return unusable("a ticket has its id, a subject and a requester");
            };
            ticket.apply(&said);
            desk.tickets.insert(uuid.to_owned(), ticket);
            done(StatusCode::CREATED)
        }
        (false, false) => Reply::refused(StatusCode::NOT_FOUND, ""),
        (false, true) => {
            if let Some(held) = desk.tickets.get_mut(uuid) {
                held.apply(&said);
            }
            done(StatusCode::OK)
        }
    }
}

/// A ticket as it was first told, without what can change later.
pub fn shared(body: &Value, uuid: &str, agreement: &str) -> Option<PartnerTicket> {
    text(body, "uuid").filter(|given| given == uuid)?;
    Some(PartnerTicket {
        uuid: uuid.to_owned(),
        agreement: agreement.to_owned(),
        number: format!("copy of {uuid}"),
        original_id: text(body, "original_id"),
        subject: text(body, "subject")?,
        requested_at: text(body, "requested_at").and_then(|at| time::read(&at)),
        requester: given(body, "requester").and_then(person)?,
        status: String::new(),
        custom_status: None,
        tags: std::collections::BTreeSet::new(),
        custom_fields: serde_json::Map::new(),
        comments: std::collections::BTreeMap::new(),
        ended: false,
    })
}
