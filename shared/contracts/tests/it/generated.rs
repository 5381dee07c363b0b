//! `UPDATE=1` rewrites the files; without it a difference fails the test.

use std::path::{Path, PathBuf};

use contracts::{flow_picture, topology};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies two folders below the root").to_owned()
}

fn check(path: &Path, expected: &str) {
    let found = std::fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, expected).expect("the file can be written");
    } else {
        assert!(found == expected, "{} is out of date: run `make generate`", path.display());
    }
}

#[test]
fn broker_definitions_are_current() {
    let mut text = serde_json::to_string_pretty(&topology::definitions(topology::VHOST)).unwrap();
    text.push('\n');
    check(&repository().join("infra/rabbitmq/definitions.json"), &text);
}

#[test]
fn the_readmes_flow_picture_is_current() {
    let path = repository().join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once("<!-- flows -->\n").expect("README.md has a line <!-- flows -->");
    let (_, after) = rest.split_once("<!-- /flows -->").expect("README.md has a line <!-- /flows -->");
    let picture = flow_picture::mermaid();
    check(&path, &format!("{before}<!-- flows -->\n```mermaid\n{picture}```\n<!-- /flows -->{after}"));
}
