//! Who stands for a person in other accounts, and ids that are made up: keyed, so that nobody else
//! can make them.

use contracts::people::name_without_contact;
use contracts::{AccountName, Actor, Person, Role, ShareId};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Characters of a key at least: as many hexadecimal digits are 128 bits.
const SHORTEST: usize = 32;
const PLACEHOLDER: &str = "placeholder-";

/// The keys of this deployment, which no other service and no desk has. The first makes ids; those
/// that a later one made are known as well.
#[derive(Clone)]
pub struct Keys {
    first: Hmac<Sha256>,
    older: Vec<Hmac<Sha256>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(hidden)")
    }
}

impl Keys {
    /// Reads keys, one a line.
    ///
    /// # Errors
    /// Which cannot be used and why; the key itself is not repeated.
    pub fn read(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut keys = Vec::new();
        for (number, line) in (1..).zip(lines) {
            if line.len() < SHORTEST {
                return Err(format!("key {number} is shorter than {SHORTEST} characters"));
            }
            keys.push(Hmac::new_from_slice(line.as_bytes()).map_err(|error| error.to_string())?);
        }
        if keys.is_empty() {
            return Err("there is none".to_owned());
        }
        Ok(Self { first: keys.remove(0), older: keys })
    }

    /// Who stands for `actor` of `account`. A placeholder of this deployment that a desk hands on
    /// along the chain stays the one it is; any other id is the account's own.
    pub(super) fn standing_for(&self, account: &AccountName, actor: &Actor) -> Person {
        let passed_on =
            actor.id.strip_prefix(PLACEHOLDER).and_then(read).filter(|id| self.made(*id));
        let id = passed_on.unwrap_or_else(|| self.person(account, &actor.id));
        Person {
            id: format!("{PLACEHOLDER}{id}"),
            name: name_without_contact(&actor.name),
            role: Role::EndUser,
            placeholder: true,
        }
    }

    /// The id of a share whose command gives none: the same one when it is sent again.
    pub(crate) fn share_id(&self, account: &AccountName, message_id: &str) -> ShareId {
        let hash = keyed(&self.first, "share", &[account.as_str(), message_id]);
        let id = Uuid::new_v8(std::array::from_fn(|at| hash[at]));
        ShareId::new(id.to_string()).expect("a UUID is a share's id")
    }

    fn person(&self, account: &AccountName, id: &str) -> Uuid {
        let hash = keyed(&self.first, "person", &[account.as_str(), id]);
        sealed(&self.first, &hash)
    }

    /// Whether an id was made with one of the keys.
    fn made(&self, id: Uuid) -> bool {
        std::iter::once(&self.first).chain(&self.older).any(|key| {
            let made = sealed(key, id.as_bytes());
            // All bytes are looked at: how long it takes says nothing of how many are right.
            let differs = made
                .as_bytes()
                .iter()
                .zip(id.as_bytes())
                .fold(0, |all, (one, other)| all | (one ^ other));
            differs == 0
        })
    }
}

/// The id that begins with the first half of `bytes`: its second half is a code over the first.
fn sealed(key: &Hmac<Sha256>, bytes: &[u8]) -> Uuid {
    let half = |from: &[u8], at: usize| from.get(at).copied().unwrap_or_default();
    // The version's bits are in the first half.
    let first = Uuid::new_v8(std::array::from_fn(|at| if at < 8 { half(bytes, at) } else { 0 }));
    let first = &first.as_bytes()[..8];
    let code = code(key, first);
    Uuid::new_v8(std::array::from_fn(|at| if at < 8 { first[at] } else { code[at - 8] }))
}

fn code(key: &Hmac<Sha256>, half: &[u8]) -> [u8; 32] {
    let mut code = key.clone();
    code.update(b"code/");
    code.update(half);
    code.finalize().into_bytes().into()
}

fn keyed(key: &Hmac<Sha256>, kind: &str, parts: &[&str]) -> [u8; 32] {
    let mut hash = key.clone();
    hash.update(kind.as_bytes());
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update(format!("/{}:{part}", part.len()).as_bytes());
    }
    hash.finalize().into_bytes().into()
}

/// Reads a UUID in its one form; case is no difference.
fn read(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| id.to_string().eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(text: &str) -> Keys {
        Keys::read(text).unwrap()
    }

    fn ours() -> Keys {
        keys(&"k".repeat(32))
    }

    fn account(name: &str) -> AccountName {
        AccountName::new(name).unwrap()
    }

    fn actor(id: &str, name: &str) -> Actor {
        Actor {
            id: id.into(),
            name: name.into(),
            role: Role::Agent,
            email: Some("ada@acme.example".into()),
            phone: None,
        }
    }

    fn stand_in(keys: &Keys, of: &str, id: &str) -> String {
        keys.standing_for(&account(of), &actor(id, "Ada")).id
    }

    #[test]
    fn r_37_one_placeholder_per_account_and_person() {
        let first = stand_in(&ours(), "acme", "7");
        assert_eq!(first, stand_in(&ours(), "acme", "7"));
        assert_ne!(first, stand_in(&ours(), "globex", "7"));
        assert_ne!(first, stand_in(&ours(), "acme", "8"));
    }

    #[test]
    fn r_39_an_agent_becomes_an_end_user_elsewhere() {
        assert_eq!(ours().standing_for(&account("acme"), &actor("7", "Ada")).role, Role::EndUser);
    }

    #[test]
    fn a_placeholder_is_passed_on_unchanged_along_the_chain() {
        let first = stand_in(&ours(), "acme", "7");
        assert_eq!(stand_in(&ours(), "globex", &first), first);
        let upper = first.replace(PLACEHOLDER, "").to_uppercase();
        let passed = stand_in(&ours(), "globex", &format!("{PLACEHOLDER}{upper}"));
        assert_eq!(passed, first, "it is the same in either case");
        let bare = first.replace(PLACEHOLDER, "");
        for odd in [
            format!("{{{bare}}}"),
            format!("urn:uuid:{bare}"),
            bare.replace('-', ""),
            format!("{bare} "),
        ] {
            let id = format!("{PLACEHOLDER}{odd}");
            let other = stand_in(&ours(), "globex", &id);
            assert!(other != first && other.len() == first.len(), "{id} is no placeholder");
        }
    }

    #[test]
    fn a_key_that_makes_no_more_ids_still_knows_its_own() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let before = stand_in(&keys(&old), "acme", "7");
        let both = keys(&format!("{new}\n{old}"));
        assert_eq!(stand_in(&both, "globex", &before), before);
        assert_ne!(stand_in(&both, "acme", "7"), before, "the new key makes the ids");
        assert_ne!(
            stand_in(&keys(&new), "globex", &before),
            before,
            "a key that is gone knows none"
        );
    }

    #[test]
    fn m1_a_share_that_names_no_id_gets_one_that_nobody_can_tell_before() {
        let id = ours().share_id(&account("acme"), "m-1");
        assert_eq!(id, ours().share_id(&account("acme"), "m-1"));
        for other in [
            ours().share_id(&account("acme"), "m-2"),
            ours().share_id(&account("globex"), "m-1"),
            keys(&"x".repeat(32)).share_id(&account("acme"), "m-1"),
        ] {
            assert_ne!(id, other);
        }
    }

    proptest! {
        #[test]
        fn h5_whatever_a_desk_makes_up_is_a_person_of_its_own(
            id in prop_oneof![
                "placeholder-[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                ".{0,60}",
            ],
        ) {
            let made = stand_in(&ours(), "globex", &id);
            prop_assert_ne!(&made, &id);
            prop_assert_ne!(&made, &stand_in(&ours(), "initech", &id), "one of each account");
            prop_assert_eq!(&stand_in(&ours(), "initech", &made), &made, "and it verifies");
        }

        #[test]
        fn no_bit_of_a_placeholder_can_be_changed(bit in 0..128_usize) {
            let first = stand_in(&ours(), "acme", "7");
            let mut bytes = *read(&first[PLACEHOLDER.len()..]).unwrap().as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let forged = format!("{PLACEHOLDER}{}", Uuid::from_bytes(bytes));
            prop_assert_ne!(stand_in(&ours(), "globex", &forged), forged);
        }
    }
}
