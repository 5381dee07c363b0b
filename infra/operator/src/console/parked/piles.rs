//! Parked messages by service, cause and type.

use contracts::Timestamp;
use contracts::topology::Service;
use operator::address::segment;
use url::form_urlencoded;

use super::told::{DeedTold, PileTold, ServiceParked};

/// What distinguishes one group of messages from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKey {
    pub service: Service,
    pub reason: String,
    pub message_type: Option<String>,
}

impl GroupKey {
    /// The page of the group.
    pub fn path(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.message_type.as_ref().map(|it| ("type", it)));
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{query}", self.place())
    }

    /// The same without its type: where its forms go.
    pub fn place(&self) -> String {
        format!("/parked/{}/{}", self.service.name(), segment(&self.reason))
    }

    /// Its type, for people.
    pub fn kind(&self) -> &str {
        self.message_type.as_deref().unwrap_or("no type")
    }

    /// Its name, for people.
    pub fn name(&self) -> String {
        format!("{} at {}, {}", self.reason, self.service.name(), self.kind())
    }

    /// Whether its messages can be answered `rejected`: only the two entry services discard.
    pub fn can_discard(&self) -> bool {
        [Service::Agreement, Service::ShareDispatcher].contains(&self.service)
    }
}

/// Messages that are parked at one service for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PileGroup {
    pub key: GroupKey,
    pub count: u64,
    pub again: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// Whose they are, the largest first.
    pub accounts: Vec<(String, u64)>,
}

impl PileGroup {
    fn of(key: GroupKey, pile: &PileTold) -> Self {
        let (first, last) = (pile.oldest, pile.newest);
        Self { key, count: 0, again: 0, first, last, accounts: Vec::new() }
    }

    fn add(&mut self, pile: &PileTold) {
        self.count += pile.count;
        self.again += pile.again;
        self.first = self.first.min(pile.oldest);
        self.last = self.last.max(pile.newest);
        if let Some(account) = &pile.account {
            self.accounts.push((account.clone(), pile.count));
            self.accounts.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        }
    }
}

/// Puts piles that differ only in their account together, the largest group first; of one account
/// alone where it is named.
pub fn grouped(told: &[(Service, ServiceParked)], account: Option<&str>) -> Vec<PileGroup> {
    let mut groups: Vec<PileGroup> = Vec::new();
    for (service, standing) in told {
        for pile in &standing.piles {
            if account.is_some() && pile.account.as_deref() != account {
                continue;
            }
            let key = GroupKey {
                service: *service,
                reason: pile.reason.clone(),
                message_type: pile.message_type.clone(),
            };
            if let Some(known) = groups.iter_mut().find(|it| it.key == key) {
                known.add(pile);
            } else {
                let mut group = PileGroup::of(key, pile);
                group.add(pile);
                groups.push(group);
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

/// Who did what, at which service, newest first.
pub fn deeds(told: &[(Service, ServiceParked)]) -> Vec<(Service, &DeedTold)> {
    let mut deeds: Vec<(Service, &DeedTold)> = told
        .iter()
        .flat_map(|(service, it)| it.audit.iter().map(move |deed| (*service, deed)))
        .collect();
    deeds.sort_by_key(|(_, deed)| std::cmp::Reverse(deed.at));
    deeds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(minute: u8) -> Timestamp {
        Timestamp::parse(&format!("2026-11-27T10:{minute:02}:00Z")).unwrap()
    }

    fn pile(kind: Option<&str>, account: Option<&str>, count: u64, minutes: (u8, u8)) -> PileTold {
        PileTold {
            reason: "poison".to_owned(),
            message_type: kind.map(str::to_owned),
            account: account.map(str::to_owned),
            count,
            again: 1,
            oldest: time(minutes.0),
            newest: time(minutes.1),
        }
    }

    fn told() -> Vec<(Service, ServiceParked)> {
        let piles = |piles| ServiceParked { piles, ..ServiceParked::default() };
        vec![
            (Service::Agreement, piles(vec![pile(Some("a.v1"), Some("acme"), 5, (1, 2))])),
            (
                Service::CommentSync,
                piles(vec![
                    pile(Some("a.v1"), Some("acme"), 2, (20, 30)),
                    pile(None, None, 1, (20, 30)),
                    pile(Some("a.v1"), Some("globex"), 7, (10, 25)),
                ]),
            ),
        ]
    }

    #[test]
    fn groups_differ_in_service_reason_and_type() {
        let groups = grouped(&told(), None);
        let counts: Vec<(Service, &str, u64)> =
            groups.iter().map(|it| (it.key.service, it.key.kind(), it.count)).collect();
        let wanted = [
            (Service::CommentSync, "a.v1", 9),
            (Service::Agreement, "a.v1", 5),
            (Service::CommentSync, "no type", 1),
        ];
        assert_eq!(counts, wanted);
        let first = &groups[0];
        assert_eq!((first.first, first.last, first.again), (time(10), time(30), 2));
        assert_eq!(first.accounts, [("globex".to_owned(), 7), ("acme".to_owned(), 2)]);
    }

    #[test]
    fn one_account_is_looked_at_alone() {
        let counts: Vec<u64> =
            grouped(&told(), Some("acme")).iter().map(|group| group.count).collect();
        assert_eq!(counts, [5, 2]);
        assert!(grouped(&told(), Some("initech")).is_empty());
    }

    #[test]
    fn a_group_has_its_page() {
        let mut key = grouped(&told(), None)[0].key.clone();
        assert_eq!(key.path(), "/parked/comment-sync/poison?type=a.v1");
        assert!(!key.can_discard());
        key.service = Service::ShareDispatcher;
        key.message_type = None;
        assert_eq!(key.path(), "/parked/share-dispatcher/poison");
        assert!(key.can_discard());
    }

    #[test]
    fn the_newest_deed_comes_first() {
        let deed = |minute, by: &str| DeedTold {
            at: time(minute),
            by: by.to_owned(),
            action: "replayed".to_owned(),
            because: None,
            count: 1,
        };
        let audit = |audit| ServiceParked { audit, ..ServiceParked::default() };
        let told = [
            (Service::Agreement, audit(vec![deed(9, "Dana"), deed(3, "Max")])),
            (Service::CommentSync, audit(vec![deed(5, "Ada")])),
        ];
        let names: Vec<&str> = deeds(&told).iter().map(|(_, deed)| deed.by.as_str()).collect();
        assert_eq!(names, ["Dana", "Ada", "Max"]);
    }
}
