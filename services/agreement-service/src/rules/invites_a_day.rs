//! How many invites an account makes in 24 hours (M5): each sends mail in the deployment's name.

use std::collections::BTreeMap;

use contracts::{AccountName, Timestamp};

/// 24 hours, in seconds.
const DAY: i64 = 86_400;

/// When accounts invited lately, and how many invites each may make in 24 hours.
#[derive(Clone, Debug)]
pub struct Invites {
    most: usize,
    made: BTreeMap<AccountName, Vec<Timestamp>>,
    new: Vec<(AccountName, Timestamp)>,
}

impl Default for Invites {
    /// As many as anybody wants, and none made.
    fn default() -> Self {
        Self::new(usize::MAX, [])
    }
}

impl Invites {
    /// With the invites that are stored, of each account the last `most` at least.
    #[must_use]
    pub fn new(most: usize, stored: impl IntoIterator<Item = (AccountName, Timestamp)>) -> Self {
        let mut made: BTreeMap<AccountName, Vec<Timestamp>> = BTreeMap::new();
        for (account, at) in stored {
            made.entry(account).or_default().push(at);
        }
        Self { most, made, new: Vec::new() }
    }

    /// How many an account may make in 24 hours.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// When the account may invite again; nothing when it may do so at this time.
    #[must_use]
    pub fn next_after(&self, account: &AccountName, at: Timestamp) -> Option<Timestamp> {
        let day_before = at.plus_seconds(-DAY);
        let made = self.made.get(account).into_iter().flatten();
        let mut lately: Vec<Timestamp> =
            made.copied().filter(|made| day_before < *made && *made <= at).collect();
        lately.sort_unstable();
        let holds = lately.len().checked_sub(self.most)?;
        lately.get(holds).map(|made| made.plus_seconds(DAY))
    }

    /// Takes over that an account invited.
    pub(super) fn made(&mut self, account: &AccountName, at: Timestamp) {
        self.made.entry(account.clone()).or_default().push(at);
        self.new.push((account.clone(), at));
    }

    /// Those that are not stored yet.
    #[must_use]
    pub fn new_ones(&self) -> &[(AccountName, Timestamp)] {
        &self.new
    }
}

#[cfg(test)]
mod tests {
    use contracts::Reason;

    use super::*;
    use crate::rules::state::{State, Stored};
    use crate::rules::world::{World, at, id, invite, name, register};

    /// Acme, that may make two invites a day, and three partners.
    fn world() -> World {
        let invites = Invites::new(2, []);
        let mut world = World { state: State::new(Stored { invites, ..Stored::default() }) };
        for account in ["acme", "globex", "initech", "hooli"] {
            world.tell("operator", "operator", &register(account)).assert_applied();
        }
        world
    }

    #[test]
    fn m5_an_account_that_invites_without_end_is_told_when_to_come_back() {
        let mut world = world();
        world.tell_at(0, "acme", &invite(id(1), "globex")).assert_applied();
        world.tell_at(60, "acme", &invite(id(2), "initech")).assert_applied();
        let detail = world
            .tell_at(120, "acme", &invite(id(3), "hooli"))
            .assert_refused(Reason::QuotaExceeded);
        assert_eq!(
            detail,
            "2 invites in 24 hours are what an account may make: the next from \
             2026-03-02T10:00:00.000Z"
        );
        world
            .tell_at(DAY - 1, "acme", &invite(id(3), "hooli"))
            .assert_refused(Reason::QuotaExceeded);
        world.tell_at(DAY, "acme", &invite(id(3), "hooli")).assert_applied();
        world
            .tell_at(DAY + 59, "acme", &invite(id(4), "hooli"))
            .assert_refused(Reason::QuotaExceeded);
        world.tell_at(DAY + 60, "acme", &invite(id(4), "hooli")).assert_applied();
    }

    #[test]
    fn m5_what_is_refused_and_what_others_invite_does_not_count() {
        let mut world = world();
        for number in 1..10 {
            world
                .tell_at(number, "acme", &invite(id(1), "acme"))
                .assert_refused(Reason::InviteToSelf);
        }
        world.tell_at(10, "globex", &invite(id(1), "acme")).assert_applied();
        world.tell_at(10, "acme", &invite(id(2), "globex")).assert_applied();
        world.tell_at(10, "acme", &invite(id(3), "globex")).assert_applied();
        world.tell_at(10, "acme", &invite(id(4), "globex")).assert_refused(Reason::QuotaExceeded);
        world.tell_at(10, "globex", &invite(id(4), "acme")).assert_applied();
    }

    #[test]
    fn an_invite_that_is_replayed_meets_the_day_it_was_made_on() {
        let stored = [0, 10, 20].map(|second| (name("acme"), at().plus_seconds(second)));
        let invites = Invites::new(2, stored);
        assert_eq!(invites.next_after(&name("acme"), at().plus_seconds(-5)), None);
        assert_eq!(invites.next_after(&name("acme"), at().plus_seconds(5)), None);
        assert_eq!(
            invites.next_after(&name("acme"), at().plus_seconds(15)),
            Some(at().plus_seconds(DAY))
        );
        assert_eq!(
            invites.next_after(&name("acme"), at().plus_seconds(25)),
            Some(at().plus_seconds(DAY + 10))
        );
    }
}
