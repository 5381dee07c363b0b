//! What makes a command's content well-formed beyond its types. The first flaw is named with its
//! place.

mod shapes;
mod unseen;

use std::collections::BTreeSet;

use contracts::command::{AccountRegister, AccountUpdate, Admin, AgreementInvite, DeskLimits};
use contracts::fields::{CustomStatuses, FieldOption, FieldType, OptionsPart, TicketField};
use contracts::limits::{ADMINS, OPTION_PARTS, STATUSES, SUPPORT_ADDRESSES, VERSION, WHOLE_NUMBER};
use contracts::pattern::Pattern;
use contracts::{Actor, Reason, link};

use super::forms::{is_address, is_language_tag};
use shapes::{NAME, URL, at_most, fields_at_most, key, known_by, line, named, url};

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// `malformed`, or `limit_exceeded` for too many fields.
    pub reason: Reason,
    pointer: String,
    sentence: String,
}

impl Flaw {
    pub(super) fn new(pointer: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { reason: Reason::Malformed, pointer: pointer.into(), sentence: sentence.into() }
    }

    /// A JSON pointer and a sentence.
    pub(super) fn detail(&self) -> String {
        format!("{}: {}", self.pointer, self.sentence)
    }
}

type Checked = Result<(), Flaw>;

/// Checks a registration, its name and sharing URL apart.
pub(super) fn register(message: &AccountRegister) -> Checked {
    known_by("/display_name", &message.display_name)?;
    admins(&message.admins)
}

pub(super) fn update(message: &AccountUpdate) -> Checked {
    if message.version.is_some_and(|version| version > VERSION) {
        return Err(Flaw::new("/version", format!("above {VERSION}, the highest there is")));
    }
    if let Some(name) = &message.display_name {
        known_by("/display_name", name)?;
    }
    if let Some(list) = &message.admins {
        admins(list)?;
    }
    if let Some(tag) = &message.locale
        && !is_language_tag(tag)
    {
        return Err(Flaw::new("/locale", "not a BCP 47 language tag"));
    }
    if let Some(template) = &message.link_template {
        link_template(template)?;
    }
    if let Some(addresses) = &message.support_addresses {
        support_addresses(addresses)?;
    }
    if let Some(statuses) = &message.custom_statuses {
        custom_statuses(statuses)?;
    }
    if let Some(fields) = &message.ticket_fields {
        ticket_fields(fields)?;
    }
    if let Some(parts) = &message.ticket_field_options {
        option_parts(parts)?;
    }
    if let Some(limits) = &message.limits {
        desk_limits(limits)?;
    }
    message.default_form.as_deref().map_or(Ok(()), default_form)
}

fn desk_limits(limits: &DeskLimits) -> Checked {
    let chars = [("subject_chars", limits.subject_chars), ("body_chars", limits.body_chars)];
    for (name, chars) in chars {
        if chars == Some(0) {
            return Err(Flaw::new(format!("/limits/{name}"), "below 1"));
        }
    }
    for (name, number) in chars.into_iter().chain([("attachment_bytes", limits.attachment_bytes)]) {
        if number.is_some_and(|number| number > WHOLE_NUMBER) {
            return Err(Flaw::new(format!("/limits/{name}"), format!("above {WHOLE_NUMBER}")));
        }
    }
    Ok(())
}

pub(super) fn invite(message: &AgreementInvite) -> Checked {
    if let Some(name) = &message.name {
        known_by("/name", name)?;
    }
    actor(&message.actor)
}

/// Checks the name that partners and mails show.
pub(super) fn actor(actor: &Actor) -> Checked {
    line("/actor/name", &actor.name, NAME)
}

fn admins(admins: &[Admin]) -> Checked {
    at_most(ADMINS, admins, "/admins")?;
    for (index, admin) in admins.iter().enumerate() {
        line(&format!("/admins/{index}/name"), &admin.name, NAME)?;
        if !is_address(&admin.email) {
            return Err(Flaw::new(format!("/admins/{index}/email"), "not an e-mail address"));
        }
    }
    Ok(())
}

fn support_addresses(addresses: &[String]) -> Checked {
    at_most(SUPPORT_ADDRESSES, addresses, "/support_addresses")?;
    for (index, address) in addresses.iter().enumerate() {
        // `@domain` is an address without anybody in front.
        let is_domain = address.starts_with('@') && is_address(&format!("x{address}"));
        if !is_domain && !is_address(address) {
            return Err(Flaw::new(
                format!("/support_addresses/{index}"),
                "neither an e-mail address nor @domain",
            ));
        }
    }
    Ok(())
}

fn link_template(template: &str) -> Checked {
    const PLACE: &str = "{ticket_id}";
    // As it is once a ticket's number stands in it; in the host it has no place.
    url("/link_template", template, link::SCHEMES)?;
    if template.contains(PLACE) {
        Ok(())
    } else {
        Err(Flaw::new("/link_template", format!("does not contain {PLACE}")))
    }
}

fn custom_statuses(custom: &CustomStatuses) -> Checked {
    at_most(STATUSES, &custom.statuses, "/custom_statuses/statuses")?;
    let (mut keys, mut defaults) = (BTreeSet::new(), BTreeSet::new());
    for (index, status) in custom.statuses.iter().enumerate() {
        let at = format!("/custom_statuses/statuses/{index}");
        key(&format!("{at}/key"), &status.key, &mut keys)?;
        named(&format!("{at}/name"), &status.name)?;
        if status.default && !defaults.insert(status.category) {
            return Err(Flaw::new(
                format!("{at}/default"),
                "its category has a default status already",
            ));
        }
    }
    Ok(())
}

fn ticket_fields(fields: &[TicketField]) -> Checked {
    fields_at_most(fields, "/ticket_fields")?;
    let mut keys = BTreeSet::new();
    for (index, field) in fields.iter().enumerate() {
        let at = format!("/ticket_fields/{index}");
        key(&format!("{at}/key"), &field.key, &mut keys)?;
        named(&format!("{at}/title"), &field.title)?;
        pattern(&format!("{at}/pattern"), field)?;
        options(&format!("{at}/options"), field)?;
    }
    Ok(())
}

/// A pattern that nobody can check would refuse every value: it is said when it is registered.
fn pattern(at: &str, field: &TicketField) -> Checked {
    let Some(pattern) = &field.pattern else { return Ok(()) };
    if pattern.chars().count() > URL {
        return Err(Flaw::new(at, format!("longer than {URL} characters")));
    }
    if field.field_type != FieldType::Regexp || !field.pattern_checked {
        return Ok(());
    }
    Pattern::read(pattern).map(drop).map_err(|problem| {
        let key = &field.key;
        Flaw::new(
            at,
            format!(
                "the pattern of the field {key:?} {problem}. With \"pattern_checked\": false it is \
                 kept, and any text is taken"
            ),
        )
    })
}

fn option_parts(parts: &[OptionsPart]) -> Checked {
    let mut seen = BTreeSet::new();
    for (index, part) in parts.iter().enumerate() {
        let at = format!("/ticket_field_options/{index}");
        key(&format!("{at}/key"), &part.key, &mut BTreeSet::new())?;
        if !(1..=OPTION_PARTS).contains(&part.part) {
            return Err(Flaw::new(format!("{at}/part"), format!("not 1 to {OPTION_PARTS}")));
        }
        if !seen.insert((&part.key, part.part)) {
            return Err(Flaw::new(at, "the same part of the same field is given twice"));
        }
        named_options(&format!("{at}/options"), &part.options)?;
    }
    Ok(())
}

fn options(at: &str, field: &TicketField) -> Checked {
    if !field.options.is_empty()
        && !matches!(field.field_type, FieldType::Tagger | FieldType::Multiselect)
    {
        return Err(Flaw::new(at, "only a tagger or multiselect field has options"));
    }
    named_options(at, &field.options)
}

fn named_options(at: &str, options: &[FieldOption]) -> Checked {
    let mut tags = BTreeSet::new();
    for (index, option) in options.iter().enumerate() {
        named(&format!("{at}/{index}/name"), &option.name)?;
        key(&format!("{at}/{index}/tag"), &option.tag, &mut tags)?;
    }
    Ok(())
}

/// The form may name a field that a later update defines: its own version does not wait for another
/// attribute's.
fn default_form(form: &[String]) -> Checked {
    fields_at_most(form, "/default_form")?;
    let mut keys = BTreeSet::new();
    form.iter()
        .enumerate()
        .try_for_each(|(index, field)| key(&format!("/default_form/{index}"), field, &mut keys))
}

#[cfg(test)]
mod tests;
