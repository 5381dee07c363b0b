//! A partner's desk: what its people do, and the calls that tell it. Functions of values.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Map, Value};

use crate::books::{Books, CallSubject};
use crate::dialect::agreement::{self, AgreementChange};
use crate::dialect::{Dialect, Habits, ids, ticket};
use crate::held::{
    AgreementEnd, PartnerAgreement, PartnerComment, PartnerFile, PartnerPerson, PartnerTerms,
    PartnerTicket, Standing, TicketChange,
};

/// A call that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct PartnerCall {
    pub method: Method,
    pub url: String,
    pub token: String,
    pub is_invite: bool,
    pub body: Option<Value>,
    pub about: CallSubject,
}

/// A file that the partner gives out, until its link expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedFile {
    pub bytes: Vec<u8>,
    pub content_type: String,
    pub has_expired: bool,
}

/// What a server does where its implementation leaves it to whoever runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerRules {
    /// Request Tracker: whether its administrator has mapped `solved`, which it is not by default.
    pub maps_solved: bool,
    /// Whether a ticket that is shared a second time is refused.
    pub refuses_repeats: bool,
}

/// A ticket that is about to be shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewTicket {
    pub subject: String,
    pub status: String,
    pub custom_status: Option<String>,
    pub requester: PartnerPerson,
    pub requested_at: Option<DateTime<Utc>>,
    pub tags: BTreeSet<String>,
    pub custom_fields: Map<String, Value>,
    /// Text and visibility.
    pub comments: Vec<(String, bool)>,
}

/// The desk.
#[derive(Clone, Debug)]
pub struct PartnerDesk {
    pub habits: Habits,
    pub rules: ServerRules,
    /// The base URL, as it is given to others.
    pub url: String,
    pub name: String,
    /// Who acts.
    pub agent: PartnerPerson,
    pub agreements: BTreeMap<String, PartnerAgreement>,
    pub tickets: BTreeMap<String, PartnerTicket>,
    /// Files by their path.
    pub files: BTreeMap<String, LinkedFile>,
    pub books: Books,
    numbers: u64,
}

impl PartnerDesk {
    #[must_use]
    pub fn new(name: &str, url: &str, habits: Habits) -> Self {
        let refuses_repeats = habits.dialect == Dialect::RequestTracker;
        let agent = PartnerPerson {
            uuid: ids::id(url, "users", "1"),
            name: format!("Agent of {name}"),
            role: Some("agent".to_owned()),
        };
        Self {
            habits,
            rules: ServerRules { maps_solved: false, refuses_repeats },
            url: url.to_owned(),
            name: name.to_owned(),
            agent,
            agreements: BTreeMap::new(),
            tickets: BTreeMap::new(),
            files: BTreeMap::new(),
            books: Books::default(),
            numbers: 0,
        }
    }

    /// An agreement.
    ///
    /// # Panics
    /// When there is none of this id.
    #[must_use]
    pub fn agreement(&self, uuid: &str) -> &PartnerAgreement {
        self.agreements.get(uuid).expect("an agreement of this partner")
    }

    /// A ticket.
    ///
    /// # Panics
    /// When there is none of this id.
    #[must_use]
    pub fn ticket(&self, uuid: &str) -> &PartnerTicket {
        self.tickets.get(uuid).expect("a ticket of this partner")
    }

    /// A person of this desk.
    #[must_use]
    pub fn person(&self, name: &str) -> PartnerPerson {
        PartnerPerson { uuid: ids::id(&self.url, "users", name), name: name.to_owned(), role: None }
    }

    /// Invites whoever has this sharing URL; the agreement's id, and the call.
    pub fn invite(&mut self, there: &str, terms: PartnerTerms) -> (String, PartnerCall) {
        let number = self.next_number();
        let uuid = ids::id(&self.url, "agreements", &number);
        let agreement = PartnerAgreement {
            uuid: uuid.clone(),
            access_key: ids::hashed(&format!("{uuid} opened by {number}")),
            end: AgreementEnd::Sender,
            sender_url: self.url.clone(),
            receiver_url: there.to_owned(),
            name: self.name.clone(),
            standing: Standing::Pending,
            deactivated_by: None,
            terms,
        };
        let body = agreement::invite(&self.habits, &agreement, &self.agent);
        let call = about_agreement(&agreement, Method::POST, body);
        self.agreements.insert(uuid.clone(), agreement);
        (uuid, call)
    }

    /// Changes an agreement.
    ///
    /// # Panics
    /// When there is none of this id.
    pub fn change_agreement(&mut self, uuid: &str, change: &AgreementChange) -> PartnerCall {
        let agreement = self.agreements.get_mut(uuid).expect("an agreement of this partner");
        let end = agreement.end;
        match change {
            AgreementChange::Standing(standing) => {
                agreement.standing = *standing;
                agreement.deactivated_by = (*standing == Standing::Inactive).then_some(end);
            }
            AgreementChange::Reactivated => {
                agreement.standing = Standing::Accepted;
                agreement.deactivated_by = None;
            }
            AgreementChange::Name(name) => agreement.name.clone_from(name),
        }
        let agreement = agreement.clone();
        let body = agreement::update(&self.habits, &agreement, change, &self.agent);
        about_agreement(&agreement, Method::PUT, body)
    }

    /// Shares a ticket; its id, and the call.
    ///
    /// # Panics
    /// When there is no such agreement.
    pub fn share(&mut self, agreement: &str, new: NewTicket) -> (String, PartnerCall) {
        let number = self.next_number();
        let uuid = ids::id(&self.url, "tickets", &number);
        let comments = new.comments.iter().map(|(body, public)| {
            let mut comment = self.comment(body, *public);
            comment.author = new.requester.clone();
            (comment.uuid.clone(), comment)
        });
        let ticket = PartnerTicket {
            uuid: uuid.clone(),
            agreement: agreement.to_owned(),
            number,
            original_id: None,
            comments: comments.collect(),
            subject: new.subject,
            requested_at: new.requested_at,
            requester: new.requester,
            status: new.status,
            custom_status: new.custom_status,
            tags: new.tags,
            custom_fields: new.custom_fields,
            ended: false,
        };
        let body = ticket::whole(&self.habits, &ticket, Some(&self.agent));
        let call = self.about_ticket(&ticket, Method::POST, Some(body));
        self.tickets.insert(uuid.clone(), ticket);
        (uuid, call)
    }

    /// Changes a ticket.
    ///
    /// # Panics
    /// When there is none of this id.
    pub fn update(&mut self, uuid: &str, change: TicketChange) -> PartnerCall {
        let change = TicketChange { actor: Some(self.agent.clone()), ..change };
        let ticket = self.tickets.get_mut(uuid).expect("a ticket of this partner");
        ticket.apply(&change);
        let ticket = ticket.clone();
        let body = ticket::update(&self.habits, &ticket, &change);
        self.about_ticket(&ticket, Method::PUT, Some(body))
    }

    /// Ends the share of a ticket.
    ///
    /// # Panics
    /// When there is none of this id.
    pub fn unshare(&mut self, uuid: &str) -> PartnerCall {
        let ticket = self.tickets.get_mut(uuid).expect("a ticket of this partner");
        ticket.ended = true;
        let ticket = ticket.clone();
        self.about_ticket(&ticket, Method::DELETE, None)
    }

    /// A new comment of the desk's agent.
    pub fn comment(&mut self, body: &str, public: bool) -> PartnerComment {
        let number = self.next_number();
        PartnerComment {
            uuid: ids::id(&self.url, "comments", &number),
            author: self.agent.clone(),
            body: body.to_owned(),
            public,
            authored_at: None,
            files: Vec::new(),
            is_own: true,
        }
    }

    /// A file with a link to it.
    pub fn attach(&mut self, filename: &str, content_type: &str, bytes: &[u8]) -> PartnerFile {
        let number = self.next_number();
        let path = format!("/files/{}/{filename}", ids::id(&self.url, "files", &number));
        let origin = self.url.find("://").and_then(|scheme| {
            let host = scheme + 3;
            let end = self.url[host..].find('/').map_or(self.url.len(), |at| host + at);
            self.url.get(..end)
        });
        let url = format!("{}{path}", origin.unwrap_or_default());
        let content_type = content_type.to_owned();
        let file = LinkedFile {
            bytes: bytes.to_vec(),
            content_type: content_type.clone(),
            has_expired: false,
        };
        self.files.insert(path, file);
        PartnerFile { url, filename: filename.to_owned(), content_type: Some(content_type) }
    }

    /// Lets all links to files expire.
    pub fn expire_links(&mut self) {
        self.files.values_mut().for_each(|file| file.has_expired = true);
    }

    fn about_ticket(
        &self,
        ticket: &PartnerTicket,
        method: Method,
        body: Option<Value>,
    ) -> PartnerCall {
        let agreement = self.agreement(&ticket.agreement);
        PartnerCall {
            method,
            url: format!("{}/tickets/{}", agreement.there(), ticket.uuid),
            token: agreement.token(),
            is_invite: false,
            body,
            about: CallSubject::Ticket(ticket.uuid.clone()),
        }
    }

    fn next_number(&mut self) -> String {
        self.numbers += 1;
        self.numbers.to_string()
    }
}

fn about_agreement(agreement: &PartnerAgreement, method: Method, body: Value) -> PartnerCall {
    PartnerCall {
        is_invite: method == Method::POST,
        method,
        url: format!("{}/agreements/{}", agreement.there(), agreement.uuid),
        token: agreement.token(),
        body: Some(body),
        about: CallSubject::Agreement(agreement.uuid.clone()),
    }
}
