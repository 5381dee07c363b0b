//! `account.register`: by the operator, or by an account for names below its own.

use std::collections::BTreeMap;

use contracts::address::Invitee;
use contracts::command::AccountRegister;
use contracts::sync::Change;
use contracts::{AccountName, Reason, ReceiptOutcome};

use super::state::{Account, FieldOptions, Settings, State};
use super::{Answer, Asked, Decision, addresses, authorize, operating, third_party, validate};

pub(super) fn decide(state: &State, asked: Asked<'_>, message: &AccountRegister) -> Decision {
    match registered(state, asked, message) {
        Ok(account) => {
            let fact = asked.changed(
                Change::Account(Box::new(account.fact())),
                asked.receipt(ReceiptOutcome::Applied),
            );
            Decision {
                account: Some(Box::new(account)),
                agreements: Vec::new(),
                released: None,
                answer: Answer::Fact(Box::new(fact)),
            }
        }
        Err(answer) => answer.into(),
    }
}

fn registered(
    state: &State,
    asked: Asked<'_>,
    message: &AccountRegister,
) -> Result<Account, Answer> {
    if *asked.publisher != asked.command.account {
        return Err(authorize::not_yours(asked));
    }
    let name = allowed_name(asked, message)
        .map_err(|sentence| asked.refused(Reason::InvalidName, format!("/account: {sentence}")))?;
    asked.check_valid(validate::register(message))?;
    operating::check_flag(state, asked, &name, message)?;
    third_party::check_flag(state, asked, &name, message)?;
    if let Some(account) = state.account(&name) {
        return operating::given_later(account, message)
            .ok_or_else(|| asked.refused(Reason::AccountExists, None));
    }
    operating::check_name(state, asked, &name, message.operated_by.as_ref())?;
    let address = free_address(state, asked, &name, message)?;
    let sharing_url = third_party::registered_url(state, asked, message)?;
    Ok(Account {
        name,
        address,
        display_name: message.display_name.clone(),
        kind: message.kind,
        operated_by: message.operated_by.clone(),
        may_operate: message.may_operate,
        third_parties: message.third_parties,
        sharing_url: sharing_url.map(String::from),
        admins: message.admins.clone(),
        settings: Settings::default(),
        attribute_versions: BTreeMap::new(),
        attribute_arrivals: BTreeMap::new(),
        field_options: FieldOptions::default(),
        version: state.epoch().raise(1),
    })
}

/// The address it starts with. Its name is one that partners could take for its address, so that is
/// nobody else's either.
fn free_address(
    state: &State,
    asked: Asked<'_>,
    name: &AccountName,
    message: &AccountRegister,
) -> Result<String, Answer> {
    if state.invitee(&Invitee::Address { address: name.to_string() }).is_some() {
        return Err(asked
            .refused(Reason::NameTaken, "/account: another account has this address".to_owned()));
    }
    match &message.address {
        Some(address) => addresses::check(state, asked, name, address, "/address"),
        None => addresses::check(state, asked, name, name.as_str(), "/account"),
    }
}

fn allowed_name(asked: Asked<'_>, message: &AccountRegister) -> Result<AccountName, String> {
    let name = AccountName::new(message.account.as_str()).map_err(|error| error.to_string())?;
    if name.is_reserved() {
        return Err(format!("{name} is reserved"));
    }
    if !asked.is_from_operator() && message.operated_by.as_ref() != Some(asked.publisher) {
        return Err(format!("{0} registers accounts with operated_by {0} only", asked.publisher));
    }
    match &message.operated_by {
        Some(operator) if operator.is_reserved() => {
            Err(format!("{operator} is reserved and operates no account"))
        }
        Some(operator) if !name.is_under(operator) => Err(format!(
            "an account operated by {operator} has a name that begins with {operator}-"
        )),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use contracts::Reason;
    use contracts::command::AccountKind;
    use contracts::sync::Change;

    use crate::inbound::Inbound;
    use crate::rules::world::{World, name, operated, operator, register};

    fn at_url(account: &str, url: &str) -> Inbound {
        let Inbound::Register(mut message) = register(account) else { unreachable!() };
        message.sharing_url = Some(url.to_owned());
        message.kind = AccountKind::ThirdParty;
        Inbound::Register(message)
    }

    #[test]
    fn the_operator_registers_and_gets_the_receipt() {
        let mut world = World::with(&[]);
        let answer = world.tell("operator", "operator", &register("acme"));
        let fact = answer.assert_applied();
        assert_eq!(fact.command.account, name("operator"));
        let Change::Account(account) = &fact.change else { panic!("{fact:?}") };
        assert_eq!(
            (&account.account, account.version, &account.default_form),
            (&name("acme"), 1, &None)
        );
        assert_eq!(world.account("acme").address, "acme");
        assert!(fact.deliveries.is_empty() && fact.notices.is_empty());
    }

    #[test]
    fn what_is_registered_can_be_used_at_once() {
        let mut world = World::with(&[]);
        world.tell("operator", "operator", &operator("bridge")).assert_applied();
        world.tell("bridge", "bridge", &operated("bridge-x", "bridge")).assert_applied();
        assert_eq!(world.account("bridge-x").operated_by, Some(name("bridge")));
    }

    #[test]
    fn a_name_is_well_formed_and_not_reserved() {
        let mut world = World::with(&[]);
        for bad in ["", "a", "Acme", "ac.me", "operator", "desk", "guest", "parked", "field-sync"] {
            world.tell("operator", "operator", &register(bad)).assert_refused(Reason::InvalidName);
        }
    }

    #[test]
    fn an_operated_account_has_a_name_below_its_operators() {
        let mut world = World::with(&[]);
        for operating in ["bridge", "gateway"] {
            world.tell("operator", "operator", &operator(operating)).assert_applied();
        }
        world
            .tell("operator", "operator", &operated("acme", "bridge"))
            .assert_refused(Reason::InvalidName);
        world
            .tell("operator", "operator", &operated("desk-x", "desk"))
            .assert_refused(Reason::InvalidName);
        world.tell("operator", "operator", &operated("gateway-x", "gateway")).assert_applied();
        world
            .tell("bridge", "bridge", &operated("acme", "bridge"))
            .assert_refused(Reason::InvalidName);
        world
            .tell("bridge", "bridge", &operated("gateway-y", "gateway"))
            .assert_refused(Reason::InvalidName);
        world.tell("bridge", "bridge", &register("bridge-x")).assert_refused(Reason::InvalidName);
        world.tell("bridge", "bridge", &register("acme")).assert_refused(Reason::InvalidName);
    }

    #[test]
    fn only_the_account_itself_registers_below_it() {
        let mut world = World::with(&[]);
        world.tell("operator", "operator", &operator("bridge")).assert_applied();
        world.register_under("bridge", "bridge-x");
        world
            .tell("bridge", "bridge-x", &operated("bridge-x-y", "bridge-x"))
            .assert_refused(Reason::NotYourAccount);
        world.tell("bridge", "operator", &register("acme")).assert_refused(Reason::NotYourAccount);
    }

    #[test]
    fn a_name_is_registered_once() {
        let mut world = World::with(&["acme"]);
        world.tell("operator", "operator", &register("acme")).assert_refused(Reason::AccountExists);
    }

    #[test]
    fn an_address_and_a_sharing_url_lead_to_one_account() {
        let mut world = World::with(&[]);
        world.add_with_address("acme", "globex");
        world.tell("operator", "operator", &register("globex")).assert_refused(Reason::NameTaken);
        world
            .tell("operator", "operator", &at_url("third", "https://third.example/sharing"))
            .assert_applied();
        world
            .tell("operator", "operator", &at_url("fourth", "https://third.example/sharing"))
            .assert_refused(Reason::NameTaken);
    }

    #[test]
    fn what_is_not_well_formed_is_refused_with_its_place() {
        let mut world = World::with(&[]);
        let detail = world
            .tell("operator", "operator", &at_url("third", "ftp://x"))
            .assert_refused(Reason::Malformed);
        assert!(detail.starts_with("/sharing_url: "), "{detail}");
    }
}
