//! Third-party systems: which account stands for them, who says where one is reached, and the
//! account that an invite to a sharing URL makes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use contracts::address::Invitee;
use contracts::command::{AccountKind, AccountRegister};
use contracts::{AccountName, Reason, SharingUrl};

use super::state::{Account, FieldOptions, Settings, State};
use super::{Answer, Asked, addresses};

/// Where an invite has the sharing URL.
const PLACE: &str = "/receiver/sharing_url";
/// Characters of a host that is shown as a name.
const SHOWN: usize = 200;

/// Whether an invite of this account, and its end before anybody accepted it, are mailed to admins:
/// not those of a system behind a bridge, which anybody may claim to be. They stand on the page.
pub(super) fn is_vouched_for(sender: &Account) -> bool {
    sender.kind != AccountKind::ThirdParty || sender.operated_by.is_none()
}

/// Refuses the flag to whom it is not given, and to a second account.
pub(super) fn check_flag(
    state: &State,
    asked: Asked<'_>,
    name: &AccountName,
    message: &AccountRegister,
) -> Result<(), Answer> {
    if !message.third_parties {
        return Ok(());
    }
    let refused = |reason, sentence: String| {
        Err(asked.refused(reason, format!("/third_parties: {sentence}")))
    };
    if !asked.is_from_operator() {
        let sentence = "the operator of the deployment alone gives this".to_owned();
        return refused(Reason::Malformed, sentence);
    }
    let operates = state.account(name).is_some_and(|account| account.may_operate);
    if !message.may_operate && !operates {
        let sentence = "only an account that operates others can have this: give may_operate too";
        return refused(Reason::Malformed, sentence.to_owned());
    }
    if let Some(other) = state.third_parties().filter(|other| *other != name) {
        let sentence = format!("{other} has this, and a deployment has one such account");
        return refused(Reason::NameTaken, sentence);
    }
    if !SharingUrl::fits_under(name) {
        let sentence = format!("{name} is too long to begin the names of such accounts");
        return refused(Reason::InvalidName, sentence);
    }
    Ok(())
}

/// The sharing URL of a registration, in its one spelling, from who may give one.
pub(super) fn registered_url(
    state: &State,
    asked: Asked<'_>,
    message: &AccountRegister,
) -> Result<Option<SharingUrl>, Answer> {
    let Some(text) = &message.sharing_url else { return Ok(None) };
    let url = read(asked, "/sharing_url", text)?;
    if !asked.is_from_operator() && state.third_parties() != Some(asked.publisher) {
        let detail = format!(
            "/sharing_url: {} does not stand for third-party systems; the operator of the \
             deployment registers who does, with third_parties",
            asked.publisher
        );
        return Err(asked.refused(Reason::Malformed, detail));
    }
    if state.at_url(url.as_str()).is_some() {
        // Whoever invites the URL must reach one account, the one that had it first.
        return Err(asked.refused(
            Reason::NameTaken,
            "/sharing_url: another account has this sharing URL".to_owned(),
        ));
    }
    Ok(Some(url))
}

/// Whom an invite to a sharing URL is for. One that no account has becomes an account of whoever
/// stands for third-party systems; nothing where nobody does, or a registration is on its way that
/// brings it.
pub(super) fn invited<'a>(
    state: &'a State,
    asked: Asked<'_>,
    text: &str,
) -> Result<Option<Cow<'a, Account>>, Answer> {
    // An earlier release kept what was registered as it was written.
    if let Some(account) = state.at_url(text) {
        return Ok(Some(Cow::Borrowed(account)));
    }
    let read = read(asked, PLACE, text);
    let Some(operator) = state.third_parties() else {
        return Ok(read.ok().and_then(|url| state.at_url(url.as_str())).map(Cow::Borrowed));
    };
    let url = read?;
    if let Some(account) = state.at_url(url.as_str()) {
        return Ok(Some(Cow::Borrowed(account)));
    }
    if state.is_coming(url.as_str()) {
        return Ok(None);
    }
    standing_for(state, asked, operator, url).map(|account| Some(Cow::Owned(account)))
}

/// The account that stands for a third-party system from now on. Its host is all that is known of
/// whose it is.
fn standing_for(
    state: &State,
    asked: Asked<'_>,
    operator: &AccountName,
    url: SharingUrl,
) -> Result<Account, Answer> {
    let taken = |sentence: &str| asked.refused(Reason::NameTaken, format!("{PLACE}: {sentence}"));
    let name = url
        .account_under(operator)
        .map_err(|error| asked.refused(Reason::InvalidName, format!("{PLACE}: {error}")))?;
    if state.account(&name).is_some() {
        return Err(taken("the account that would stand for it is another system's"));
    }
    let invitee = Invitee::Address { address: name.to_string() };
    if state.invitee(&invitee).is_some() {
        return Err(taken("the name of the account that would stand for it is another's address"));
    }
    Ok(Account {
        address: addresses::check(state, asked, &name, name.as_str(), PLACE)?,
        name,
        display_name: url.host().chars().take(SHOWN).collect(),
        kind: AccountKind::ThirdParty,
        operated_by: Some(operator.clone()),
        may_operate: false,
        third_parties: false,
        sharing_url: Some(url.into()),
        admins: Vec::new(),
        settings: Settings::default(),
        attribute_versions: BTreeMap::new(),
        attribute_arrivals: BTreeMap::new(),
        field_options: FieldOptions::default(),
        version: state.epoch().raise(1),
    })
}

fn read(asked: Asked<'_>, pointer: &str, text: &str) -> Result<SharingUrl, Answer> {
    let malformed = |why: String| asked.refused(Reason::Malformed, format!("{pointer}: {why}"));
    SharingUrl::read(text).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use contracts::address::Invitee;
    use contracts::command::AccountKind;
    use contracts::delivery::AgreementStatus;
    use contracts::sync::Change;
    use contracts::{AgreementId, Reason};

    use crate::inbound::Inbound;
    use crate::rules::Answer;
    use crate::rules::world::{
        Answered, World, accept_of, addressed, deactivate_of, id, invite, name, operated, operator,
        register, rename_to,
    };

    const URL: &str = "https://desk.initech.example/sharing";
    const NAME: &str = "bridge-138df29b16e35e2cbac7";

    fn bridge(account: &str) -> Inbound {
        let Inbound::Register(mut message) = operator(account) else { unreachable!() };
        message.third_parties = true;
        Inbound::Register(message)
    }

    fn at_url(message: Inbound, url: &str) -> Inbound {
        let Inbound::Register(mut message) = message else { unreachable!() };
        message.sharing_url = Some(url.to_owned());
        Inbound::Register(message)
    }

    fn inviting(agreement: AgreementId, url: &str) -> Inbound {
        let Inbound::Invite(mut message) = invite(agreement, "") else { unreachable!() };
        message.receiver = Invitee::SharingUrl { sharing_url: url.to_owned() };
        Inbound::Invite(message)
    }

    fn with_bridge() -> World {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("operator", "operator", &bridge("bridge")).assert_applied();
        world
    }

    fn invites(world: &mut World, number: u64, url: &str) -> Answered {
        world.tell("acme", "acme", &inviting(id(number), url))
    }

    #[test]
    fn r_57_an_invite_to_an_unknown_sharing_url_makes_its_account() {
        let mut world = with_bridge();
        let answer = invites(&mut world, 1, URL);
        let Change::WithAgreements { account, agreements } = &answer.assert_applied().change else {
            panic!("{answer:?}")
        };
        assert_eq!((&account.account, account.version), (&name(NAME), 1));
        assert_eq!(account.operated_by, Some(name("bridge")));
        assert_eq!((agreements.len(), &agreements[0].receiver), (1, &name(NAME)));
        assert_eq!(answer.fact().change.subject(), id(1).as_str());
        for side in ["acme", NAME] {
            let seen = answer.seen_by(side);
            assert_eq!(seen.receiver.sharing_url.as_deref(), Some(URL));
            assert_eq!(seen.receiver.display_name, "desk.initech.example");
            assert_eq!(seen.sender.sharing_url, None);
        }
        assert!(answer.fact().notices.is_empty(), "nobody is known there");
        let made = world.account(NAME);
        assert_eq!((made.kind, made.address.as_str()), (AccountKind::ThirdParty, NAME));
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Pending));
    }

    #[test]
    fn a_stranger_behind_a_bridge_causes_no_mail_before_it_is_accepted() {
        let mut world = with_bridge();
        let Inbound::Register(mut message) = operated("bridge-x", "bridge") else { unreachable!() };
        message.kind = AccountKind::ThirdParty;
        let stranger = at_url(Inbound::Register(message), URL);
        world.tell("bridge", "bridge", &stranger).assert_applied();
        let of_stranger = |world: &mut World, message: Inbound| {
            world.tell("bridge", "bridge-x", &message).assert_applied().notices.len()
        };
        assert_eq!(of_stranger(&mut world, invite(id(1), "acme")), 0);
        assert_eq!(of_stranger(&mut world, deactivate_of(id(1))), 0);
        assert_eq!(of_stranger(&mut world, invite(id(2), "acme")), 0);
        world.tell("acme", "acme", &accept_of(id(2))).assert_applied();
        assert_eq!(of_stranger(&mut world, deactivate_of(id(2))), 1, "a partner's end is told");
    }

    #[test]
    fn the_same_url_again_meets_the_same_account() {
        let mut world = with_bridge();
        invites(&mut world, 1, URL).assert_applied();
        for (number, same) in (2..).zip([
            URL,
            "HTTPS://Desk.Initech.Example:443/sharing/",
            "https://ada@desk.initech.example/sharing?x=1",
        ]) {
            let answer = invites(&mut world, number, same);
            let Change::Agreements(agreements) = &answer.assert_applied().change else {
                panic!("{answer:?}")
            };
            assert_eq!(agreements[0].receiver, name(NAME));
        }
        let other = invites(&mut world, 9, "https://desk.initech.example/Sharing");
        assert_ne!(other.seen_by("acme").receiver.account, name(NAME));
    }

    #[test]
    fn a_refused_invite_makes_no_account() {
        let mut world = with_bridge();
        invites(&mut world, 1, URL).assert_applied();
        let before = world.state.accounts().all().count();
        invites(&mut world, 1, "https://other.example").assert_refused(Reason::IdTaken);
        let detail =
            invites(&mut world, 2, "http://other.example").assert_refused(Reason::Malformed);
        assert!(detail.starts_with("/receiver/sharing_url: does not begin with https"), "{detail}");
        world.tell("bridge", NAME, &inviting(id(3), URL)).assert_refused(Reason::InviteToSelf);
        assert_eq!(world.state.accounts().all().count(), before);
    }

    #[test]
    fn where_nobody_stands_for_them_an_unknown_url_is_an_unknown_account() {
        let mut world = World::with(&["acme"]);
        world.tell("operator", "operator", &operator("bridge")).assert_applied();
        for url in [URL, "http://x.example", "nonsense"] {
            let answer = invites(&mut world, 1, url);
            let Answer::NotYet { reason: Reason::UnknownAccount, brief: true, .. } = answer.0
            else {
                panic!("{url}: {answer:?}")
            };
        }
    }

    #[test]
    fn a_registration_on_its_way_that_brings_the_url_is_waited_for() {
        let mut world = with_bridge();
        let message = at_url(register("initech"), "https://Desk.initech.example/sharing/");
        world.state.settle(&message.brings(), true);
        let answer = invites(&mut world, 1, URL);
        assert!(matches!(answer.0, Answer::NotYet { brief: false, .. }), "{answer:?}");
        world.tell("operator", "operator", &message).assert_applied();
        world.state.settle(&message.brings(), false);
        let answer = invites(&mut world, 1, URL);
        assert_eq!(answer.seen_by("acme").receiver.account, name("initech"));
    }

    #[test]
    fn the_deployments_operator_gives_the_flag_to_one_account_that_operates() {
        let mut world = World::with(&["acme", "bridge"]);
        let refused = |world: &mut World, publisher: &str, message: &Inbound, reason| {
            let detail = world.tell(publisher, publisher, message).assert_refused(reason);
            assert!(detail.starts_with("/third_parties: "), "{detail}");
        };
        let alone = |account: &str| {
            let Inbound::Register(mut message) = bridge(account) else { unreachable!() };
            message.may_operate = false;
            Inbound::Register(message)
        };
        refused(&mut world, "operator", &alone("bridge"), Reason::Malformed);
        refused(&mut world, "operator", &alone("another"), Reason::Malformed);
        refused(&mut world, "operator", &bridge(&"a".repeat(19)), Reason::InvalidName);
        world.tell("operator", "operator", &operator("bridge")).assert_applied();
        let Inbound::Register(mut below) = operated("bridge-x", "bridge") else { unreachable!() };
        below.third_parties = true;
        refused(&mut world, "bridge", &Inbound::Register(below), Reason::Malformed);
        world.tell("operator", "operator", &alone("bridge")).assert_applied();
        let given = world.account("bridge");
        assert!(given.may_operate && given.third_parties && given.version == 3);
        world.tell("operator", "operator", &alone("bridge")).assert_refused(Reason::AccountExists);
        refused(&mut world, "operator", &bridge("second"), Reason::NameTaken);
    }

    #[test]
    fn nobody_else_says_where_a_third_party_is_reached() {
        let mut world = with_bridge();
        world.tell("operator", "operator", &operator("gateway")).assert_applied();
        let detail = world
            .tell("gateway", "gateway", &at_url(operated("gateway-x", "gateway"), URL))
            .assert_refused(Reason::Malformed);
        assert!(detail.starts_with("/sharing_url: gateway does not stand for"), "{detail}");
        let spelt = "https://DESK.initech.example/sharing/";
        world
            .tell("bridge", "bridge", &at_url(operated("bridge-x", "bridge"), spelt))
            .assert_applied();
        assert_eq!(world.account("bridge-x").sharing_url.as_deref(), Some(URL));
        let answer = invites(&mut world, 1, URL);
        assert_eq!(answer.seen_by("acme").receiver.account, name("bridge-x"));
        for (publisher, message) in
            [("bridge", operated("bridge-y", "bridge")), ("operator", register("fourth"))]
        {
            world
                .tell(publisher, publisher, &at_url(message, URL))
                .assert_refused(Reason::NameTaken);
        }
    }

    #[test]
    fn nobody_elses_address_begins_like_their_names() {
        let mut world = with_bridge();
        let refused = |answer: &Answered| {
            let detail = answer.assert_refused(Reason::NameTaken);
            assert!(detail.starts_with("/address: names that begin with bridge-"), "{detail}");
        };
        refused(&world.tell("acme", "acme", &rename_to(NAME)));
        refused(&world.tell("operator", "operator", &addressed("initech", NAME)));
        world.register_under("bridge", "bridge-x");
        world.tell("bridge", "bridge-x", &rename_to("bridge-y")).assert_applied();
        // One that was given before anybody stood for third-party systems stays.
        let mut world = World::with(&["acme"]);
        world.tell("acme", "acme", &rename_to(NAME)).assert_applied();
        world.tell("operator", "operator", &bridge("bridge")).assert_applied();
        let detail = invites(&mut world, 1, URL).assert_refused(Reason::NameTaken);
        assert!(detail.ends_with("is another's address"), "{detail}");
    }

    #[test]
    fn an_ended_agreement_leaves_the_account_for_the_next() {
        let mut world = with_bridge();
        invites(&mut world, 1, URL).assert_applied();
        world.tell("bridge", NAME, &deactivate_of(id(1))).assert_applied();
        let answer = invites(&mut world, 2, URL);
        assert_eq!(answer.seen_by("acme").receiver.account, name(NAME));
    }
}
