//! `UPDATE=1` rewrites the files; without it a difference fails the test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use contracts::{AccountName, asyncapi, flow_picture, topology};
use serde_json::Value;

use crate::golden::{self, goldens};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the crate lies two folders below the root")
        .to_owned()
}

fn check(path: &Path, expected: &str) {
    let found = std::fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, expected).expect("the file can be written");
    } else {
        assert!(found == expected, "{} is out of date: run `make generate`", path.display());
    }
}

fn check_json(path: &Path, expected: &Value) {
    let mut text = serde_json::to_string_pretty(expected).expect("JSON can be written");
    text.push('\n');
    check(path, &text);
}

#[test]
fn broker_definitions_are_current() {
    check_json(
        &repository().join("infra/rabbitmq/definitions.json"),
        &topology::definitions(topology::VHOST),
    );
}

#[test]
fn the_operator_resources_are_current() {
    let kubernetes = repository().join("infra/kubernetes");
    check(
        &kubernetes.join("components/rabbitmq-topology/topology.yaml"),
        &topology::operator_resources(),
    );
    let acme = AccountName::new("acme").expect("a name");
    check(
        &kubernetes.join("examples/third-party/acme.yaml"),
        &topology::operator_account_resources(&acme),
    );
}

#[test]
fn the_asyncapi_document_is_current() {
    let examples: Vec<_> = goldens().into_iter().map(|golden| golden.example).collect();
    check_json(&golden::folder("generated").join("asyncapi.json"), &asyncapi::document(&examples));
}

#[test]
fn the_auditors_document_is_current() {
    check_json(
        &golden::folder("generated").join("asyncapi-events.json"),
        &asyncapi::events_document(),
    );
}

#[test]
fn the_schemas_are_current_and_no_other_is_there() {
    let folder = golden::folder("generated/schemas");
    let mut expected = BTreeSet::new();
    for message in asyncapi::messages() {
        let name = format!("{}.json", message.name);
        check_json(&folder.join(&name), &asyncapi::schema(message));
        expected.insert(name);
    }
    assert_eq!(golden::files(&folder), expected);
}

#[test]
fn the_flow_picture_is_current() {
    let path = repository().join("shared/README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) =
        readme.split_once("<!-- flows -->\n").expect("shared/README.md has a line <!-- flows -->");
    let (_, after) =
        rest.split_once("<!-- /flows -->").expect("shared/README.md has a line <!-- /flows -->");
    let picture = flow_picture::mermaid();
    check(
        &path,
        &format!("{before}<!-- flows -->\n```mermaid\n{picture}```\n<!-- /flows -->{after}"),
    );
}
