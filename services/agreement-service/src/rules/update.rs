//! `account.update`: per attribute the highest version wins, in whatever order updates arrive.

use contracts::command::AccountUpdate;
use contracts::sync::Change;
use contracts::{Reason, Receipt, ReceiptOutcome};

use super::state::{Account, Attribute};
use super::{Answer, Asked, Decision, validate};

/// Changes an account's attributes.
pub(super) fn decide(account: &Account, asked: Asked<'_>, message: &AccountUpdate) -> Decision {
    if let Err(answer) = asked
        .check_admin(message.actor.role)
        .and_then(|()| asked.check_valid(validate::update(message)))
    {
        return answer.into();
    }
    let Merge { account: mut merged, changed, left, .. } = merge(account.clone(), message.clone());
    let receipt = receipt(asked, changed.is_empty(), &left);
    merged.version += u64::from(!changed.is_empty());
    // Also of what is there already the receipt walks the line: what made it so may still be on its
    // way, and what has a receipt is in force everywhere.
    let answer =
        Answer::Fact(Box::new(asked.changed(Change::Account(Box::new(merged.fact())), receipt)));
    // Also without another content: the version that was seen keeps an older update out.
    let account = (merged != *account).then(|| Box::new(merged));
    Decision { account, agreements: Vec::new(), answer }
}

fn receipt(asked: Asked<'_>, nothing_changed: bool, left: &[Attribute]) -> Receipt {
    let names = || left.iter().map(|attribute| attribute.name()).collect::<Vec<_>>().join(", ");
    let newer = || format!("set with the same or a higher version before: {}", names());
    match (nothing_changed, left.is_empty()) {
        (false, true) => asked.receipt(ReceiptOutcome::Applied),
        (false, false) => {
            asked.receipt(ReceiptOutcome::Partial).because(Reason::NewerChangeExists, newer())
        }
        (true, true) => asked.receipt(ReceiptOutcome::Ignored).because(Reason::Unchanged, None),
        (true, false) => {
            asked.receipt(ReceiptOutcome::Ignored).because(Reason::NewerChangeExists, newer())
        }
    }
}

/// An account while an update is laid over it.
struct Merge {
    account: Account,
    version: u64,
    changed: Vec<Attribute>,
    left: Vec<Attribute>,
}

impl Merge {
    fn offer<T: PartialEq>(
        &mut self,
        attribute: Attribute,
        given: Option<T>,
        place: impl FnOnce(&mut Account) -> &mut T,
    ) {
        let Some(given) = given else { return };
        let held_version = self.account.attribute_versions.get(&attribute);
        let is_newer = held_version.is_none_or(|held| self.version > *held);
        let held = place(&mut self.account);
        let differs = *held != given;
        if !is_newer {
            if differs {
                self.left.push(attribute);
            }
            return;
        }
        if differs {
            *held = given;
            self.changed.push(attribute);
        }
        self.account.attribute_versions.insert(attribute, self.version);
    }
}

fn merge(account: Account, update: AccountUpdate) -> Merge {
    let mut merge =
        Merge { account, version: update.version, changed: Vec::new(), left: Vec::new() };
    merge.offer(Attribute::DisplayName, update.display_name, |account| &mut account.display_name);
    merge.offer(Attribute::Admins, update.admins, |account| &mut account.admins);
    merge.offer(Attribute::Locale, update.locale.map(Some), |account| &mut account.settings.locale);
    merge.offer(Attribute::LinkTemplate, update.link_template.map(Some), |account| {
        &mut account.settings.link_template
    });
    merge.offer(Attribute::DeclineInvites, update.decline_invites, |account| {
        &mut account.settings.decline_invites
    });
    merge.offer(Attribute::SecureDownloads, update.secure_downloads, |account| {
        &mut account.settings.secure_downloads
    });
    merge
        .offer(Attribute::NotifyCcs, update.notify_ccs, |account| &mut account.settings.notify_ccs);
    merge.offer(Attribute::OpenFields, update.open_fields, |account| {
        &mut account.settings.open_fields
    });
    merge.offer(Attribute::SupportAddresses, update.support_addresses, |account| {
        &mut account.settings.support_addresses
    });
    merge.offer(Attribute::CustomStatuses, update.custom_statuses, |account| {
        &mut account.settings.custom_statuses
    });
    merge.offer(Attribute::TicketFields, update.ticket_fields, |account| {
        &mut account.settings.ticket_fields
    });
    merge.offer(Attribute::DefaultForm, update.default_form.map(Some), |account| {
        &mut account.settings.default_form
    });
    merge
}

#[cfg(test)]
mod tests {
    use contracts::command::AccountUpdate;
    use contracts::sync::Change;
    use contracts::{Reason, ReceiptOutcome, Role};
    use proptest::prelude::*;

    use crate::inbound::Inbound;
    use crate::rules::state::Account;
    use crate::rules::world::{World, actor, update};

    fn versioned(version: u64, change: impl FnOnce(&mut AccountUpdate)) -> Inbound {
        update(|message| {
            message.version = version;
            change(message);
        })
    }

    #[test]
    fn r_51_only_an_administrator_changes_settings() {
        let mut world = World::with(&["acme"]);
        for role in [Role::Agent, Role::EndUser] {
            let message = update(|message| {
                message.actor = actor(role);
                message.decline_invites = Some(true);
            });
            world.tell("acme", "acme", &message).assert_refused(Reason::NotAnAdmin);
        }
        assert!(!world.account("acme").settings.decline_invites);
    }

    #[test]
    fn r_35_secure_downloads_is_in_force_along_the_line() {
        let mut world = World::with(&["acme"]);
        let answer = world.tell(
            "acme",
            "acme",
            &versioned(1, |message| message.secure_downloads = Some(true)),
        );
        let Change::Account(account) = &answer.assert_applied().change else { panic!() };
        assert!(account.secure_downloads);
        assert_eq!(account.version, 2);
    }

    #[test]
    fn r_25_the_line_learns_whether_and_how_to_mail_ccs() {
        let mut world = World::with(&["acme"]);
        let message = versioned(1, |message| {
            message.display_name = Some("Acme".into());
            message.locale = Some("de".into());
            message.link_template = Some("https://acme.example/{ticket_id}".into());
            message.notify_ccs = Some(true);
            message.support_addresses = Some(vec!["@acme.example".into()]);
        });
        let answer = world.tell("acme", "acme", &message);
        let account = answer.assert_applied().change.account().unwrap();
        assert_eq!(
            (account.address.as_str(), account.display_name.as_str(), account.notify_ccs),
            ("acme", "Acme", true)
        );
        assert_eq!(account.locale.as_deref(), Some("de"));
        assert_eq!(account.link_template.as_deref(), Some("https://acme.example/{ticket_id}"));
        assert_eq!(account.support_addresses, ["@acme.example"]);
    }

    #[test]
    fn r_98_a_default_form_that_was_never_named_is_not_an_empty_one() {
        let mut world = World::with(&["acme"]);
        let answer =
            world.tell("acme", "acme", &versioned(1, |message| message.notify_ccs = Some(true)));
        let Change::Account(account) = &answer.assert_applied().change else { panic!() };
        assert_eq!(account.default_form, None);
        let answer = world.tell(
            "acme",
            "acme",
            &versioned(2, |message| message.default_form = Some(Vec::new())),
        );
        let Change::Account(account) = &answer.assert_applied().change else { panic!() };
        assert_eq!(account.default_form, Some(Vec::new()));
    }

    #[test]
    fn an_older_or_equal_version_is_left() {
        let mut world = World::with(&["acme"]);
        world
            .tell(
                "acme",
                "acme",
                &versioned(5, |message| message.display_name = Some("Five".into())),
            )
            .assert_applied();
        for version in [4, 5] {
            let message = versioned(version, |message| message.display_name = Some("Other".into()));
            let detail =
                world.tell("acme", "acme", &message).assert_ignored(Reason::NewerChangeExists);
            assert!(detail.ends_with("display_name"), "{detail}");
        }
        assert_eq!(world.account("acme").display_name, "Five");
        assert_eq!(world.account("acme").version, 2);
    }

    #[test]
    fn what_is_left_is_named_when_the_rest_is_taken() {
        let mut world = World::with(&["acme"]);
        world
            .tell(
                "acme",
                "acme",
                &versioned(5, |message| message.display_name = Some("Five".into())),
            )
            .assert_applied();
        let message = versioned(4, |message| {
            message.display_name = Some("Four".into());
            message.locale = Some("de".into());
        });
        let answer = world.tell("acme", "acme", &message);
        let receipt = &answer.fact().receipt;
        assert_eq!(
            (receipt.outcome, receipt.reason),
            (ReceiptOutcome::Partial, Some(Reason::NewerChangeExists))
        );
        assert!(
            receipt.detail.as_ref().is_some_and(|detail| detail.ends_with(": display_name")),
            "{receipt:?}"
        );
        assert_eq!(world.account("acme").settings.locale.as_deref(), Some("de"));
        assert_eq!(world.account("acme").display_name, "Five");
    }

    #[test]
    fn what_is_there_already_is_unchanged_and_still_keeps_older_ones_out() {
        let mut world = World::with(&["acme"]);
        let on = |version| versioned(version, |message| message.secure_downloads = Some(true));
        let off = |version| versioned(version, |message| message.secure_downloads = Some(false));
        world.tell("acme", "acme", &on(1)).assert_applied();
        world.tell("acme", "acme", &on(3)).assert_ignored(Reason::Unchanged);
        world.tell("acme", "acme", &on(2)).assert_ignored(Reason::Unchanged);
        world.tell("acme", "acme", &off(2)).assert_ignored(Reason::NewerChangeExists);
        assert!(world.account("acme").settings.secure_downloads);
        world.tell("acme", "acme", &versioned(9, |_| ())).assert_ignored(Reason::Unchanged);
    }

    #[test]
    fn what_is_not_well_formed_changes_nothing_at_all() {
        let mut world = World::with(&["acme"]);
        let message = versioned(1, |message| {
            message.decline_invites = Some(true);
            message.link_template = Some("http://acme.example/{ticket_id}".into());
        });
        let detail = world.tell("acme", "acme", &message).assert_refused(Reason::Malformed);
        assert!(detail.starts_with("/link_template: "), "{detail}");
        assert!(!world.account("acme").settings.decline_invites);
    }

    /// Everything but the count of effective changes, which differs with the order.
    fn content(account: &Account) -> Account {
        Account { version: 0, ..account.clone() }
    }

    /// Any of four attributes, with few values, so that equal ones meet.
    fn a_change() -> impl Strategy<Value = AccountUpdate> {
        let (number, switch) =
            (|| proptest::option::of(0..3u8), || proptest::option::of(any::<bool>()));
        (number(), switch(), switch(), number()).prop_map(|(title, secure, decline, form)| {
            let Inbound::Update(message) = update(|message| {
                message.display_name = title.map(|title| format!("Name {title}"));
                message.secure_downloads = secure;
                message.decline_invites = decline;
                message.default_form = form.map(|form| vec![format!("field-{form}")]);
            }) else {
                unreachable!()
            };
            *message
        })
    }

    proptest! {
        #[test]
        fn updates_in_any_order_and_number_end_the_same(
            changes in proptest::collection::vec(a_change(), 1..7),
            (place, again) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            seed in proptest::collection::vec(any::<u32>(), 7),
        ) {
            let numbered = (1..).zip(changes).map(|(version, change)| AccountUpdate { version,
                ..change });
            let messages: Vec<Inbound> = numbered.map(|change| Inbound::Update(Box::new(change))).collect();
            let mut straight = World::with(&["acme"]);
            for message in &messages {
                straight.tell("acme", "acme", message);
            }
            let mut shuffled: Vec<usize> = (0..messages.len()).collect();
            shuffled.sort_by_key(|index| seed[*index]);
            shuffled.insert(place.index(shuffled.len() + 1), again.index(messages.len()));
            let mut crooked = World::with(&["acme"]);
            let mut version = 1;
            for index in shuffled {
                crooked.tell("acme", "acme", &messages[index]);
                let now = crooked.account("acme").version;
                prop_assert!(now == version || now == version + 1, "a version is skipped");
                version = now;
            }
            prop_assert_eq!(content(&straight.account("acme")), content(&crooked.account("acme")));
        }
    }
}
