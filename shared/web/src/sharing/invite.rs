//! Inviting another help desk: one form, with what the partner will read beside it.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use contracts::Message;
use contracts::command::AgreementInvite;
use contracts::delivery::{AgreementState, Side};
use contracts::terms::CommentTerms;
use contracts::{Reason, SharingUrl, Terms};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::list::partner;
use super::rules::terms::{TermsSentence, for_receiver};
use super::{SharingEdge, WAIT, framed, refusal, settled, store};
use crate::clock::new_id;
use crate::failure::{Failure, see_other_said};
use crate::html::Html;
use crate::role::StaffRole;
use crate::viewer::Viewer;
use crate::views;

#[derive(Debug, Deserialize)]
pub(super) struct Again {
    again: Option<String>,
}

/// What the form holds.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Filled {
    #[serde(default)]
    key: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    sharing_url: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    comments: String,
    #[serde(default)]
    tags: String,
    #[serde(default)]
    custom_fields: String,
}

impl Filled {
    /// The terms of an agreement that ended, to be offered again.
    fn again(state: &AgreementState) -> Self {
        let yes_or_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let partner = partner(state);
        let (kind, address) = match partner.sharing_url {
            Some(_) => ("third_party", ""),
            None => ("account", partner.address.as_str()),
        };
        Self {
            kind: kind.to_owned(),
            address: address.to_owned(),
            sharing_url: partner.sharing_url.clone().unwrap_or_default(),
            name: state.name.clone().unwrap_or_default(),
            comments: if state.terms.syncs_status() {
                "public_and_private"
            } else {
                "private_only"
            }
            .to_owned(),
            tags: yes_or_no(state.terms.tags),
            custom_fields: yes_or_no(state.terms.custom_fields),
            ..Self::default()
        }
    }

    fn is_third_party(&self) -> bool {
        self.kind == "third_party"
    }

    fn terms(&self) -> Option<Terms> {
        let comments = match self.comments.as_str() {
            "public_and_private" => CommentTerms::PublicAndPrivate,
            "private_only" => CommentTerms::PrivateOnly,
            _ => return None,
        };
        // Custom fields are offered to accounts of the same kind only.
        let custom_fields = self.custom_fields == "yes" && !self.is_third_party();
        Some(Terms { comments, tags: self.tags == "yes", custom_fields })
    }

    /// The field at which a refusal is told.
    fn field_of(&self, reason: Option<Reason>) -> &'static str {
        match reason {
            Some(
                Reason::UnknownAccount
                | Reason::InviteToSelf
                | Reason::InvitesDeclined
                | Reason::NameTaken,
            ) => {
                if self.is_third_party() {
                    "url"
                } else {
                    "address"
                }
            }
            Some(Reason::SameKindOnly) => "cf-no",
            _ => "name",
        }
    }

    /// The fields that cannot be sent so, each with the key of why.
    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if self.is_third_party() && SharingUrl::read(&self.sharing_url).is_err() {
            wrong.push(Wrong { field: "url", key: "invite.wrong.url" });
        }
        if !self.is_third_party() && self.address.trim().is_empty() {
            wrong.push(Wrong { field: "address", key: "invite.wrong.address" });
        }
        if self.name.chars().count() > 200 || self.name.contains('\0') {
            wrong.push(Wrong { field: "name", key: "invite.wrong.name" });
        }
        if self.terms().is_none() {
            wrong.push(Wrong { field: "perm-both", key: "invite.wrong.comments" });
        }
        wrong
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wrong {
    field: &'static str,
    key: &'static str,
}

struct Refused {
    field: &'static str,
    text: String,
}

/// A sentence of the preview, which styles show by what is chosen.
struct Preview {
    line: TermsSentence,
    when: &'static str,
}

#[derive(Template)]
#[template(path = "sharing/invite.html")]
struct Invite<'a> {
    viewer: &'a Viewer,
    filled: &'a Filled,
    errors: Vec<Refused>,
    preview: Vec<Preview>,
}

impl Invite<'_> {
    fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|it| it.field == field).map(|it| it.text.as_str())
    }

    fn text(&self, line: &TermsSentence) -> Html {
        self.viewer.html_of(line.key, "partner", &self.viewer.organisation)
    }
}

/// All sentences that can be, each with the class under which it is shown.
fn preview() -> Vec<Preview> {
    let all = |comments, yes| Terms { comments, tags: yes, custom_fields: yes };
    let both = for_receiver(&all(CommentTerms::PublicAndPrivate, true), true);
    let private = for_receiver(&all(CommentTerms::PrivateOnly, false), true);
    let mut lines: Vec<Preview> = Vec::new();
    for line in both.into_iter().chain(private) {
        let when = match line.key {
            "terms.in.both" | "terms.in.status" => "if-both",
            "terms.in.private" | "terms.in.no_status" => "if-private",
            "terms.tags" => "if-tags-yes",
            "terms.no_tags" => "if-tags-no",
            "terms.fields" => "if-cf-yes if-same",
            "terms.no_fields" => "if-cf-no if-same",
            _ => "",
        };
        if !lines.iter().any(|it| it.line == line) {
            lines.push(Preview { line, when });
        }
    }
    // In the order in which they are read: what is so under all terms comes last.
    lines.sort_by_key(|it| it.when.is_empty() && it.line.key != "terms.in.share");
    lines
}

fn shown<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    filled: &Filled,
    errors: Vec<Refused>,
) -> Result<Response, Failure> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let content = Invite { viewer, filled, errors, preview: preview() };
    framed(edge, viewer, viewer.say("invite.title"))
        .crumb("/sharing", viewer.say("sharing.title"))
        .class("main--form")
        .status(status)
        .body(&content)
}

pub(super) async fn form<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Query(Again { again }): Query<Again>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let ended = match &again {
        Some(id) => store::agreement(&edge.desk().pool, &viewer.account, id).await?,
        None => None,
    };
    let filled = ended.filter(|state| state.side == Side::Sender).map(|it| Filled::again(&it));
    let filled = filled.unwrap_or_else(|| Filled { kind: "account".into(), ..Filled::default() });
    let filled = Filled { key: new_id().to_string(), ..filled };
    shown(&edge, &viewer, &filled, Vec::new())
}

pub(super) async fn send<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Form(filled): Form<Filled>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let wrong = filled.wrong();
    if !wrong.is_empty() {
        let refused =
            |it: Wrong| Refused { field: it.field, text: viewer.say(it.key).into_owned() };
        return shown(&edge, &viewer, &filled, wrong.into_iter().map(refused).collect());
    }
    let id = Uuid::try_parse(&filled.key).unwrap_or_else(|_| new_id()).to_string();
    let receiver = if filled.is_third_party() {
        json!({ "sharing_url": filled.sharing_url.trim() })
    } else {
        json!({ "address": filled.address.trim().to_lowercase() })
    };
    let name = Some(filled.name.trim()).filter(|name| !name.is_empty());
    let mut content = json!({ "agreement_id": id, "receiver": receiver,
        "terms": filled.terms(), "actor": viewer.actor() });
    if let Some(name) = name {
        content["name"] = json!(name);
    }
    let desk = edge.desk();
    let receipt = desk.send(&viewer, AgreementInvite::NAME, &id, content, WAIT).await?;
    let invited = if filled.is_third_party() { &filled.sharing_url } else { &filled.address };
    let Some(receipt) = receipt else {
        edge.note(&viewer, "audit.invited", invited.trim()).await?;
        return Ok(see_other_said("/sharing", "said.sent"));
    };
    if let Some(text) = refusal(&viewer, &receipt) {
        let refused = match receipt.reason {
            // Addresses lead nowhere when they are misspelt, sharing URLs where no bridge is.
            Some(Reason::UnknownAccount) if filled.is_third_party() => {
                Refused { field: "url", text: viewer.say("invite.wrong.no_bridge").into_owned() }
            }
            reason => Refused { field: filled.field_of(reason), text },
        };
        // Another request from here on: what was refused keeps its id.
        let again = Filled { key: new_id().to_string(), ..filled };
        return shown(&edge, &viewer, &again, vec![refused]);
    }
    edge.note(&viewer, "audit.invited", invited.trim()).await?;
    settled(desk, &viewer.account, &id, None).await?;
    Ok(see_other_said(&format!("/sharing/agreements/{id}"), "said.invited"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> Filled {
        Filled {
            kind: "account".into(),
            address: "globex".into(),
            comments: "private_only".into(),
            tags: "yes".into(),
            custom_fields: "yes".into(),
            ..Filled::default()
        }
    }

    #[test]
    fn what_cannot_be_sent_is_named_by_its_field() {
        assert_eq!(filled().wrong(), []);
        let third = Filled {
            kind: "third_party".into(),
            sharing_url: "https://x.example/s".into(),
            ..filled()
        };
        assert_eq!(third.wrong(), []);
        for (wrong, field) in [
            (Filled { address: "  ".into(), ..filled() }, "address"),
            (Filled { comments: String::new(), ..filled() }, "perm-both"),
            (Filled { comments: "all".into(), ..filled() }, "perm-both"),
            (Filled { name: "x".repeat(201), ..filled() }, "name"),
            (Filled { sharing_url: "http://x.example".into(), ..third.clone() }, "url"),
            (Filled { sharing_url: "x".into(), ..third.clone() }, "url"),
        ] {
            assert_eq!(wrong.wrong().first().map(|it| it.field), Some(field), "{wrong:?}");
        }
    }

    #[test]
    fn a_refusal_stands_at_the_field_that_it_is_about() {
        let third = Filled { kind: "third_party".into(), ..filled() };
        for (filled, reason, field) in [
            (&filled(), Reason::UnknownAccount, "address"),
            (&third, Reason::InviteToSelf, "url"),
            (&third, Reason::NameTaken, "url"),
            (&filled(), Reason::SameKindOnly, "cf-no"),
            (&filled(), Reason::NotAnAdmin, "name"),
        ] {
            assert_eq!(filled.field_of(Some(reason)), field, "{reason}");
        }
    }

    #[test]
    fn r_62_custom_fields_are_not_offered_to_third_parties() {
        let third = Filled { kind: "third_party".into(), ..filled() };
        assert!(!third.terms().unwrap().custom_fields);
        assert!(filled().terms().unwrap().custom_fields);
    }

    #[test]
    fn the_preview_has_every_sentence_once() {
        let mut keys: Vec<&str> = preview().iter().map(|it| it.line.key).collect();
        assert_eq!(keys.first(), Some(&"terms.in.share"));
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!((keys.len(), all), (12, 12));
    }
}
