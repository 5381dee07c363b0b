//! Small parts of pages, as the mock-ups have them. Nothing is told by colour alone: each has an
//! icon or a word.

use std::fmt::Write as _;

use crate::assets;
use crate::html::Html;
use crate::reader::Reader;

/// An icon of `icons.svg`; it says nothing to whoever listens.
#[must_use]
pub fn icon(name: &str) -> Html {
    Html::trusted(format!(
        "<svg class=\"icon\" aria-hidden=\"true\" focusable=\"false\"><use href=\"{}#{}\"></use></svg>",
        assets::path("icons.svg"),
        Html::text(name)
    ))
}

/// A badge: `kind` is `ok`, `warn`, `bad`, `info`, `rule`, `in`, `out` or nothing.
#[must_use]
pub fn badge(kind: &str, icon_name: &str, text: &str) -> Html {
    with_icon("span", "badge", kind, icon_name, text)
}

/// How something does: `level` is `ok`, `warn`, `bad` or `off`.
#[must_use]
pub fn health(level: &str, icon_name: &str, text: &str) -> Html {
    with_icon("span", "health", level, icon_name, text)
}

/// What became of an item: `kind` is `ok`, `stay` or `wait`.
#[must_use]
pub fn mark(kind: &str, icon_name: &str, text: &str) -> Html {
    with_icon("li", "mark", kind, icon_name, text)
}

fn with_icon(element: &str, class: &str, kind: &str, icon_name: &str, text: &str) -> Html {
    let mut html = format!("<{element} class=\"{class}");
    if !kind.is_empty() {
        write!(html, " {class}--{}", Html::text(kind)).ok();
    }
    write!(html, "\">{}{}</{element}>", icon(icon_name), Html::text(text)).ok();
    Html::trusted(html)
}

/// A ticket's status by its category (`new`, `open`, `pending`, `hold`, `solved`, `closed`); a custom
/// one by its name, with its category's shape.
#[must_use]
pub fn status(reader: &Reader, category: &str, custom: Option<&str>) -> Html {
    let known = ["new", "open", "pending", "hold", "solved", "closed"];
    let category = known.into_iter().find(|it| *it == category).unwrap_or("open");
    let word =
        custom.map_or_else(|| reader.say(&format!("status.{category}")), |it| it.to_owned().into());
    Html::trusted(format!(
        "<span class=\"st st--{category}\">{}{}</span>",
        icon(&format!("dot-{category}")),
        Html::text(&word)
    ))
}

/// A person of this account.
#[must_use]
pub fn avatar(name: &str) -> Html {
    portrait("avatar", &initials(name))
}

/// The stand-in for a person of another account.
#[must_use]
pub fn ghost(name: &str) -> Html {
    portrait("avatar avatar--ghost", &initials(name))
}

fn portrait(class: &str, initials: &str) -> Html {
    let initials = Html::text(initials);
    Html::trusted(format!("<span class=\"{class}\" aria-hidden=\"true\">{initials}</span>"))
}

/// A tag; one that a rule set is marked.
#[must_use]
pub fn tag(text: &str, by_rule: bool) -> Html {
    let class = if by_rule { "tag tag--rule" } else { "tag" };
    let mark = if by_rule { icon("rule") } else { Html::default() };
    Html::trusted(format!("<span class=\"{class}\">{mark}{}</span>", Html::text(text)))
}

/// The first letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        for (name, shown) in [
            ("Sam Rivers", "SR"),
            ("ada", "A"),
            ("Jo van der Berg", "JB"),
            ("östlund ß", "ÖSS"),
            ("", ""),
        ] {
            assert_eq!(initials(name), shown);
        }
    }

    #[test]
    fn what_others_wrote_is_escaped() {
        for html in [
            badge("ok", "check", "<b>"),
            tag("<b>", true),
            avatar("<b>"),
            health("bad", "alert", "<b>"),
            mark("stay", "stay", "<b>"),
        ] {
            assert!(!html.as_str().contains("<b>"), "{}", html.as_str());
        }
    }
}
