//! HTML of comments, cleaned by an allow-list once, where it comes in: a desk that forgets to do it
//! is no hole in another's.
//!
//! What is not worth the cost of parsing goes as text alone. A parser of HTML repeats unclosed
//! formatting in every later paragraph and walks all that is open at every end tag, so that 30 KB
//! of malice take a gigabyte and a second.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use contracts::comment::Comment;
use contracts::limits::{HTML_BYTES, HTML_TAGS};

/// Comments that go without their HTML, by their places in the command, and why.
pub type WithoutHtml = BTreeMap<usize, &'static str>;

/// Bytes that all HTML of a command together may grow by: the entities and the `rel` of ordinary
/// mails, and no more than what every stage has room for.
const GROWTH: usize = 64 * 1024;
/// Nodes that a document may come to, estimated: some 40 MB.
const NODES: usize = 200_000;
/// Tags of the document itself, each of which is merged with the first.
const ROOTS: usize = 64;
/// Elements that a parser opens again where they were left open. `a` and `nobr` are too, but each
/// ends the one before.
const FORMATTING: [&str; 12] =
    ["b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"];
/// Of equal ones a parser opens so many again, and no more.
const EQUAL: usize = 3;

/// Tags, attributes and kinds of link that may cross: `ammonia`'s own list, without what would
/// reach into the reader's own site (relative links) or be fetched in the clear (images).
static ALLOWED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut allowed = Builder::default();
    allowed
        .url_schemes(["http", "https", "mailto", "tel"].into())
        .url_relative(UrlRelative::Deny)
        .attribute_filter(|element, attribute, value| {
            let is_clear = element == "img" && attribute == "src" && !is_https(value);
            (!is_clear).then(|| value.into())
        });
    allowed
});

fn is_https(url: &str) -> bool {
    url.trim_start().get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:"))
}

/// Cleans the HTML of a command's comments. One that has nothing left goes without.
#[must_use]
pub fn clean(comments: &mut [Comment]) -> WithoutHtml {
    let (mut room, mut without) = (GROWTH, WithoutHtml::new());
    for (place, comment) in comments.iter_mut().enumerate() {
        let Some(html) = comment.html_body.take() else { continue };
        match cleaned(&html, html.len() + room) {
            Ok(clean) => {
                room -= clean.len().saturating_sub(html.len());
                comment.html_body = Some(clean).filter(|clean| !clean.trim().is_empty());
            }
            Err(why) => drop(without.insert(place, why)),
        }
    }
    without
}

/// The HTML with what may cross alone, in at most so many bytes.
///
/// # Errors
/// Why it is not cleaned: it is too much.
fn cleaned(html: &str, most: usize) -> Result<String, &'static str> {
    if html.len() > HTML_BYTES {
        return Err("it is too long");
    }
    let tags = Tags::of(html);
    if tags.all > HTML_TAGS {
        return Err("it has too many tags");
    }
    if tags.roots > ROOTS || tags.nodes() > NODES {
        return Err("it has too much formatting that could be left open");
    }
    let clean = without_first_line_breaks(ALLOWED.clean(html).to_string());
    if clean.len() > most { Err("it is too long once it is clean") } else { Ok(clean) }
}

/// Line breaks that begin a `pre` go, all of them: a parser takes the first away each time that it
/// reads, and what is clean has to stay as it is.
fn without_first_line_breaks(html: String) -> String {
    if !html.contains("<pre") {
        return html;
    }
    let mut parts = html.split("<pre");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str("<pre");
        match part.split_once('>') {
            Some((attributes, text)) => {
                kept.push_str(attributes);
                kept.push('>');
                kept.push_str(text.trim_start_matches('\n'));
            }
            None => kept.push_str(part),
        }
    }
    kept
}

/// How many tags there may be at most, in whatever state a parser meets them.
#[derive(Debug, Default)]
struct Tags {
    all: usize,
    roots: usize,
    /// Formatting tags that differ.
    formatting: usize,
}

impl Tags {
    fn of(html: &str) -> Self {
        let mut tags = Self::default();
        let mut seen = HashSet::new();
        for rest in html.split('<').skip(1) {
            tags.all += 1;
            let end = rest.find(|letter: char| !letter.is_ascii_alphabetic());
            let (name, attributes) = rest.split_at(end.unwrap_or(rest.len()));
            let is = |known: &&str| name.eq_ignore_ascii_case(known);
            if ["html", "body"].iter().any(is) {
                tags.roots += 1;
            } else if FORMATTING.iter().any(is) {
                let differs = match plain_attributes(attributes) {
                    Some(attributes) => seen.insert((name.to_ascii_lowercase(), attributes)),
                    None => true,
                };
                tags.formatting += usize::from(differs);
            }
        }
        tags
    }

    /// Each tag, the text after it, and what is opened again for it.
    fn nodes(&self) -> usize {
        self.all.saturating_mul(2 + 2 + EQUAL * self.formatting)
    }
}

/// A tag's attributes where nobody can read them otherwise: no quote that is open at the first `>`,
/// and none where no value begins.
fn plain_attributes(rest: &str) -> Option<&str> {
    let (attributes, _) = rest.split_once('>')?;
    let mut left = attributes.trim_start();
    while !left.is_empty() {
        let name = left.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'));
        let after = &left[name.unwrap_or(left.len())..];
        // Where no name stands, `=` begins one.
        left = match after.strip_prefix('=').filter(|_| name != Some(0)) {
            Some(value) => after_value(value)?,
            None => match after.chars().next() {
                None => after,
                Some('/') => &after[1..],
                Some(letter) if letter.is_ascii_whitespace() => after,
                Some(_) => return None,
            },
        }
        .trim_start();
    }
    Some(attributes)
}

fn after_value(value: &str) -> Option<&str> {
    if value.starts_with(['"', '\'']) {
        let (quote, quoted) = value.split_at(1);
        return Some(quoted.split_once(quote)?.1);
    }
    let end = value.find(char::is_whitespace).unwrap_or(value.len());
    let (bare, after) = value.split_at(end);
    (!bare.is_empty() && !bare.contains(['"', '\'', '=', '`'])).then_some(after)
}

#[cfg(test)]
mod tests;
