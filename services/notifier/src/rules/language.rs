//! Which language a mail is written in.

/// The language of every mail for which no other is known.
pub const FALLBACK: &str = "en";

/// Picks one of the languages there are for a BCP 47 tag: the tag itself, else what is left of it
/// from behind (`pt-br`, then `pt`), else [`FALLBACK`].
#[must_use]
pub fn choose<'a>(there_are: &[&'a str], wanted: Option<&str>) -> &'a str {
    let wanted = wanted.unwrap_or_default().replace('_', "-").to_lowercase();
    let mut tag = wanted.as_str();
    loop {
        if let Some(found) = there_are.iter().find(|language| **language == tag) {
            return found;
        }
        match tag.rsplit_once('-') {
            Some((front, _)) => tag = front,
            None => return FALLBACK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_language_is_taken_and_english_when_there_is_none() {
        let there_are = ["en", "de", "pt", "pt-br"];
        for (wanted, taken) in [
            (None, "en"),
            (Some(""), "en"),
            (Some("de"), "de"),
            (Some("DE-at"), "de"),
            (Some("de_CH"), "de"),
            (Some("pt-BR"), "pt-br"),
            (Some("pt-BR-x-private"), "pt-br"),
            (Some("pt-PT"), "pt"),
            (Some("fr-CA"), "en"),
            (Some("../secret"), "en"),
        ] {
            assert_eq!(choose(&there_are, wanted), taken, "{wanted:?}");
        }
    }
}
