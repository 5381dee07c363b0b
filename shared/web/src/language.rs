//! The languages of pages, and which one a browser would have.

/// A language that all texts are there in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// English: also where none was asked for that is here.
    #[default]
    English,
    /// German.
    German,
    /// Italian.
    Italian,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::English, Self::German, Self::Italian];

    /// Its tag, as in `lang`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Italian => "it",
        }
    }

    /// What it calls itself.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::Italian => "Italiano",
        }
    }

    /// The language of a tag: `de` and `de-AT` are German.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|it| it.tag().eq_ignore_ascii_case(primary))
    }

    /// What a browser would have most, of `Accept-Language` (RFC 9110).
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let asked = header.split(',').filter_map(|range| {
            let mut parts = range.split(';');
            let language = Self::of_tag(parts.next()?.trim())?;
            let weight = parts.find_map(|part| part.trim().strip_prefix("q="));
            let weight: f32 = weight.map_or(Ok(1.0), str::parse).unwrap_or(0.0);
            (weight > 0.0).then_some((language, weight))
        });
        // Of equals the first.
        let best = asked.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(Self::default(), |(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_wanted_language_that_is_there_is_taken() {
        for (header, language) in [
            ("", Language::English),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("fr, it;q=0.3, en;q=0.4", Language::English),
            ("fr;q=1, it;q=0.1", Language::Italian),
            ("DE", Language::German),
            ("de;q=0, it;q=0.1", Language::Italian),
            ("de;q=x", Language::English),
            ("en, de", Language::English),
            ("*", Language::English),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }
}
