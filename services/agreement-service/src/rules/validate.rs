//! What makes a command's content well-formed beyond its types. The first flaw is named with its
//! place.

mod shapes;

use std::collections::BTreeSet;

use contracts::command::{AccountRegister, AccountUpdate, Admin, AgreementInvite};
use contracts::fields::{CustomStatuses, FieldOption, FieldType, OptionsPart, TicketField};
use contracts::limits::{ADMINS, OPTION_PARTS, STATUSES, SUPPORT_ADDRESSES, VERSION};
use contracts::pattern::Pattern;
use contracts::{Actor, Reason, link};

use super::forms::{is_address, is_language_tag};
use shapes::{NAME, URL, at_most, fields_at_most, key, line, named, url};

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

/// Checks a registration, its name apart.
pub(super) fn register(message: &AccountRegister) -> Checked {
    named("/display_name", &message.display_name)?;
    admins(&message.admins)?;
    message
        .sharing_url
        .as_deref()
        .map_or(Ok(()), |address| url("/sharing_url", address, &["https", "http"]))
}

pub(super) fn update(message: &AccountUpdate) -> Checked {
    if message.version.is_some_and(|version| version > VERSION) {
        return Err(Flaw::new("/version", format!("above {VERSION}, the highest there is")));
    }
    if let Some(name) = &message.display_name {
        named("/display_name", name)?;
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
    message.default_form.as_deref().map_or(Ok(()), default_form)
}

pub(super) fn invite(message: &AgreementInvite) -> Checked {
    if let Some(name) = &message.name {
        named("/name", name)?;
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
mod tests {
    use contracts::fields::{CustomStatus, Status};
    use contracts::limits::FIELDS;

    use super::*;
    use crate::inbound::Inbound;
    use crate::rules::world;

    fn flaw(change: impl FnOnce(&mut AccountUpdate)) -> Result<(), (Reason, String)> {
        let Inbound::Update(message) = world::update(change) else { unreachable!() };
        update(&message).map_err(|flaw| (flaw.reason, flaw.pointer))
    }

    fn malformed(pointer: &str) -> (Reason, String) {
        (Reason::Malformed, pointer.to_owned())
    }

    fn field(key: &str) -> TicketField {
        TicketField {
            key: key.into(),
            title: "Order".into(),
            field_type: FieldType::Text,
            options: Vec::new(),
            pattern: None,
            pattern_checked: true,
        }
    }

    fn status(key: &str, category: Status, default: bool) -> CustomStatus {
        CustomStatus { key: key.into(), name: "Waiting".into(), category, default }
    }

    #[test]
    fn links_are_https_and_name_the_ticket() {
        let with = |template: &str| flaw(|message| message.link_template = Some(template.into()));
        assert_eq!(with("https://desk.acme.example/tickets/{ticket_id}?tab=1"), Ok(()));
        assert_eq!(with("HTTPS://desk.acme.example/#{ticket_id}"), Ok(()));
        for bad in [
            "http://desk.acme.example/{ticket_id}",
            "https://desk.acme.example/",
            "https:///{ticket_id}",
            "https://{ticket_id}.acme.example/",
            "https://acme.example@elsewhere.example/{ticket_id}",
            "https://acme.example/{ticket_id} ",
            "https://acme.example/a b/{ticket_id}",
            "https://{ticket_id}",
            "https://ada:secret@acme.example/{ticket_id}",
            "https://acme.example:port/{ticket_id}",
            "https:acme.example/{ticket_id}",
            "javascript:alert({ticket_id})",
            "",
        ] {
            assert_eq!(with(bad), Err(malformed("/link_template")), "{bad}");
        }
    }

    #[test]
    fn r_46_support_addresses_are_addresses_or_domains() {
        let with = |address: &str| {
            flaw(|message| {
                message.support_addresses = Some(vec!["a@b.example".into(), address.into()]);
            })
        };
        for good in [
            "support@acme.example",
            "@acme.example",
            "a+b@localhost",
            "j\u{fc}rgen@b\u{fc}cher.example",
        ] {
            assert_eq!(with(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "acme.example",
            "@",
            "support@",
            "a@b@c",
            ".a@b.example",
            "a..b@c.example",
            "a.@b.example",
            "a@-b.example",
            "a@b_c.example",
            "a@b.example.",
            "a@b/c",
            "@b c",
            "@.example",
            "a b@c.example",
            "a@b.example\r\nBcc: c@d",
        ] {
            assert_eq!(with(bad), Err(malformed("/support_addresses/1")), "{bad}");
        }
        let many = vec!["@acme.example".to_owned(); SUPPORT_ADDRESSES + 1];
        assert_eq!(
            flaw(|message| message.support_addresses = Some(many)),
            Err(malformed("/support_addresses"))
        );
    }

    #[test]
    fn admins_have_addresses_and_names_of_one_line() {
        let with = |name: &str, email: &str| {
            let admin = Admin { name: name.into(), email: email.into() };
            flaw(|message| message.admins = Some(vec![admin]))
        };
        assert_eq!(with("", "ada@acme.example"), Ok(()));
        assert_eq!(with("Ada", "@acme.example"), Err(malformed("/admins/0/email")));
        assert_eq!(with("Ada\nBcc: x", "ada@acme.example"), Err(malformed("/admins/0/name")));
    }

    #[test]
    fn r_90_fields_have_keys_of_their_own() {
        let with = |fields: Vec<TicketField>| flaw(|message| message.ticket_fields = Some(fields));
        let numbered =
            |count: usize| (0..count).map(|number| field(&number.to_string())).collect::<Vec<_>>();
        assert_eq!(with(numbered(FIELDS)), Ok(()));
        assert_eq!(
            with(numbered(FIELDS + 1)),
            Err((Reason::LimitExceeded, "/ticket_fields".to_owned()))
        );
        assert_eq!(
            with(vec![field("a"), field("b"), field("a")]),
            Err(malformed("/ticket_fields/2/key"))
        );
        assert_eq!(with(vec![field("")]), Err(malformed("/ticket_fields/0/key")));
        assert_eq!(
            with(vec![TicketField { title: " ".into(), ..field("a") }]),
            Err(malformed("/ticket_fields/0/title"))
        );
    }

    #[test]
    fn a_pattern_that_nobody_can_check_is_said_with_its_field() {
        let with = |pattern: &str, field_type, pattern_checked| {
            let bad = TicketField {
                pattern: Some(pattern.into()),
                field_type,
                pattern_checked,
                ..field("serial")
            };
            let Inbound::Update(message) =
                world::update(|message| message.ticket_fields = Some(vec![field("a"), bad]))
            else {
                unreachable!()
            };
            update(&message).map_err(|flaw| flaw.detail())
        };
        for everyday in [r"\w{1,20}", r"^.{0,500}$", r"\p{L}{1,40}", r"[\w-]{3,64}", ".{1,255}"] {
            assert_eq!(with(everyday, FieldType::Regexp, true), Ok(()), "{everyday}");
        }
        for foreign in ["(?=a)b", r"(a)\1", r"a\Z", r"\h+", "((", "((a{900}){900}){900}"] {
            let detail = with(foreign, FieldType::Regexp, true).unwrap_err();
            assert!(detail.starts_with("/ticket_fields/1/pattern: "), "{detail}");
            assert!(
                detail.contains("\"serial\"") && detail.contains("pattern_checked"),
                "{detail}"
            );
            assert_eq!(with(foreign, FieldType::Regexp, false), Ok(()), "{foreign}");
            assert_eq!(with(foreign, FieldType::Text, true), Ok(()), "nobody asks a text field's");
        }
        assert!(with(&"a".repeat(501), FieldType::Regexp, false).is_err());
    }

    #[test]
    fn a_part_of_options_has_a_key_a_number_and_tags_of_its_own() {
        let part = |key: &str, part, tags: &[&str]| OptionsPart {
            key: key.into(),
            part,
            options: tags
                .iter()
                .map(|tag| FieldOption { name: "N".into(), tag: (*tag).into() })
                .collect(),
        };
        let with = |parts| flaw(|message| message.ticket_field_options = Some(parts));
        assert_eq!(
            with(vec![part("a", 1, &["x"]), part("a", 2, &["x"]), part("b", 1, &[])]),
            Ok(())
        );
        for (parts, place) in [
            (vec![part("", 1, &[])], "/0/key"),
            (vec![part("a", 0, &[])], "/0/part"),
            (vec![part("a", OPTION_PARTS + 1, &[])], "/0/part"),
            (vec![part("a", 1, &["x", "x"])], "/0/options/1/tag"),
            (vec![part("a", 1, &[""])], "/0/options/0/tag"),
            (vec![part("a", 1, &[]), part("a", 1, &["x"])], "/1"),
        ] {
            assert_eq!(with(parts), Err(malformed(&format!("/ticket_field_options{place}"))));
        }
    }

    #[test]
    fn r_95_options_have_tags_of_their_own() {
        let option = |tag: &str| FieldOption { name: "Gold".into(), tag: tag.into() };
        let with = |field_type, tags: [&str; 2]| {
            let options = tags.map(option).to_vec();
            flaw(|message| {
                message.ticket_fields =
                    Some(vec![TicketField { field_type, options, ..field("a") }]);
            })
        };
        assert_eq!(with(FieldType::Tagger, ["gold", "silver"]), Ok(()));
        assert_eq!(with(FieldType::Multiselect, ["gold", "silver"]), Ok(()));
        assert_eq!(
            with(FieldType::Tagger, ["gold", "gold"]),
            Err(malformed("/ticket_fields/0/options/1/tag"))
        );
        assert_eq!(
            with(FieldType::Text, ["gold", "silver"]),
            Err(malformed("/ticket_fields/0/options"))
        );
    }

    #[test]
    fn r_49_a_category_has_one_default_at_most() {
        let with = |statuses: Vec<CustomStatus>| {
            flaw(|message| {
                message.custom_statuses = Some(CustomStatuses { enabled: true, statuses });
            })
        };
        let (open, hold) = (status("a", Status::Open, true), status("b", Status::Hold, true));
        assert_eq!(with(vec![open.clone(), hold, status("c", Status::Open, false)]), Ok(()));
        let second = status("c", Status::Open, true);
        assert_eq!(
            with(vec![open.clone(), second]),
            Err(malformed("/custom_statuses/statuses/1/default"))
        );
        assert_eq!(
            with(vec![open.clone(), open]),
            Err(malformed("/custom_statuses/statuses/1/key"))
        );
    }

    #[test]
    fn a_default_form_names_each_field_once() {
        let with = |keys: &[&str]| {
            flaw(|message| {
                message.default_form = Some(keys.iter().map(|key| (*key).to_owned()).collect());
            })
        };
        assert_eq!(with(&[]), Ok(()));
        assert_eq!(with(&["not-defined-yet"]), Ok(()));
        assert_eq!(with(&["a", "a"]), Err(malformed("/default_form/1")));
    }

    #[test]
    fn languages_are_tags() {
        let with = |tag: &str| flaw(|message| message.locale = Some(tag.into()));
        for good in ["de", "pt-BR", "zh-Hant-TW"] {
            assert_eq!(with(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "1",
            "d",
            "x",
            "de-",
            "de--DE",
            "de-u",
            "de_DE",
            "../en",
            "german language",
            "languages",
        ] {
            assert_eq!(with(bad), Err(malformed("/locale")), "{bad}");
        }
    }
}
