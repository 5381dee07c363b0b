//! Names, as tests: where a reader could take one type for another, no two have one name, but those
//! that the glossary explains.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::architecture::{packages, root, rust_files};

/// Under this line the glossary has the table of names that several types have.
const EXPLAINED: &str = "Names that several types have";

/// The sources of one crate: a package's library and programs, or one of its tests.
struct Sources {
    package: String,
    is_shared: bool,
    builds_on: Vec<String>,
    /// What its files show beyond their module.
    types: Vec<Shown>,
}

/// A type that is seen beyond its module.
struct Shown {
    name: String,
    /// Whether other crates see it too.
    is_pub: bool,
    file: String,
}

#[test]
fn type_names_stand_once() {
    let explained = explained();
    let again: Vec<String> = several()
        .into_iter()
        .filter(|(name, _)| !explained.contains(name))
        .map(|(name, files)| {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            format!("{name}: {}", files.join(", "))
        })
        .collect();
    assert!(
        again.is_empty(),
        "one name for several types; give one another, or shared/README.md its reason:\n{}",
        again.join("\n")
    );
}

#[test]
fn the_glossary_explains_no_name_that_stands_once() {
    let several = several();
    let explained = explained();
    assert!(!explained.is_empty(), "shared/README.md has the table under {EXPLAINED:?}");
    let once: Vec<&String> = explained.iter().filter(|name| !several.contains_key(*name)).collect();
    assert!(once.is_empty(), "these rows of shared/README.md can go: {once:?}");
}

#[test]
fn a_line_shows_a_type_beyond_its_module_or_none() {
    for (line, expected) in [
        ("pub struct Desk {", Some(("Desk", true))),
        ("pub enum Next<T> {", Some(("Next", true))),
        ("pub unsafe trait Held: Send {", Some(("Held", true))),
        ("pub(crate) type Answer = (u16, Value);", Some(("Answer", false))),
        ("pub(in crate::store) struct Row(i64);", Some(("Row", false))),
        ("pub(super) struct Row {", None),
        ("struct Row {", None),
        ("    pub struct Inner {", None),
        ("pub fn type_of() {", None),
        ("pub use line::Chain;", None),
    ] {
        let shown = type_of(line);
        let shown = shown.as_ref().map(|(name, is_pub)| (name.as_str(), *is_pub));
        assert_eq!(shown, expected, "{line}");
    }
}

/// The names that several types have where only one may, with their files.
fn several() -> BTreeMap<String, BTreeSet<String>> {
    let crates: Vec<Sources> = packages().iter().flat_map(crates_of).collect();
    let all: usize = crates.iter().map(|one| one.types.len()).sum();
    assert!(all > 500, "types are where they are looked for: {all}");
    let mut several: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for here in &crates {
        for (place, one) in here.types.iter().enumerate() {
            let within = here.types[place + 1..].iter();
            let beside = crates.iter().filter(|there| here.meets(there));
            let beside = beside.flat_map(|there| &there.types);
            let beside = beside.filter(|other| other.is_pub && (one.is_pub || !here.is_shared));
            for other in within.chain(beside).filter(|other| other.name == one.name) {
                let files = several.entry(one.name.clone()).or_default();
                files.extend([one.file.clone(), other.file.clone()]);
            }
        }
    }
    several
}

impl Sources {
    /// Whether a reader of this crate meets the public types of another one: a shared crate those
    /// of all others, because who builds on both meets them side by side; a program or a test those
    /// of the shared crates that it builds on.
    fn meets(&self, other: &Self) -> bool {
        let uses = self.is_shared || self.builds_on.contains(&other.package);
        other.is_shared && other.package != self.package && uses
    }
}

/// The crates of a package: its tests see of its library what others see, and are one of their own.
fn crates_of(package: &Value) -> Vec<Sources> {
    let name = package["name"].as_str().unwrap_or_default();
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let builds_on: Vec<String> =
        dependencies.filter_map(|on| on["name"].as_str().map(str::to_owned)).collect();
    let targets = package["targets"].as_array().into_iter().flatten();
    // `src/bin` lies in `src`; beside the manifest is a build script alone.
    let folders: BTreeSet<&Path> = targets
        .filter_map(|target| Path::new(target["src_path"].as_str()?).parent())
        .filter(|folder| !folder.ends_with("bin") && !folder.join("Cargo.toml").exists())
        .collect();
    let crate_in = |folder: &&Path| {
        let mut files: Vec<PathBuf> = Vec::new();
        rust_files(folder, &mut files);
        files.sort();
        Sources {
            package: name.to_owned(),
            is_shared: folder.ends_with(Path::new("shared").join(name).join("src")),
            builds_on: builds_on.clone(),
            types: files.iter().flat_map(|file| types_in(file)).collect(),
        }
    };
    folders.iter().map(crate_in).collect()
}

/// What a file shows beyond its module.
fn types_in(file: &Path) -> Vec<Shown> {
    let text = std::fs::read_to_string(file).expect("a readable file");
    let path = file.strip_prefix(root()).unwrap_or(file).display().to_string();
    let types = text.lines().filter_map(type_of);
    types.map(|(name, is_pub)| Shown { name, is_pub, file: path.clone() }).collect()
}

/// The type that a line begins, if it stands in no block and is seen beyond its module, with
/// whether other crates see it too.
fn type_of(line: &str) -> Option<(String, bool)> {
    let seen = line.strip_prefix("pub")?;
    let (is_pub, declared) = match seen.strip_prefix('(') {
        None => (true, seen),
        Some(seen) => {
            let (by, declared) = seen.split_once(')')?;
            if by == "super" || by == "self" {
                return None;
            }
            (false, declared)
        }
    };
    let mut words = declared.split_whitespace().skip_while(|word| *word == "unsafe");
    let kind = words.next()?;
    if !["struct", "enum", "trait", "type", "union"].contains(&kind) {
        return None;
    }
    let name = words.next()?.split(|letter: char| !letter.is_alphanumeric()).next()?;
    Some((name.to_owned(), is_pub))
}

/// The names in the first column of the glossary's table.
fn explained() -> BTreeSet<String> {
    let guide = std::fs::read_to_string(root().join("shared/README.md")).expect("a readable file");
    let (_, after) = guide.split_once(EXPLAINED).expect("the glossary says which these are");
    let rows = after.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.split('|').nth(1))
        .flat_map(|names| names.split('`').skip(1).step_by(2).map(str::to_owned))
        .collect()
}
