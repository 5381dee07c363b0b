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
        assert!(detail.contains("\"serial\"") && detail.contains("pattern_checked"), "{detail}");
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
    assert_eq!(with(vec![part("a", 1, &["x"]), part("a", 2, &["x"]), part("b", 1, &[])]), Ok(()));
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
            message.ticket_fields = Some(vec![TicketField { field_type, options, ..field("a") }]);
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
    assert_eq!(with(vec![open.clone(), open]), Err(malformed("/custom_statuses/statuses/1/key")));
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

#[test]
fn m5_the_names_that_others_know_an_account_by_are_seen_whole() {
    let named = |name: &str| flaw(|message| message.display_name = Some(name.into()));
    assert_eq!(named("Globex Repairs"), Ok(()));
    assert_eq!(named("Globex\u{202e}sriapeR"), Err(malformed("/display_name")));
    let Inbound::Register(mut message) = world::register("acme") else { unreachable!() };
    message.display_name = "Acme\u{200b}".into();
    assert_eq!(
        register(&message).map_err(|flaw| flaw.detail()),
        Err("/display_name: has U+200B, which is not seen or turns the direction of the text"
            .into())
    );
    let Inbound::Invite(mut message) = world::invite(world::id(1), "globex") else {
        unreachable!()
    };
    message.name = Some("\u{2066}Repairs".into());
    assert_eq!(invite(&message).map_err(|flaw| flaw.pointer), Err("/name".to_owned()));
}
