//! Small parts of pages, as the mock-ups have them. Nothing is told by colour alone: each has an
//! icon or a word.

use std::fmt::Write as _;

use crate::assets;
use crate::html::Html;

/// An icon of `icons.svg`; it says nothing to whoever listens.
#[must_use]
pub fn icon(name: &str) -> Html {
    Html::trusted(format!(
        "<svg class=\"icon\" aria-hidden=\"true\" focusable=\"false\"><use \
         href=\"{}#{}\"></use></svg>",
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
