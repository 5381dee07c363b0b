//! Who may operate other accounts, and whose the names below an operator's are.

use contracts::command::AccountRegister;
use contracts::{AccountName, Reason};

use super::state::{Account, State};
use super::{Answer, Asked};

/// Refuses an operator that may operate nobody, and a name below another one's.
pub(super) fn check_name(
    state: &State,
    asked: Asked<'_>,
    name: &AccountName,
    operated_by: Option<&AccountName>,
) -> Result<(), Answer> {
    let operates =
        |operator: &AccountName| state.account(operator).is_some_and(|account| account.may_operate);
    if let Some(operator) = operated_by.filter(|operator| !operates(operator)) {
        return Err(asked.refused(
            Reason::InvalidName,
            format!(
                "/operated_by: {operator} operates no accounts; the operator of the deployment \
                 registers it with may_operate"
            ),
        ));
    }
    let foreign = |operator: &AccountName| Some(operator) != operated_by && operates(operator);
    match name.operator_names().find(foreign) {
        None => Ok(()),
        Some(operator) => Err(asked.refused(
            Reason::NameTaken,
            format!(
                "/account: names that begin with {operator}- are those that {operator} operates"
            ),
        )),
    }
}

/// Refuses the flag to whom it is not given, and where a name below stands for somebody else.
pub(super) fn check_flag(
    state: &State,
    asked: Asked<'_>,
    name: &AccountName,
    message: &AccountRegister,
) -> Result<(), Answer> {
    if !message.may_operate {
        return Ok(());
    }
    let malformed =
        |sentence: &str| asked.refused(Reason::Malformed, format!("/may_operate: {sentence}"));
    if !asked.is_from_operator() {
        return Err(malformed("the operator of the deployment alone gives this"));
    }
    if message.operated_by.is_some() {
        return Err(malformed(
            "an account that another one operates has no user, and operates none",
        ));
    }
    match state.foreign_below(name) {
        None => Ok(()),
        Some(foreign) => Err(asked.refused(
            Reason::NameTaken,
            format!(
                "/may_operate: {foreign} begins with {name}- and is not operated by {name}; an \
                 operator needs a name that no other account begins with"
            ),
        )),
    }
}

/// An account that is registered already, with the flags that it now gets; nothing if it is given
/// none or has them.
pub(super) fn given_later(account: &Account, message: &AccountRegister) -> Option<Account> {
    let may_operate = account.may_operate || message.may_operate;
    let third_parties = account.third_parties || message.third_parties;
    let given = (may_operate, third_parties) != (account.may_operate, account.third_parties)
        && account.operated_by.is_none();
    given.then(|| Account {
        may_operate,
        third_parties,
        version: account.version + 1,
        ..account.clone()
    })
}

#[cfg(test)]
mod tests {
    use contracts::Reason;

    use crate::Inbound;
    use crate::rules::world::{World, name, operated, operator, register};

    #[test]
    fn the_deployments_operator_alone_lets_an_account_operate_others() {
        let mut world = World::with(&["bridge"]);
        let below = operated("bridge-x", "bridge");
        for publisher in ["bridge", "operator"] {
            let detail =
                world.tell(publisher, publisher, &below).assert_refused(Reason::InvalidName);
            assert!(detail.starts_with("/operated_by: bridge operates no accounts"), "{detail}");
        }
        world.tell("operator", "operator", &operator("gateway")).assert_applied();
        let Inbound::Register(mut message) = operated("gateway-x", "gateway") else {
            unreachable!()
        };
        message.may_operate = true;
        for publisher in ["gateway", "operator"] {
            let inbound = Inbound::Register(message.clone());
            let detail =
                world.tell(publisher, publisher, &inbound).assert_refused(Reason::Malformed);
            assert!(detail.starts_with("/may_operate: "), "{detail}");
        }
        world.tell("gateway", "gateway", &operated("gateway-x", "gateway")).assert_applied();
        assert!(world.account("gateway").may_operate && !world.account("gateway-x").may_operate);
    }

    #[test]
    fn m2_names_below_an_operators_are_those_it_operates() {
        let mut world = World::with(&["acme", "gate"]);
        world.tell("operator", "operator", &operator("gateway")).assert_applied();
        for (other, by) in
            [("gateway-x", None), ("gateway-x-y", None), ("gateway-x-y", Some("gateway-x"))]
        {
            let message = by.map_or_else(|| register(other), |by| operated(other, by));
            let reason = match by {
                None => Reason::NameTaken,
                Some(_) => Reason::InvalidName,
            };
            world.tell("operator", "operator", &message).assert_refused(reason);
        }
        for free in ["acme-x", "gateways", "gatewayx-y", "gate-way"] {
            world.tell("operator", "operator", &register(free)).assert_applied();
        }
        world.tell("gateway", "gateway", &operated("gateway-x-y", "gateway")).assert_applied();
    }

    #[test]
    fn m2_who_has_a_foreign_name_below_it_cannot_operate() {
        let mut world = World::with(&["gateway-eu"]);
        let detail = world
            .tell("operator", "operator", &operator("gateway"))
            .assert_refused(Reason::NameTaken);
        assert!(detail.contains("gateway-eu begins with gateway-"), "{detail}");
        world.tell("operator", "operator", &register("gateway")).assert_applied();
        world.tell("operator", "operator", &operator("gateway")).assert_refused(Reason::NameTaken);
        assert!(!world.account("gateway").may_operate);
        world.tell("operator", "operator", &operator("gate")).assert_applied();
    }

    #[test]
    fn an_account_gets_the_flag_later_and_nothing_else_changes() {
        let mut world = World::with(&["gateway"]);
        let Inbound::Register(mut message) = operator("gateway") else { unreachable!() };
        message.display_name = "Another".into();
        world.tell("operator", "operator", &Inbound::Register(message.clone())).assert_applied();
        let account = world.account("gateway");
        assert_eq!((account.may_operate, account.version), (true, 2));
        assert_eq!(account.display_name, "The gateway");
        world
            .tell("operator", "operator", &Inbound::Register(message))
            .assert_refused(Reason::AccountExists);
        world.tell("operator", "operator", &operated("gateway-x", "gateway")).assert_applied();
        assert_eq!(world.account("gateway-x").operated_by, Some(name("gateway")));
        world
            .tell("operator", "operator", &operator("gateway-x"))
            .assert_refused(Reason::AccountExists);
    }
}
