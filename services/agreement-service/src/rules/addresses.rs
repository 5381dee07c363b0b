//! Which public address an account may have.

use contracts::address::Invitee;
use contracts::limits::ADDRESS_DAYS;
use contracts::{AccountName, Reason};

use super::state::State;
use super::{Answer, Asked};

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// Reads an address that `account` would have, and refuses one that is, was lately or could be
/// taken for another account's.
pub(super) fn check(
    state: &State,
    asked: Asked<'_>,
    account: &AccountName,
    address: &str,
    pointer: &str,
) -> Result<String, Answer> {
    let invalid =
        |sentence: String| asked.refused(Reason::InvalidName, format!("{pointer}: {sentence}"));
    let form = AccountName::new(address).map_err(|error| invalid(error.to_string()))?;
    if form.is_reserved() {
        return Err(invalid(format!("{form} is reserved")));
    }
    let taken =
        |sentence: &str| Err(asked.refused(Reason::NameTaken, format!("{pointer}: {sentence}")));
    let invitee = Invitee::Address { address: address.to_owned() };
    if state.invitee(&invitee).is_some_and(|other| other.name != *account) {
        return taken("another account has this address");
    }
    if form != *account && state.account(&form).is_some() {
        return taken("another account has this name");
    }
    if let Some(operator) = state.third_parties()
        && form.is_under(operator)
        && !account.is_under(operator)
    {
        return taken(&format!(
            "names that begin with {operator}- are those of third-party systems"
        ));
    }
    let again = |days| asked.at() >= days;
    match state.released(address) {
        Some(released)
            if released.account != *account
                && !again(released.at.plus_seconds(ADDRESS_DAYS.cast_signed() * SECONDS_A_DAY)) =>
        {
            taken(&format!(
                "another account gave this address up less than {ADDRESS_DAYS} days ago"
            ))
        }
        _ => Ok(address.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use contracts::Reason;
    use contracts::limits::ADDRESS_DAYS;

    use super::SECONDS_A_DAY;
    use crate::rules::world::{World, addressed, register, rename_to};

    #[test]
    fn an_account_is_registered_with_an_address_of_its_own() {
        let mut world = World::with(&["globex"]);
        let mut registers = |account: &str, address: &str| {
            world.tell("operator", "operator", &addressed(account, address))
        };
        registers("gateway-acme", "acme").assert_applied();
        for taken in ["acme", "globex"] {
            let detail = registers("initech", taken).assert_refused(Reason::NameTaken);
            assert_eq!(detail, "/address: another account has this address");
        }
        for bad in ["", "A", "operator", "ac.me"] {
            let detail = registers("initech", bad).assert_refused(Reason::InvalidName);
            assert!(detail.starts_with("/address: "), "{detail}");
        }
        assert_eq!(world.account("gateway-acme").address, "acme");
    }

    #[test]
    fn a_name_that_is_anothers_address_is_taken() {
        let mut world = World::with(&[]);
        world.tell("operator", "operator", &addressed("gateway-acme", "acme")).assert_applied();
        for message in [register("acme"), addressed("acme", "acme-eu")] {
            let detail =
                world.tell("operator", "operator", &message).assert_refused(Reason::NameTaken);
            assert_eq!(detail, "/account: another account has this address");
        }
    }

    #[test]
    fn an_address_that_was_given_up_is_nobodys_for_90_days() {
        let days = |days: i64| days * SECONDS_A_DAY;
        let most = ADDRESS_DAYS.cast_signed();
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &rename_to("acme-group")).assert_applied();
        world.tell_at(days(1), "acme", &rename_to("acme-world")).assert_applied();
        for (taker, message) in
            [("operator", addressed("initech", "acme-group")), ("globex", rename_to("acme-group"))]
        {
            for second in [days(1), days(1 + most) - 1] {
                let detail =
                    world.tell_at(second, taker, &message).assert_refused(Reason::NameTaken);
                assert_eq!(
                    detail,
                    "/address: another account gave this address up less than 90 days ago"
                );
            }
        }
        world.tell_at(days(1 + most), "globex", &rename_to("acme-group")).assert_applied();
        assert_eq!(world.account("globex").address, "acme-group");
    }

    #[test]
    fn who_gave_an_address_up_may_have_it_back() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &rename_to("acme-group")).assert_applied();
        world.tell("acme", "acme", &rename_to("acme-world")).assert_applied();
        world.tell("acme", "acme", &rename_to("acme-group")).assert_applied();
        world.tell("acme", "acme", &rename_to("acme")).assert_applied();
        world.tell("globex", "globex", &rename_to("acme-group")).assert_refused(Reason::NameTaken);
    }

    #[test]
    fn an_accounts_name_is_never_anothers_address() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &rename_to("acme-group")).assert_applied();
        let later = 10 * ADDRESS_DAYS.cast_signed() * SECONDS_A_DAY;
        for (taker, message) in
            [("operator", addressed("initech", "acme")), ("globex", rename_to("acme"))]
        {
            let detail = world.tell_at(later, taker, &message).assert_refused(Reason::NameTaken);
            assert_eq!(detail, "/address: another account has this name");
        }
    }
}
