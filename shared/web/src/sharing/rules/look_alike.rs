//! Names that look alike: an invitation from somebody whose name is nearly a partner's (M5).

use unicode_security::skeleton;

/// An account by what people see of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAccount<'a> {
    /// Its name in Deskmesh, which is nobody else's.
    pub account: &'a str,
    /// How it calls itself.
    pub name: &'a str,
    /// By what it is invited.
    pub address: &'a str,
}

/// Who of those that are known already could be taken for this one, and is another account.
pub fn look_alike<'a>(
    one: KnownAccount<'_>,
    mut known: impl Iterator<Item = KnownAccount<'a>>,
) -> Option<KnownAccount<'a>> {
    let (name, address) = (seen(one.name), seen(one.address));
    known.find(|other| {
        other.account != one.account
            && (is_alike(&name, &seen(other.name)) || is_alike(&address, &seen(other.address)))
    })
}

/// What is seen of a name: its shapes (UTS 39) as it is written and in lower case, because `I`
/// looks like `l`, and `0` like `O`. Signs and blanks between the letters do not make it another
/// name.
fn seen(name: &str) -> [String; 2] {
    let shapes = |text: &str| {
        let shapes: String = skeleton(text).filter(|letter| letter.is_alphanumeric()).collect();
        shapes.to_lowercase()
    };
    [shapes(name), shapes(&name.to_lowercase())]
}

fn is_alike(one: &[String; 2], other: &[String; 2]) -> bool {
    one.iter().zip(other).any(|(one, other)| !one.is_empty() && one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOBEX: KnownAccount<'static> =
        KnownAccount { account: "globex", name: "Globex Repairs", address: "globex" };

    fn of(name: &str, address: &str) -> bool {
        let one = KnownAccount { account: "other", name, address };
        look_alike(one, [GLOBEX].into_iter()) == Some(GLOBEX)
    }

    #[test]
    fn m5_who_could_be_taken_for_a_partner_is_found() {
        for name in [
            "Globex Repairs",
            "GLOBEX REPAIRS",
            "Globex\u{a0}Repairs",
            "GlobexRepairs",
            "Globex-Repairs",
            "Gl\u{43e}bex Repairs",
            "Gl0bex Repairs",
            "GIobex Repairs",
            "G1obex Repairs",
            "Ｇｌｏｂｅｘ Repairs",
            "Globex\u{200b} Repairs",
        ] {
            assert!(of(name, "elsewhere"), "{name:?}");
        }
        assert!(of("Quite another", "gl0bex") && of("Quite another", "g1obex"));
    }

    #[test]
    fn m5_others_are_not_and_nobody_is_taken_for_themselves() {
        for name in ["Globe Repairs", "Globex Rentals", "Acme", "", "…"] {
            assert!(!of(name, "elsewhere"), "{name:?}");
        }
        assert!(!of("Acme", ""));
        assert_eq!(look_alike(GLOBEX, [GLOBEX].into_iter()), None);
        let nameless = KnownAccount { account: "x", name: "", address: "" };
        assert_eq!(
            look_alike(nameless, [KnownAccount { account: "y", ..nameless }].into_iter()),
            None
        );
    }
}
