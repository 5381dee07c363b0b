//! Texts by key, in every language, and how values are put into them.
//!
//! A file has a line `key = text` each. In a text `{name}` is a placeholder and
//! `{count|ticket|tickets}` chooses by a number; `**strong**` and `` `code` `` are marked up where
//! the text is shown as HTML.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::html::{Html, escape};
use crate::language::Language;

/// The texts of a package.
#[derive(Debug)]
pub struct Texts {
    by_key: BTreeMap<&'static str, [Option<&'static str>; 3]>,
    problems: Vec<String>,
}

/// What a placeholder stands for.
pub type Values<'a> = [(&'a str, &'a dyn std::fmt::Display)];

impl Texts {
    /// Of one file per language.
    #[must_use]
    pub fn read(english: &'static str, german: &'static str, italian: &'static str) -> Self {
        let mut texts = Self { by_key: BTreeMap::new(), problems: Vec::new() };
        let files = Language::ALL.into_iter().zip([english, german, italian]);
        for (place, (language, file)) in files.enumerate() {
            for line in file.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                let Some((key, text)) = line.split_once(" = ") else {
                    texts.problems.push(format!("{}: no `key = text`: {line}", language.tag()));
                    continue;
                };
                let known = &mut texts.by_key.entry(key.trim()).or_default()[place];
                if known.replace(text.trim()).is_some() {
                    texts.problems.push(format!("{}: {key} stands twice", language.tag()));
                }
            }
        }
        texts
    }

    /// The text of a key, in a language or else in English.
    #[must_use]
    pub fn get(&self, language: Language, key: &str) -> Option<&'static str> {
        let texts = self.by_key.get(key)?;
        let place = Language::ALL.iter().position(|it| *it == language).unwrap_or_default();
        texts[place].or(texts[0])
    }

    /// What is wrong: lines that are none, keys that a language lacks, placeholders that differ.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        for (key, texts) in &self.by_key {
            let named: Vec<BTreeSet<&str>> =
                texts.iter().map(|text| text.map(names).unwrap_or_default()).collect();
            for (place, language) in Language::ALL.into_iter().enumerate() {
                if texts[place].is_none_or(str::is_empty) {
                    problems.push(format!("{}: {key} is missing", language.tag()));
                } else if named[place] != named[0] {
                    problems.push(format!(
                        "{}: {key} has {:?} instead of {:?}",
                        language.tag(),
                        named[place],
                        named[0]
                    ));
                }
            }
        }
        problems
    }

    /// Keys that sources and templates below `folder` ask for (`say("…")`, `html("…")` and the
    /// like) and that neither these texts nor `web`'s own have.
    #[must_use]
    pub fn unknown_keys(&self, folder: &Path) -> Vec<String> {
        let mut unknown = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(source) = std::fs::read_to_string(&path) {
                    let missing = asked_for(&source).into_iter().filter(|key| !self.has(key));
                    unknown.extend(missing.map(|key| format!("{}: {key}", path.display())));
                }
            }
        }
        unknown.sort();
        unknown
    }

    fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key) || own().by_key.contains_key(key)
    }
}

/// The texts of this package.
pub(crate) fn own() -> &'static Texts {
    static OWN: std::sync::LazyLock<Texts> = std::sync::LazyLock::new(|| {
        Texts::read(
            include_str!("../texts/en.txt"),
            include_str!("../texts/de.txt"),
            include_str!("../texts/it.txt"),
        )
    });
    &OWN
}

/// The keys in calls that take one.
fn asked_for(source: &str) -> BTreeSet<&str> {
    const CALLS: [&str; 8] = [
        "say(\"",
        "say_with(\"",
        "say_of(\"",
        "html(\"",
        "html_with(\"",
        "html_of(\"",
        "html_of_two(\"",
        "NavItem::new(\"",
    ];
    let calls = CALLS.iter().flat_map(|call| source.split(call).skip(1));
    let keys = calls.filter_map(|rest| rest.split('"').next());
    keys.filter(|key| key.contains('.')).collect()
}

enum Piece<'a> {
    Text(&'a str),
    Value(&'a str),
    Choice(&'a str, &'a str, &'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((inside, after)) = after.split_once('}') else { break };
        pieces.push(Piece::Text(before));
        let mut parts = inside.split('|');
        pieces.push(match (parts.next(), parts.next(), parts.next()) {
            (Some(name), Some(one), Some(other)) => Piece::Choice(name, one, other),
            _ => Piece::Value(inside),
        });
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn names(text: &str) -> BTreeSet<&str> {
    let named = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Text(_) => None,
        Piece::Value(name) | Piece::Choice(name, ..) => Some(name),
    });
    named.collect()
}

fn value(values: &Values<'_>, name: &str) -> String {
    let found = values.iter().find(|(known, _)| *known == name);
    found.map_or_else(|| format!("{{{name}}}"), |(_, value)| value.to_string())
}

/// The text with its values.
pub(crate) fn filled(text: &'static str, values: &Values<'_>) -> Cow<'static, str> {
    if !text.contains('{') {
        return Cow::Borrowed(text);
    }
    let mut filled = String::with_capacity(text.len() + 32);
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Value(name) => filled.push_str(&value(values, name)),
            Piece::Choice(name, one, other) => {
                filled.push_str(if value(values, name) == "1" { one } else { other });
            }
        }
    }
    Cow::Owned(filled)
}

/// The same as HTML: values escaped, `**` and `` ` `` of the text itself as markup.
pub(crate) fn marked_up(text: &str, values: &Values<'_>) -> Html {
    let mut html = String::with_capacity(text.len() + 32);
    let (mut strong, mut code) = (false, false);
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => own_text(&mut html, text, (&mut strong, &mut code)),
            Piece::Value(name) => escape(&mut html, &value(values, name)),
            Piece::Choice(name, one, other) => {
                escape(&mut html, if value(values, name) == "1" { one } else { other });
            }
        }
    }
    Html::trusted(html)
}

fn own_text(html: &mut String, text: &str, (strong, code): (&mut bool, &mut bool)) {
    let mut rest = text;
    while let Some(place) = rest.find(['*', '`']) {
        let (before, from) = rest.split_at(place);
        escape(html, before);
        if let Some(after) = from.strip_prefix("**") {
            *strong = !*strong;
            html.push_str(if *strong { "<strong>" } else { "</strong>" });
            rest = after;
        } else if let Some(after) = from.strip_prefix('`') {
            *code = !*code;
            html.push_str(if *code { "<code>" } else { "</code>" });
            rest = after;
        } else {
            html.push('*');
            rest = &from[1..];
        }
    }
    escape(html, rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_missing_and_placeholders_are_the_same() {
        assert_eq!(own().check(), Vec::<String>::new());
    }

    #[test]
    fn every_key_that_is_asked_for_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["src", "templates"] {
            assert_eq!(own().unknown_keys(&root.join(folder)), Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_wrong_with_texts_is_named() {
        let texts =
            Texts::read("a = {n} of {m}\nb = x", "a = {n} von {k}\nb = x\nb = y", "a = {n} {m}\nz");
        let problems = texts.check().join("\n");
        for said in
            ["de: a has", "it: b is missing", "de: b stands twice", "it: no `key = text`: z"]
        {
            assert!(problems.contains(said), "{said} in {problems}");
        }
        assert_eq!(texts.get(Language::Italian, "b"), Some("x"), "better English than nothing");
    }

    #[test]
    fn values_are_put_in_and_escaped_and_the_texts_own_marks_are_markup() {
        let values: &Values<'_> = &[("name", &"**<i>**"), ("n", &1)];
        let text = "**{name}** has {n} {n|ticket|tickets} in `x`";
        assert_eq!(filled(text, values), "****<i>**** has 1 ticket in `x`");
        assert_eq!(
            marked_up(text, values).as_str(),
            "<strong>**&lt;i&gt;**</strong> has 1 ticket in <code>x</code>"
        );
        let two: &Values<'_> = &[("n", &2)];
        assert_eq!(filled("{n} {n|ticket|tickets}, {x}", two), "2 tickets, {x}");
        assert_eq!(marked_up("2 * 3 < 7", &[]).as_str(), "2 * 3 &lt; 7");
    }
}
