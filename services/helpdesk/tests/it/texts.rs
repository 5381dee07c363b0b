//! Every text is there in every language, and every key has one.

use std::path::Path;

use helpdesk::pages::TEXTS;

#[test]
fn no_text_is_missing_in_any_language() {
    let missing = TEXTS.check();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_key_that_pages_use_has_a_text() {
    for folder in ["src", "templates"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let unknown = TEXTS.unknown_keys(&folder);
        assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    }
}
