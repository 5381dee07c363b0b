//! Whoever reads a page: their language and zone.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Datelike as _, Utc};
use chrono_tz::Tz;

use crate::failure::Failure;
use crate::html::Html;
use crate::language::Language;
use crate::serve::Asked;
use crate::texts::{self, Texts, Values};
use crate::when::When;

/// What texts and times are shown by.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// In which language.
    pub language: Language,
    /// In which zone.
    pub zone: Tz,
    /// `light` or `dark` where the person chose, else nothing: as the system has it.
    pub theme: &'static str,
    pub(crate) now: DateTime<Utc>,
    pub(crate) texts: &'static Texts,
}

impl Reader {
    /// Somebody who is not there: what is written to them is in their language.
    #[must_use]
    pub fn absent(language: Language, texts: &'static Texts, now: DateTime<Utc>) -> Self {
        Self { language, zone: Tz::UTC, theme: "", now, texts }
    }

    /// The text of a key; of the edge, or else of this package.
    #[must_use]
    pub fn say(&self, key: &str) -> Cow<'static, str> {
        self.text(key).map_or_else(|| Cow::Owned(key.to_owned()), Cow::Borrowed)
    }

    /// The same with values for its placeholders.
    #[must_use]
    pub fn say_with(&self, key: &str, values: &Values<'_>) -> Cow<'static, str> {
        self.text(key)
            .map_or_else(|| Cow::Owned(key.to_owned()), |text| texts::filled(text, values))
    }

    /// The same with one value, for templates.
    #[must_use]
    pub fn say_of(
        &self,
        key: &str,
        name: &str,
        value: impl std::fmt::Display,
    ) -> Cow<'static, str> {
        self.say_with(key, &[(name, &value)])
    }

    /// The text as HTML: `**strong**`, `` `code` ``.
    #[must_use]
    pub fn html(&self, key: &str) -> Html {
        self.html_with(key, &[])
    }

    /// The same with values, which are escaped.
    #[must_use]
    pub fn html_with(&self, key: &str, values: &Values<'_>) -> Html {
        self.text(key).map_or_else(|| Html::text(key), |text| texts::marked_up(text, values))
    }

    /// The same with one value, for templates.
    #[must_use]
    pub fn html_of(&self, key: &str, name: &str, value: impl std::fmt::Display) -> Html {
        self.html_with(key, &[(name, &value)])
    }

    /// The same with two values, each with its name, for templates.
    #[must_use]
    pub fn html_of_two(
        &self,
        key: &str,
        first: &(&str, impl std::fmt::Display),
        second: &(&str, impl std::fmt::Display),
    ) -> Html {
        self.html_with(key, &[(first.0, &first.1), (second.0, &second.1)])
    }

    /// Whether there is a text for a key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.text(key).is_some()
    }

    fn text(&self, key: &str) -> Option<&'static str> {
        let own = self.texts.get(self.language, key);
        own.or_else(|| texts::own().get(self.language, key))
    }

    /// When, in the reader's zone: the time of today, day and time of this year, else the day.
    #[must_use]
    pub fn time(&self, at: impl When) -> Html {
        let Some(at) = at.utc() else { return Html::text("–") };
        let (here, now) = (at.with_timezone(&self.zone), self.now.with_timezone(&self.zone));
        let time = here.format("%H:%M");
        let shown = if here.date_naive() == now.date_naive() {
            time.to_string()
        } else if here.year() == now.year() {
            format!("{}, {time}", self.day(here.day(), here.month0(), None))
        } else {
            self.day(here.day(), here.month0(), Some(here.year()))
        };
        element(at, &shown, &here.format("%Y-%m-%d %H:%M:%S %Z").to_string())
    }

    /// The day, in the reader's zone.
    #[must_use]
    pub fn date(&self, at: impl When) -> Html {
        let Some(at) = at.utc() else { return Html::text("–") };
        let here = at.with_timezone(&self.zone);
        let shown = self.day(here.day(), here.month0(), Some(here.year()));
        element(at, &shown, &here.format("%Y-%m-%d %H:%M:%S %Z").to_string())
    }

    fn day(&self, day: u32, month0: u32, year: Option<i32>) -> String {
        let names = self.say("time.months");
        let month = names.split(' ').nth(month0 as usize).unwrap_or_default().to_owned();
        let values: [(&str, &dyn std::fmt::Display); 2] = [("day", &day), ("month", &month)];
        match year {
            None => self.say_with("time.day", &values).into_owned(),
            Some(year) => {
                let [day, month] = values;
                self.say_with("time.day_of_year", &[day, month, ("year", &year)]).into_owned()
            }
        }
    }
}

fn element(at: DateTime<Utc>, shown: &str, whole: &str) -> Html {
    let machine = at.format("%Y-%m-%dT%H:%M:%SZ");
    Html::trusted(format!(
        "<time datetime=\"{machine}\" title=\"{}\">{}</time>",
        Html::text(whole),
        Html::text(shown)
    ))
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Asked::of(&parts.extensions).map(|asked| asked.reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(language: Language, zone: &str) -> Reader {
        let now = "2026-11-27T10:33:00Z".parse().unwrap();
        Reader { language, zone: zone.parse().unwrap(), theme: "", now, texts: texts::own() }
    }

    #[test]
    fn times_are_those_of_the_readers_zone_and_language() {
        for (language, zone, at, shown) in [
            (Language::English, "UTC", "2026-11-27T10:31:02Z", ">10:31<"),
            (Language::English, "Asia/Tokyo", "2026-11-27T10:31:02Z", ">19:31<"),
            // Another day there.
            (Language::English, "Asia/Tokyo", "2026-11-26T14:31:02Z", ">26 Nov, 23:31<"),
            (Language::German, "Europe/Berlin", "2026-03-26T14:31:02Z", ">26. März, 15:31<"),
            (Language::Italian, "Europe/Rome", "2025-12-31T23:30:00Z", ">1 gen, 00:30<"),
            (Language::English, "UTC", "2025-12-31T23:30:00Z", ">31 Dec 2025<"),
            (Language::English, "UTC", "yesterday", "–"),
        ] {
            let html = reader(language, zone).time(at);
            assert!(html.as_str().contains(shown), "{at} {zone}: {}", html.as_str());
        }
        let html = reader(Language::English, "Asia/Tokyo").time("2026-11-27T10:31:02Z");
        assert!(html.as_str().starts_with("<time datetime=\"2026-11-27T10:31:02Z\" title=\"2026"));
    }
}
