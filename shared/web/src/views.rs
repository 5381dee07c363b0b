//! Small parts of pages, as the mock-ups have them. Nothing is told by colour alone: each has an
//! icon or a word.

pub use web_base::parts::{badge, health, icon, mark};

use crate::html::Html;
use crate::reader::Reader;

/// A ticket's status by its category (`new`, `open`, `pending`, `hold`, `solved`, `closed`); a
/// custom one by its name, with its category's shape.
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
