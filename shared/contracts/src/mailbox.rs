//! The mailbox that an e-mail address reaches: spellings of one are equal.

use crate::comparable::comparable;

/// Where mail to an address arrives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mailbox {
    local: String,
    domain: String,
}

impl Mailbox {
    /// The mailbox that an address reaches; nothing for what is no address. Quotes (RFC 5321,
    /// 4.1.2) and comments (RFC 5322, 3.2.2) are taken away, what follows a `+` is a note for the
    /// mailbox's owner (RFC 5233), a domain is what its ASCII form says, and case makes no
    /// difference.
    #[must_use]
    pub fn of(address: &str) -> Option<Self> {
        let address = within_angles(address.trim());
        let (local, domain) = address.rsplit_once(['@', '\u{ff20}', '\u{fe6b}'])?;
        let local = comparable(&plain(local));
        let local = match local.split_once('+') {
            Some((owner, _)) if !owner.is_empty() => owner.trim_end().to_owned(),
            _ => local,
        };
        let domain = domain_of(domain);
        (!local.is_empty() && !domain.is_empty()).then_some(Self { local, domain })
    }

    /// Whether it is of a domain, as `domain_of` gives it. A part of a domain may belong to
    /// somebody else.
    #[must_use]
    pub fn is_of(&self, domain: &str) -> bool {
        self.domain == domain
    }
}

/// A domain as it is compared.
#[must_use]
pub fn domain_of(domain: &str) -> String {
    let plain = without_comments(domain);
    let domain = plain.trim().trim_end_matches(['.', '\u{3002}']);
    idna::domain_to_ascii(domain).unwrap_or_else(|_| comparable(domain))
}

/// `Ada <ada@acme.example>` is what stands in the angles.
fn within_angles(text: &str) -> &str {
    match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(rest),
        None => text,
    }
}

/// The part before the `@` without quotes, escapes and comments.
fn plain(local: &str) -> String {
    let without = without_comments(local);
    let local = without.trim();
    let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return local.to_owned();
    };
    let (mut plain, mut letters) = (String::new(), quoted.chars());
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain
}

fn without_comments(text: &str) -> String {
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    let mut kept = String::new();
    for letter in text.chars() {
        let was_escaped = std::mem::take(&mut is_escaped);
        match letter {
            '\\' if !was_escaped => is_escaped = true,
            '"' if !was_escaped && depth == 0 => is_quoted = !is_quoted,
            '(' if !was_escaped && !is_quoted => {
                depth += 1;
                continue;
            }
            ')' if !was_escaped && depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            kept.push(letter);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r_47_spellings_of_one_mailbox_are_equal() {
        let support = Mailbox::of("support@globex.example").unwrap();
        for spelling in [
            "Support@Globex.Example",
            "support+tag@globex.example",
            "support+a+b@globex.example",
            "\"support\"@globex.example",
            "\"sup\\port\"@globex.example",
            "\"support+tag\"@globex.example",
            "support(at work)@globex.example",
            "support@globex.example.",
            "support@(ours)globex.example",
            " support@globex.example ",
            "Support Desk <support@globex.example>",
            "support＠globex.example",
            "sup\u{200b}port@globex.example",
            "support@ｇlobex.example",
        ] {
            assert_eq!(Mailbox::of(spelling), Some(support.clone()), "{spelling}");
        }
        for other in [
            "support2@globex.example",
            "support@eu.globex.example",
            "support@globex.example.org",
            "+support@globex.example",
            "sup.port@globex.example",
        ] {
            assert_ne!(Mailbox::of(other), Some(support.clone()), "{other}");
        }
        assert_eq!(Mailbox::of("a@müller.example"), Mailbox::of("a@xn--mller-kva.EXAMPLE"));
        for none in ["", "@", "a@", "@globex.example", "globex.example", "\"\"@globex.example"] {
            assert_eq!(Mailbox::of(none), None, "{none}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn r_47_a_note_quotes_and_case_change_no_mailbox(
            local in "[a-z0-9.]{1,12}",
            domain in "[a-z]{1,8}\\.example",
            note in "[a-z0-9+]{0,6}",
        ) {
            let plain = Mailbox::of(&format!("{local}@{domain}"));
            prop_assert!(plain.is_some());
            for spelling in [
                format!("{local}+{note}@{domain}"),
                format!("\"{local}\"@{domain}"),
                format!("\"{local}+{note}\"@{}", domain.to_uppercase()),
                format!("{}@{domain}.", local.to_uppercase()),
            ] {
                prop_assert_eq!(&Mailbox::of(&spelling), &plain, "{}", spelling);
            }
        }

        #[test]
        fn whatever_is_written_has_a_mailbox_or_none(text in any::<String>()) {
            let _ = Mailbox::of(&text);
        }
    }
}
