//! Whom no mail may go to: the partner's support addresses. A desk turns mail to
//! such an address into a ticket, and two desks that mail each other never stop.

use contracts::mailbox::{Mailbox, domain_of};

/// Returns the partner's entry, an address or an `@domain`, that keeps a mail from `address`. They
/// are compared as the mailboxes that they reach.
#[must_use]
pub fn suppressed_by<'a>(
    address: &str,
    partner_support_addresses: &'a [String],
) -> Option<&'a str> {
    let reached = Mailbox::of(address);
    let address = folded(address);
    let covers = |entry: &&str| {
        reached.as_ref().is_some_and(|reached| covers(entry.trim(), reached))
            // What is no address is compared as it is written.
            || (reached.is_none() && address.contains(|it| it != '@') && folded(entry) == address)
    };
    partner_support_addresses.iter().map(String::as_str).find(covers)
}

/// The form in which two spellings of an address are equal.
#[must_use]
pub fn folded(address: &str) -> String {
    address.trim().to_lowercase()
}

/// An `@domain` stands for the addresses of that domain itself: a part of it may belong to somebody
/// else.
fn covers(entry: &str, reached: &Mailbox) -> bool {
    match entry.strip_prefix(['@', '\u{ff20}', '\u{fe6b}']) {
        Some(domain) => reached.is_of(&domain_of(domain)),
        None => Mailbox::of(entry).as_ref() == Some(reached),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn partner(entries: &[&str]) -> Vec<String> {
        entries.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn r_45_no_mail_goes_to_a_support_address_of_the_partner() {
        let entries = partner(&["other@globex.example", "support@globex.example"]);
        assert_eq!(
            suppressed_by("support@globex.example", &entries),
            Some("support@globex.example")
        );
        assert_eq!(suppressed_by("admin@globex.example", &entries), None);
        assert_eq!(suppressed_by("xsupport@globex.example", &entries), None);
    }

    #[test]
    fn r_46_a_whole_domain_of_the_partner_gets_no_mail() {
        let entries = partner(&["@help.globex.example"]);
        assert_eq!(
            suppressed_by("anyone@help.globex.example", &entries),
            Some("@help.globex.example")
        );
        for told in [
            "a@globex.example",
            "a@eu.help.globex.example",
            "a@nothelp.globex.example",
            "help.globex.example",
        ] {
            assert_eq!(suppressed_by(told, &entries), None, "{told}");
        }
    }

    #[test]
    fn r_47_case_and_blanks_around_an_address_make_no_difference() {
        let entries = partner(&[" Support@Globex.Example ", "@MÜLLER.example"]);
        assert!(suppressed_by("sUPPORT@gLOBEX.eXAMPLE", &entries).is_some());
        assert!(suppressed_by(" a@müller.EXAMPLE", &entries).is_some());
    }

    #[test]
    fn r_45_a_support_address_is_known_in_every_spelling() {
        let entries =
            partner(&["support@globex.example", "help+desk@globex.example", "@müller.example"]);
        for address in [
            "support+tag@globex.example",
            "\"support\"@globex.example",
            "SUPPORT+a@Globex.Example.",
            "support(x)@globex.example",
            "help@globex.example",
            "help+other@globex.example",
            "a@xn--mller-kva.example",
            "support＠globex.example",
        ] {
            assert!(suppressed_by(address, &entries).is_some(), "{address}");
        }
        for address in [
            "support@eu.globex.example",
            "sup.port@globex.example",
            "supporter@globex.example",
            "a@mueller.example",
        ] {
            assert_eq!(suppressed_by(address, &entries), None, "{address}");
        }
    }

    #[test]
    fn an_empty_entry_covers_nobody() {
        for entry in ["", " ", "@"] {
            for address in ["", "@", "a@", "a@globex.example"] {
                assert_eq!(
                    suppressed_by(address, &partner(&[entry])),
                    None,
                    "{entry:?} {address:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn r_45_an_entry_covers_itself_wherever_it_stands(
            local in "[a-z.]{1,8}", domain in "[a-z]{1,8}\\.example",
                others in prop::collection::vec("[a-z]{1,5}@[a-z]{1,5}", 0..5), at in 0usize..6,
        ) {
            let address = format!("{local}@{domain}");
            for entry in [address.to_uppercase(), format!("@{domain}")] {
                let mut entries = others.clone();
                entries.insert(at.min(entries.len()), entry);
                prop_assert!(suppressed_by(&address, &entries).is_some());
            }
        }
    }
}
