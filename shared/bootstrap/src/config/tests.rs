use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    smtp: Smtp,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Smtp {
    url: Secret,
    url_file: String,
    from: String,
    attempts: Within<1, 10>,
}

const OWN: &str = r#"
[smtp]
url = "smtp://localhost"
url_file = ""
from = "deskmesh@example.org"
attempts = 3
"#;

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn loaded(pairs: &[(&str, &str)]) -> Loaded<Own> {
    load(OWN, None, environment(pairs)).unwrap_or_else(|error| panic!("{}", sentence(&error)))
}

fn refused(pairs: &[(&str, &str)]) -> String {
    sentence(&load::<Own>(OWN, None, environment(pairs)).expect_err("must be refused"))
}

/// A file of this test alone, removed with it.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bootstrap-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[test]
fn every_common_key_is_a_field_and_the_reverse() {
    let loaded = load::<NoKeys>("", None, []).unwrap();
    let in_file: BTreeSet<String> = defaults("").unwrap().into_iter().map(|(key, _)| key).collect();
    let typed = Value::serialize(&loaded.common).unwrap().into_dict().unwrap();
    let fields: BTreeSet<String> = leaves(&typed).into_iter().map(|(key, _)| key).collect();
    assert_eq!(in_file, fields);
}

#[test]
fn a_default_that_the_service_does_not_know_is_refused() {
    let own = format!("{OWN}\n[templates]\npath = \"\"\n");
    let error = sentence(&load::<Own>(&own, None, []).unwrap_err());
    assert!(error.starts_with("unknown key `templates`"), "{error}");

    let error = sentence(&load::<NoKeys>(OWN, None, []).unwrap_err());
    assert!(error.starts_with("unknown key `smtp`"), "{error}");
}

#[test]
fn a_field_without_a_default_is_refused() {
    let own = OWN.replace("attempts = 3\n", "");
    let error = sentence(&load::<Own>(&own, None, []).unwrap_err());
    assert!(error.contains("`smtp.attempts`"), "{error}");
}

#[test]
fn later_layers_win() {
    let file =
        File::new("layers.toml", "[broker]\nslots = 2\nbatch_size = 64\n[smtp]\nattempts = 5\n");
    let variables = environment(&[("DESKMESH__BROKER__SLOTS", "8")]);
    let loaded: Loaded<Own> = load(OWN, Some(&file.0), variables).unwrap();
    assert_eq!(loaded.common.broker.slots.get(), 8, "the environment over the file");
    assert_eq!(loaded.common.broker.batch_size.get(), 64, "the file over the default");
    assert_eq!(loaded.common.broker.confirm_timeout_ms.get(), 30_000, "the default");
    assert_eq!(loaded.service.smtp.attempts.get(), 5, "the service's own keys as well");
}

#[test]
fn a_service_may_have_its_own_default_for_a_common_key() {
    let own = format!("[broker]\nslots = 2\n{OWN}");
    assert_eq!(load::<Own>(&own, None, []).unwrap().common.broker.slots.get(), 2);
}

#[test]
fn a_mistyped_variable_is_named() {
    assert_eq!(
        refused(&[("DESKMESH__BROKER__SLOT", "8")]),
        "unknown key `broker.slot` (environment variable DESKMESH__BROKER__SLOT), \
         expected a key of `broker`: batch_size, confirm_timeout_ms, slots, url, url_file"
    );
    assert_eq!(
        refused(&[("DESKMESH__BROKR__SLOTS", "8")]),
        "unknown key `brokr` (environment variable DESKMESH__BROKR__SLOTS), \
         expected a section of broker, database, events, http, journal, retention, shutdown, smtp, \
         telemetry, undelivered"
    );
    let error = refused(&[("DESKMESH__BROKER", "amqp://a:hush@b")]);
    assert!(
        error.starts_with("unknown key `broker` (environment variable DESKMESH__BROKER)"),
        "{error}"
    );
    assert!(!error.contains("hush"), "{error}");
    refused(&[("DESKMESH__BROKER__URL__HOST", "b")]);
    refused(&[("DESKMESH____URL", "b")]);
}

#[test]
fn variables_of_others_are_left_alone() {
    loaded(&[
        ("DESKMESH_GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("PATH", "/bin"),
        ("BROKER__SLOTS", "99"),
    ]);
}

#[test]
fn a_wrong_value_is_one_sentence_with_key_origin_and_expectation() {
    assert_eq!(
        refused(&[("DESKMESH__BROKER__SLOTS", "33")]),
        "`broker.slots` (environment variable DESKMESH__BROKER__SLOTS) must be a whole number from \
         1 to 32, found 33"
    );
    assert_eq!(
        refused(&[("DESKMESH__BROKER__SLOTS", "six")]),
        "`broker.slots` (environment variable DESKMESH__BROKER__SLOTS) must be a whole number from \
         1 to 32, \
         found another text"
    );
    assert_eq!(
        refused(&[("DESKMESH__SMTP__ATTEMPTS", "-1")]),
        "`smtp.attempts` (environment variable DESKMESH__SMTP__ATTEMPTS) must be a whole number \
         from 1 to 10, found -1"
    );
    for (name, value, expected) in [
        ("DESKMESH__TELEMETRY__TRACE_RATIO", "1.5", "a number from 0.0 to 1.0, found 1.5"),
        ("DESKMESH__TELEMETRY__LOG_FORMAT", "xml", "one of json, text"),
        ("DESKMESH__TELEMETRY__LOG_FILTER", "loud", "a level (error, warn, info, debug, trace)"),
        (
            "DESKMESH__TELEMETRY__LOG_FILTER",
            "messaging=loud",
            "a level (error, warn, info, debug, trace)",
        ),
        (
            "DESKMESH__TELEMETRY__OTLP_ENDPOINT",
            "https://collector",
            "empty or an address such as http://",
        ),
        ("DESKMESH__HTTP__LISTEN", "localhost", "an address and a port such as 0.0.0.0:9090"),
        ("DESKMESH__SHUTDOWN__GRACE_SECONDS", "0", "a whole number from 1 to 3600, found 0"),
    ] {
        let error = refused(&[(name, value)]);
        assert!(error.contains(&format!("{name}) must be {expected}")), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn a_wrong_value_in_a_file_names_the_file() {
    let file = File::new("range.toml", "[broker]\nslots = 0\n");
    let error = sentence(&load::<Own>(OWN, Some(&file.0), []).unwrap_err());
    assert_eq!(
        error,
        format!(
            "`broker.slots` (file {}) must be a whole number from 1 to 32, found 0",
            file.path()
        )
    );
    let file = File::new("syntax.toml", "[broker]\nslots = \n");
    let error = sentence(&load::<Own>(OWN, Some(&file.0), []).unwrap_err());
    assert!(error.contains("is not valid TOML") && error.contains("at line 2"), "{error}");
    assert!(!error.contains('\n'), "{error}");
    let error = sentence(&load::<Own>(OWN, Some(Path::new("/nowhere.toml")), []).unwrap_err());
    assert!(error.starts_with("the file of --config, /nowhere.toml, cannot be read: "), "{error}");
}

#[test]
fn a_text_is_taken_as_it_stands() {
    let loaded = loaded(&[("DESKMESH__SMTP__URL", "12345"), ("DESKMESH__SMTP__FROM", "[true]")]);
    assert_eq!(loaded.service.smtp.url.reveal(), "12345");
    assert_eq!(loaded.service.smtp.from, "[true]");
}

#[test]
fn a_secret_can_be_a_file() {
    let broker = File::new("broker-url", "amqps://me:hush@broker/share\n");
    let smtp = File::new("smtp-url", "smtp://me:hush@mail");
    let loaded = loaded(&[
        ("DESKMESH__BROKER__URL_FILE", broker.path()),
        ("DESKMESH__SMTP__URL_FILE", smtp.path()),
    ]);
    assert_eq!(
        loaded.common.broker_address().unwrap().now().reveal(),
        "amqps://me:hush@broker/share"
    );
    assert_eq!(loaded.service.smtp.url.reveal(), "smtp://me:hush@mail");

    let error = refused(&[
        ("DESKMESH__BROKER__URL_FILE", broker.path()),
        ("DESKMESH__BROKER__URL", "amqp://b"),
    ]);
    assert_eq!(
        error,
        "`broker.url` (environment variable DESKMESH__BROKER__URL) and `broker.url_file` \
         (environment variable DESKMESH__BROKER__URL_FILE) are both set, keep one"
    );
    let error = refused(&[("DESKMESH__BROKER__URL_FILE", "/nowhere")]);
    assert!(
        error.starts_with("the file /nowhere that `broker.url_file` (environment variable"),
        "{error}"
    );
}

#[test]
fn secrets_are_hidden_when_printed() {
    let loaded = loaded(&[
        ("DESKMESH__BROKER__URL", "amqp://me:hu/s@h@broker:5671/share"),
        ("DESKMESH__DATABASE__URL", "postgres://me@db/deskmesh?password=hush"),
        ("DESKMESH__SMTP__URL", "hush"),
    ]);
    let printed = in_force(&loaded).unwrap();
    for text in [&printed, &format!("{loaded:?}").split("merged").next().unwrap().to_owned()] {
        assert!(!text.contains("hush") && !text.contains("hu/s"), "{text}");
    }
    assert!(printed.contains("url = \"amqp://me:***@broker:5671/share\""), "{printed}");
    assert!(printed.contains("url = \"postgres://me@db/deskmesh?***\""), "{printed}");
    assert!(printed.contains("url = \"***\""), "{printed}");
}

#[test]
fn no_shape_of_an_address_shows_its_password() {
    for (given, shown) in [
        ("postgres://me@db/deskmesh?password=hush@1", "postgres://me:***@1"),
        ("postgres://me:hush@db/deskmesh?password=hush@1", "postgres://me:***@1"),
        ("postgres://me:hu?sh@db/deskmesh", "postgres://me:***@db/deskmesh"),
        ("smtp://mail:25", "smtp://mail:25"),
        ("me:hush@db", "***"),
        ("", ""),
    ] {
        assert_eq!(format!("{:?}", Secret::new(given)), format!("{shown:?}"));
    }
}

#[test]
fn what_is_printed_is_toml_with_origins() {
    let printed = in_force(&loaded(&[("DESKMESH__BROKER__SLOTS", "8")])).unwrap();
    assert!(printed.contains("# environment variable DESKMESH__BROKER__SLOTS\n"), "{printed}");
    let again = File::new("printed.toml", &printed);
    let reloaded: Loaded<Own> = load(OWN, Some(&again.0), []).unwrap();
    assert_eq!(reloaded.common.broker.slots.get(), 8);
}

#[test]
fn what_a_command_needs_is_asked_for_by_name() {
    let none = loaded(&[]);
    assert_eq!(
        none.common.broker_address().unwrap_err().to_string(),
        "`broker.url` is not set, give it as DESKMESH__BROKER__URL or as the path of a file in \
         DESKMESH__BROKER__URL_FILE"
    );
    let other = loaded(&[("DESKMESH__DATABASE__URL", "mysql://me:hush@db")]);
    assert_eq!(
        other.common.database_address().unwrap_err().to_string(),
        "`database.url` must be an address that starts with postgres:// or postgresql://"
    );
}

#[test]
fn the_pool_follows_the_slots_unless_told() {
    assert_eq!(loaded(&[("DESKMESH__BROKER__SLOTS", "8")]).common.max_connections(), 13);
    assert_eq!(loaded(&[("DESKMESH__DATABASE__MAX_CONNECTIONS", "5")]).common.max_connections(), 5);
}

#[test]
fn only_the_secret_itself_lets_in() {
    for (given, wanted, lets_in) in [
        ("abc", "abc", true),
        ("abd", "abc", false),
        ("ab", "abc", false),
        ("abcd", "abc", false),
        ("", "", false),
    ] {
        assert_eq!(Secret::new(wanted).is(given), lets_in, "{given} {wanted}");
    }
}
