//! How an agreement does: one answer, the worst first.

use chrono::{DateTime, Utc};
use contracts::delivery::{AgreementState, Side};

use super::group::{AgreementGroup, Ending, ending, group};

/// What went over an agreement, as far as this account knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Shares under it.
    pub total: i64,
    /// Those that have not ended.
    pub live: i64,
    /// Live ones whose copy has no number a minute after it was made.
    pub unbound: i64,
    /// Since when the oldest of them waits.
    pub unbound_since: Option<DateTime<Utc>>,
    /// Own commands about them that have no receipt yet.
    pub waiting: i64,
    /// Since when the oldest waits.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Items that stayed within a day and that somebody can mend.
    pub mendable: usize,
    /// All that stayed within a day.
    pub stayed: usize,
    /// When a ticket under it last changed.
    pub last_at: Option<DateTime<Utc>>,
}

/// How an agreement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementHealth {
    /// This account has not decided.
    NotDecided,
    /// The partner has not answered.
    NotAnswered,
    /// It has ended.
    Ended(Ending),
    /// What this account sent has no receipt yet: so many, since.
    Waits(i64, Option<DateTime<Utc>>),
    /// The partner's desk has given so many copies no number, since.
    NotTakenOver(i64, Option<DateTime<Utc>>),
    /// This account's desk has given so many copies no number, since.
    WithoutNumber(i64, Option<DateTime<Utc>>),
    /// So many items stayed that somebody can mend.
    Stays(usize),
    /// Nothing was shared yet.
    Unused,
    /// All is well.
    InStep,
}

impl AgreementHealth {
    /// Its colour: `ok`, `warn`, `bad`, `off`. Red is for what has come to a stop.
    #[must_use]
    pub fn level(self) -> &'static str {
        match self {
            Self::NotDecided | Self::NotAnswered | Self::Ended(_) | Self::Unused => "off",
            Self::NotTakenOver(..) | Self::Waits(..) => "bad",
            Self::WithoutNumber(..) | Self::Stays(_) => "warn",
            Self::InStep => "ok",
        }
    }

    /// Its icon.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::NotDecided
            | Self::NotAnswered
            | Self::Unused
            | Self::Waits(..)
            | Self::NotTakenOver(..) => "clock",
            Self::Ended(Ending::Withdrawn | Ending::EndedByUs | Ending::EndedByThem) => "stay",
            Self::Ended(Ending::Renamed) | Self::WithoutNumber(..) | Self::Stays(_) => "alert",
            Self::Ended(_) => "x",
            Self::InStep => "check",
        }
    }

    /// Since when, where it is about something that waits.
    #[must_use]
    pub fn since(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Waits(_, since)
            | Self::NotTakenOver(_, since)
            | Self::WithoutNumber(_, since) => since,
            _ => None,
        }
    }
}

/// How an agreement does.
#[must_use]
pub fn health(state: &AgreementState, traffic: &Traffic) -> AgreementHealth {
    if let Some(ending) = ending(state) {
        return AgreementHealth::Ended(ending);
    }
    match group(state) {
        AgreementGroup::ForMe => return AgreementHealth::NotDecided,
        AgreementGroup::ForThem => return AgreementHealth::NotAnswered,
        AgreementGroup::Active | AgreementGroup::Past => {}
    }
    if traffic.waiting > 0 {
        AgreementHealth::Waits(traffic.waiting, traffic.waiting_since)
    } else if traffic.unbound > 0 && state.side == Side::Sender {
        AgreementHealth::NotTakenOver(traffic.unbound, traffic.unbound_since)
    } else if traffic.unbound > 0 {
        AgreementHealth::WithoutNumber(traffic.unbound, traffic.unbound_since)
    } else if traffic.mendable > 0 {
        AgreementHealth::Stays(traffic.mendable)
    } else if traffic.total == 0 {
        AgreementHealth::Unused
    } else {
        AgreementHealth::InStep
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharing::rules::group::tests::state;

    #[test]
    fn the_worst_is_said() {
        let all = Traffic {
            total: 9,
            live: 9,
            unbound: 2,
            waiting: 1,
            mendable: 3,
            ..Traffic::default()
        };
        let without = |change: fn(&mut Traffic)| {
            let mut traffic = all.clone();
            change(&mut traffic);
            traffic
        };
        let active = state("accepted", "sender", "receiver", None);
        assert_eq!(health(&active, &all), AgreementHealth::Waits(1, None));
        let unbound = without(|it| it.waiting = 0);
        assert_eq!(health(&active, &unbound), AgreementHealth::NotTakenOver(2, None));
        let received = state("accepted", "receiver", "receiver", None);
        assert_eq!(health(&received, &unbound), AgreementHealth::WithoutNumber(2, None));
        let stays = without(|it| (it.waiting, it.unbound) = (0, 0));
        assert_eq!(health(&active, &stays), AgreementHealth::Stays(3));
        let well = without(|it| (it.waiting, it.unbound, it.mendable) = (0, 0, 0));
        assert_eq!(health(&active, &well), AgreementHealth::InStep);
        assert_eq!(health(&active, &Traffic::default()), AgreementHealth::Unused);
        let ended = state("inactive", "sender", "receiver", None);
        assert_eq!(health(&ended, &all), AgreementHealth::Ended(Ending::EndedByThem));
        let pending = state("pending", "receiver", "sender", None);
        assert_eq!(health(&pending, &all), AgreementHealth::NotDecided);
    }
}
