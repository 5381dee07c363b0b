//! `account.update`: per attribute the highest version wins, in whatever order updates arrive.

use contracts::command::AccountUpdate;
use contracts::fields::OptionsPart;
use contracts::limits::VERSION;
use contracts::sync::Change;
use contracts::{Reason, Receipt, ReceiptOutcome, Timestamp};

use super::show::part_name;
use super::state::{Account, Attribute, Part};
use super::{Answer, Asked, Decision, validate};

/// Changes an account's attributes.
pub(super) fn decide(account: &Account, asked: Asked<'_>, message: &AccountUpdate) -> Decision {
    if let Err(answer) = asked
        .check_admin(message.actor.role)
        .and_then(|()| asked.check_valid(validate::update(message)))
    {
        return answer.into();
    }
    let Merge { account: mut merged, changed, left, .. } =
        merge(account.clone(), asked.at(), message.clone());
    if let Err(detail) = merged.check_options()
        && changed.iter().any(|name| name.starts_with("ticket_field"))
    {
        return asked.refused(Reason::LimitExceeded, detail).into();
    }
    let receipt = receipt(asked, changed.is_empty(), &left);
    merged.version += u64::from(!changed.is_empty());
    // Also of what is there already the receipt walks the line: what made it so may still be on its
    // way, and what has a receipt is in force everywhere.
    let answer =
        Answer::Fact(Box::new(asked.changed(Change::Account(Box::new(merged.fact())), receipt)));
    // Also without another content: the version that was seen keeps an older update out.
    let account = (merged != *account).then(|| Box::new(merged));
    Decision { account, agreements: Vec::new(), released: None, answer }
}

fn receipt(asked: Asked<'_>, nothing_changed: bool, left: &[String]) -> Receipt {
    let newer = || {
        let names = left.join(", ");
        format!("set with the same or a higher version, or by a later update, before: {names}")
    };
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

/// By what an update is newer than what is held.
#[derive(Clone, Copy)]
struct Newness {
    /// The version it gives; the one it gets, where it gives none.
    version: u64,
    /// Whether it gives one.
    is_given: bool,
    /// When it arrived.
    arrived_at: Timestamp,
}

impl Newness {
    /// A given version counts; without one an update is newer than all that arrived before it.
    fn is_over(self, version: Option<u64>, set_at: Option<Timestamp>) -> bool {
        if self.is_given {
            version.is_none_or(|held| self.version > held)
        } else {
            set_at.is_none_or(|set_at| self.arrived_at >= set_at)
        }
    }

    /// When the latest of the updates that set it arrived.
    fn latest(self, set_at: Option<Timestamp>) -> Timestamp {
        set_at.map_or(self.arrived_at, |set_at| set_at.max(self.arrived_at))
    }
}

/// An account while an update is laid over it.
struct Merge {
    account: Account,
    newness: Newness,
    changed: Vec<String>,
    left: Vec<String>,
}

impl Merge {
    fn offer<T: PartialEq>(
        &mut self,
        attribute: Attribute,
        given: Option<T>,
        place: impl FnOnce(&mut Account) -> &mut T,
    ) {
        let Some(given) = given else { return };
        let version = self.account.attribute_versions.get(&attribute).copied();
        let set_at = self.account.attribute_arrivals.get(&attribute).copied();
        let held = place(&mut self.account);
        let differs = *held != given;
        if !self.newness.is_over(version, set_at) {
            if differs {
                self.left.push(attribute.name().to_owned());
            }
            return;
        }
        if differs {
            *held = given;
            self.changed.push(attribute.name().to_owned());
        }
        self.account.attribute_versions.insert(attribute, self.newness.version);
        self.account.attribute_arrivals.insert(attribute, self.newness.latest(set_at));
    }

    /// Each part of a field's options is an attribute of its own.
    fn offer_part(&mut self, given: OptionsPart) {
        let key = (given.key, given.part);
        let held = self.account.field_options.get(&key);
        let (version, set_at) = (held.map(|part| part.version), held.and_then(|part| part.set_at));
        let differs = held.map_or(&[][..], |part| &part.options) != given.options;
        let name = part_name(&key.0, key.1);
        if !self.newness.is_over(version, set_at) {
            if differs {
                self.left.push(name);
            }
            return;
        }
        if differs {
            self.changed.push(name);
        }
        let part = Part {
            version: self.newness.version,
            set_at: Some(self.newness.latest(set_at)),
            options: given.options,
        };
        self.account.field_options.set(key, Some(part));
    }
}

fn merge(account: Account, arrived_at: Timestamp, update: AccountUpdate) -> Merge {
    let next = || (account.highest_version() + 1).min(VERSION);
    let version = update.version.unwrap_or_else(next);
    let newness = Newness { version, is_given: update.version.is_some(), arrived_at };
    let mut merge = Merge { account, newness, changed: Vec::new(), left: Vec::new() };
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
    merge.offer(Attribute::ShowFields, update.show_fields, |account| {
        &mut account.settings.show_fields
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
    merge.offer(Attribute::Limits, update.limits, |account| &mut account.settings.limits);
    for part in update.ticket_field_options.into_iter().flatten() {
        merge.offer_part(part);
    }
    merge
}

#[cfg(test)]
mod tests;
