//! Agreements: an invite read, a change judged, and what partners are told of them.

use contracts::address::Invitee;
use contracts::command::AgreementInvite;
use contracts::delivery::{AgreementStatus, Side};
use contracts::terms::CommentTerms;
use contracts::{Actor, AgreementId, Role, Terms};
use serde_json::{Value, json};

use super::answer::Refusal;
use super::id::{NhdId, sha1};
use super::place;
use super::token::AccessKey;
use super::wire::{ActorBody, AgreementBody, Text};

/// An access key has so many characters at least: a shorter one could be guessed.
const KEY_CHARACTERS: std::ops::RangeInclusive<usize> = 16..=256;

/// An invite that a partner sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Invite {
    /// As the protocol names it.
    pub uuid: NhdId,
    /// What the partner calls itself.
    pub name: Option<String>,
    /// Where the partner says that it is reached.
    pub sender_url: String,
    /// Its secret.
    pub access_key: AccessKey,
    /// What crosses.
    pub terms: Terms,
    /// Who sent it.
    pub actor: Actor,
}

impl Invite {
    /// Reads an invite to the sharing URL `ours`, under the identifier of its path.
    ///
    /// # Errors
    /// What cannot be taken, and what to do.
    pub fn read(path_uuid: &str, ours: &str, body: &AgreementBody) -> Result<Self, Refusal> {
        let uuid = uuid_of(path_uuid, body.uuid.as_ref())?;
        if let Some(status) = Text::given(body.status.as_ref())
            && !status.eq_ignore_ascii_case("pending")
        {
            return Err(Refusal::content(format!(
                "status: an invite is pending, not {status:?}; the receiver decides"
            )));
        }
        let wanted = |name: &str, text: Option<&Text>| {
            Text::given(text)
                .map(str::to_owned)
                .ok_or_else(|| Refusal::content(format!("{name}: it is missing")))
        };
        let receiver_url = wanted("receiver_url", body.receiver_url.as_ref())?;
        if !place::is_same(&receiver_url, ours) {
            return Err(Refusal::content(format!(
                "receiver_url: the invite came to {ours}, and names another receiver"
            )));
        }
        let access_key = body.access_key.clone().filter(|key| is_key(key.reveal()));
        let access_key = access_key.ok_or_else(|| {
            Refusal::content(
                "access_key: 16 to 256 printable characters are expected, such as 40 hexadecimal \
                 digits",
            )
        })?;
        let sender_url = wanted("sender_url", body.sender_url.as_ref())?;
        let name = Text::given(body.name.as_ref()).map(str::to_owned);
        let actor = admin(body.current_actor.as_ref(), name.as_deref());
        Ok(Self { uuid, name, sender_url, access_key, terms: terms(body), actor })
    }

    /// The command that it is.
    #[must_use]
    pub fn command(&self, agreement_id: AgreementId, address: &str) -> AgreementInvite {
        AgreementInvite {
            agreement_id,
            receiver: Invitee::Address { address: address.to_owned() },
            name: self.name.clone(),
            terms: self.terms,
            actor: self.actor.clone(),
        }
    }
}

fn is_key(text: &str) -> bool {
    KEY_CHARACTERS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The identifier of the path, which the body's must not contradict.
///
/// # Errors
/// It is none, or the body has another one.
pub fn uuid_of(path: &str, body: Option<&Text>) -> Result<NhdId, Refusal> {
    let uuid = NhdId::read(path).ok_or_else(|| {
        Refusal::content("uuid: the path's last part must be 40 hexadecimal digits or a UUID")
    })?;
    match Text::given(body) {
        Some(given) if NhdId::read(given).as_ref() != Some(&uuid) => {
            Err(Refusal::content("uuid: the body names another one than the path"))
        }
        _ => Ok(uuid),
    }
}

/// What crosses. A partner that does not say whether comments may be public and status crosses
/// knows no such permission: then both do.
fn terms(body: &AgreementBody) -> Terms {
    let comments = if body.allows_public_comments.unwrap_or(true) {
        CommentTerms::PublicAndPrivate
    } else {
        CommentTerms::PrivateOnly
    };
    let custom_fields = body.sync_custom_fields.unwrap_or(false);
    Terms { comments, tags: body.sync_tags.unwrap_or(false), custom_fields }
}

/// Who acted for the partner. Whoever holds the key speaks for its admins.
#[must_use]
pub fn admin(actor: Option<&ActorBody>, organisation: Option<&str>) -> Actor {
    let given = |text: Option<&Text>| Text::given(text).map(str::to_owned);
    let name = actor
        .and_then(|actor| given(actor.name.as_ref()))
        .or_else(|| organisation.map(str::to_owned))
        .unwrap_or_else(|| "the partner".to_owned());
    let id = actor.and_then(|actor| given(actor.uuid.as_ref())).unwrap_or_else(|| sha1(&name));
    Actor { id, name, role: Role::Admin, email: None, phone: None }
}

/// An agreement as it stands, for a partner's change of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AgreementStanding<'a> {
    /// Which party the partner is.
    pub partner_is: Side,
    /// Where it stands.
    pub status: AgreementStatus,
    /// Where the partner is reached.
    pub partner_url: &'a str,
    /// Our own sharing URL.
    pub our_url: &'a str,
    /// Its name.
    pub name: Option<&'a str>,
}

/// What a partner's change comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeOutcome {
    /// What it decides.
    pub decision: Option<PartnerDecision>,
    /// The partner's new URL.
    pub moved_to: Option<String>,
    /// The new name.
    pub renamed: Option<String>,
}

/// A decision about an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartnerDecision {
    /// The receiver accepts.
    Accept,
    /// The receiver declines.
    Decline,
    /// Either side ends it.
    Deactivate,
}

/// Judges what a partner says of an agreement. What it repeats has no effect.
///
/// # Errors
/// It is not the partner's to change, or cannot be changed.
pub fn change(
    standing: &AgreementStanding<'_>,
    body: &AgreementBody,
) -> Result<ChangeOutcome, Refusal> {
    let decision = decision(standing, body)?;
    let (own, other, own_name, other_name) = match standing.partner_is {
        Side::Sender => (&body.sender_url, &body.receiver_url, "sender_url", "receiver_url"),
        Side::Receiver => (&body.receiver_url, &body.sender_url, "receiver_url", "sender_url"),
    };
    if let Some(url) = Text::given(other.as_ref())
        && !place::is_same(url, standing.our_url)
    {
        return Err(Refusal::forbidden(format!(
            "{other_name}: it is ours, {}; only {own_name} is yours to change",
            standing.our_url
        )));
    }
    let moved_to = Text::given(own.as_ref())
        .filter(|url| !place::is_same(url, standing.partner_url))
        .map(str::to_owned);
    // Only the sender names the agreement; a receiver repeats the name, or says its own.
    let renamed = Text::given(body.name.as_ref())
        .filter(|name| standing.partner_is == Side::Sender && Some(*name) != standing.name)
        .map(str::to_owned);
    Ok(ChangeOutcome { decision, moved_to, renamed })
}

fn decision(
    standing: &AgreementStanding<'_>,
    body: &AgreementBody,
) -> Result<Option<PartnerDecision>, Refusal> {
    use AgreementStatus::{Accepted, Declined, Inactive, Pending};
    let Some(word) = Text::given(body.status.as_ref()) else { return Ok(None) };
    let Some(wanted) = status(word) else {
        return Err(Refusal::content(format!(
            "status: {word:?} is none of pending, accepted, declined, inactive"
        )));
    };
    let is_receiver = standing.partner_is == Side::Receiver;
    match (standing.status, wanted) {
        (Pending, Pending)
        | (Accepted, Accepted)
        | (Inactive, Inactive)
        // One that was declined never was active, so there is nothing to end.
        | (Declined, Declined | Inactive) => Ok(None),
        (Pending, Accepted) if is_receiver => Ok(Some(PartnerDecision::Accept)),
        (Pending, Declined) if is_receiver => Ok(Some(PartnerDecision::Decline)),
        (Pending, Accepted | Declined) => Err(Refusal::forbidden(
            "status: the receiver decides about an invite; the sender may withdraw it (inactive)",
        )),
        (Pending | Accepted, Inactive) => Ok(Some(PartnerDecision::Deactivate)),
        (Declined | Inactive, _) => Err(Refusal::forbidden(
            "status: the agreement has ended and cannot be used again; send a new invite",
        )),
        (Accepted, Pending | Declined) => Err(Refusal::forbidden(
            "status: the agreement is accepted; it can only be ended (inactive)",
        )),
    }
}

/// A status by its word.
fn status(word: &str) -> Option<AgreementStatus> {
    match word.to_ascii_lowercase().as_str() {
        "pending" => Some(AgreementStatus::Pending),
        "accepted" => Some(AgreementStatus::Accepted),
        "declined" => Some(AgreementStatus::Declined),
        "inactive" => Some(AgreementStatus::Inactive),
        _ => None,
    }
}

/// An agreement, to be told to a partner.
#[derive(Clone)]
pub struct Told<'a> {
    /// As the protocol names it.
    pub uuid: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Which party the partner is.
    pub partner_is: Side,
    /// Where the partner is reached.
    pub partner_url: &'a str,
    /// Our own sharing URL.
    pub our_url: &'a str,
    /// Where it stands.
    pub status: AgreementStatus,
    /// Who ended it, where it has ended.
    pub ended_by: Option<Side>,
    /// What crosses.
    pub terms: Option<Terms>,
    /// Who acted.
    pub actor: Option<&'a str>,
    /// The secret; in an invite alone.
    pub access_key: Option<&'a str>,
}

impl Told<'_> {
    /// As a body.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({ "uuid": self.uuid, "status": self.status });
        // A sender that is strict refuses to hear its own name and URL from the receiver.
        match self.partner_is {
            Side::Sender => body["receiver_url"] = json!(self.our_url),
            Side::Receiver => {
                body["name"] = json!(self.name);
                body["sender_url"] = json!(self.our_url);
                body["receiver_url"] = json!(self.partner_url);
            }
        }
        if let Some(terms) = self.terms {
            body["allows_public_comments"] =
                json!(terms.comments == CommentTerms::PublicAndPrivate);
            body["sync_tags"] = json!(terms.tags);
            body["sync_custom_fields"] = json!(terms.custom_fields);
        }
        if let Some(side) = self.ended_by.filter(|_| self.status == AgreementStatus::Inactive) {
            body["deactivated_by"] = json!(side);
        }
        if let Some(name) = self.actor {
            let uuid = sha1(&format!("deskmesh/{}/{name}", self.uuid));
            body["current_actor"] = json!({ "uuid": uuid, "name": name, "role": "agent" });
        }
        if let Some(key) = self.access_key {
            body["access_key"] = json!(key);
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OURS: &str = "https://bridge.example/sharing/acme";
    const UUID: &str = "ed46838bfb41461e4f3b16ba471162c8e2764260";

    fn body(value: Value) -> AgreementBody {
        serde_json::from_value(value).unwrap()
    }

    fn invite() -> Value {
        json!({ "uuid": UUID, "name": "Globex @ Zendesk", "status": "pending",
            "sender_url": "https://globex.example/sharing", "receiver_url": OURS,
            "access_key": "0123456789abcdef0123456789abcdef01234567", "current_actor":
                { "uuid": "a1", "name": "Kim", "role": "agent" },
            "sync_tags": true, "sync_custom_fields": null, "allows_public_comments": false })
    }

    #[test]
    fn r_52_to_r_63_an_invite_is_read_with_its_terms() {
        let read = Invite::read(&UUID.to_uppercase(), OURS, &body(invite())).unwrap();
        assert_eq!(read.uuid.as_str(), UUID);
        let terms = Terms { comments: CommentTerms::PrivateOnly, tags: true, custom_fields: false };
        assert_eq!((read.terms, read.name.as_deref()), (terms, Some("Globex @ Zendesk")));
        assert_eq!((read.actor.name.as_str(), read.actor.role), ("Kim", Role::Admin));
    }

    #[test]
    fn a_permission_that_nobody_spoke_of_is_given() {
        let mut silent = invite();
        silent["allows_public_comments"] = json!(null);
        let read = Invite::read(UUID, OURS, &body(silent)).unwrap();
        assert_eq!(read.terms.comments, CommentTerms::PublicAndPrivate);
    }

    #[test]
    fn what_is_no_invite_is_refused_with_its_member() {
        for (member, value, said) in [
            ("uuid", json!("3912304500bbbc6ce97e6eee3eb3df4f34de0437"), "another one"),
            ("uuid", json!("t1"), "another one"),
            ("status", json!("accepted"), "the receiver decides"),
            ("receiver_url", json!("https://bridge.example/sharing/globex"), "another receiver"),
            ("receiver_url", json!(null), "missing"),
            ("sender_url", json!(""), "missing"),
            ("access_key", json!(null), "16 to 256"),
            ("access_key", json!("short"), "16 to 256"),
            ("access_key", json!("with a blank in its middle"), "16 to 256"),
        ] {
            let mut changed = invite();
            changed[member] = value;
            let refusal = Invite::read(UUID, OURS, &body(changed)).unwrap_err();
            assert_eq!(refusal.why.status(), 422);
            let sentence = &refusal.sentence;
            assert!(sentence.starts_with(member) && sentence.contains(said), "{sentence}");
        }
        let refusal = Invite::read("t1", OURS, &body(invite())).unwrap_err();
        assert!(refusal.sentence.contains("40 hexadecimal digits"));
    }

    #[test]
    fn r_74_each_change_has_one_outcome_and_none_reactivates() {
        use AgreementStatus::{Accepted, Declined, Inactive, Pending};
        use Side::{Receiver, Sender};
        let judged = |partner_is, status, word: &str| {
            let standing = AgreementStanding {
                partner_is,
                status,
                partner_url: "https://globex.example/sharing",
                our_url: OURS,
                name: None,
            };
            change(&standing, &body(json!({ "status": word }))).map(|change| change.decision)
        };
        for (partner_is, status, word, expected) in [
            (Receiver, Pending, "accepted", Ok(Some(PartnerDecision::Accept))),
            (Receiver, Pending, "Declined", Ok(Some(PartnerDecision::Decline))),
            (Receiver, Pending, "inactive", Ok(Some(PartnerDecision::Deactivate))),
            (Sender, Pending, "inactive", Ok(Some(PartnerDecision::Deactivate))),
            (Sender, Accepted, "inactive", Ok(Some(PartnerDecision::Deactivate))),
            (Receiver, Accepted, "inactive", Ok(Some(PartnerDecision::Deactivate))),
            (Receiver, Accepted, "accepted", Ok(None)),
            (Sender, Inactive, "inactive", Ok(None)),
            (Sender, Declined, "inactive", Ok(None)),
            (Sender, Pending, "accepted", Err(403)),
            (Sender, Pending, "declined", Err(403)),
            (Sender, Inactive, "accepted", Err(403)),
            (Receiver, Inactive, "accepted", Err(403)),
            (Receiver, Declined, "accepted", Err(403)),
            (Receiver, Accepted, "declined", Err(403)),
            (Receiver, Pending, "maybe", Err(422)),
        ] {
            let got = judged(partner_is, status, word).map_err(|refusal| refusal.why.status());
            assert_eq!(got, expected, "{partner_is:?} {status:?} {word}");
        }
    }

    #[test]
    fn each_side_changes_its_own_url_and_the_sender_the_name() {
        let standing = |partner_is| AgreementStanding {
            partner_is,
            status: AgreementStatus::Accepted,
            partner_url: "https://globex.example/sharing",
            our_url: OURS,
            name: Some("Repairs"),
        };
        let moved = json!({ "name": "New", "sender_url": "https://g2.example/sharing",
            "receiver_url": format!("{OURS}/") });
        let changed = change(&standing(Side::Sender), &body(moved.clone())).unwrap();
        assert_eq!(changed.moved_to.as_deref(), Some("https://g2.example/sharing"));
        assert_eq!(changed.renamed.as_deref(), Some("New"));
        let refusal = change(&standing(Side::Receiver), &body(moved)).unwrap_err();
        assert_eq!(refusal.why.status(), 403);
        let same = json!({ "name": "Repairs", "sender_url": "https://globex.example/sharing/" });
        let unchanged = change(&standing(Side::Sender), &body(same)).unwrap();
        assert_eq!(unchanged, ChangeOutcome::default());
    }

    #[test]
    fn what_is_told_says_whose_url_is_whose() {
        let told = |partner_is, status, ended_by| {
            Told {
                uuid: UUID,
                name: "Repairs",
                partner_is,
                partner_url: "https://globex.example/sharing",
                our_url: OURS,
                status,
                ended_by,
                terms: None,
                actor: Some("Ada"),
                access_key: None,
            }
            .body()
        };
        let accepted = told(Side::Sender, AgreementStatus::Accepted, Some(Side::Receiver));
        let expected = json!({ "uuid": UUID, "receiver_url": OURS, "status": "accepted",
            "current_actor": accepted["current_actor"] });
        assert_eq!(accepted, expected, "its own name and URL are the sender's to say");
        assert!(accepted.get("deactivated_by").is_none());
        let ended = told(Side::Receiver, AgreementStatus::Inactive, Some(Side::Sender));
        assert_eq!(
            (&ended["sender_url"], &ended["deactivated_by"]),
            (&json!(OURS), &json!("sender"))
        );
    }
}
