//! What is measured: the table of all turns of a round.

use crate::accounts::Accounts;
use crate::contestant::Contestant;
use crate::peers::Peer;
use crate::work::Kind;

/// Everybody's work: as many comments as go through.
pub const FULL: &str = "full speed";
/// A comment and a field at a time, which pass one stage more.
pub const BOTH: &str = "full speed, comment and field";
/// Little to do.
pub const SLOW: &str = "100 updates/s";
/// Little to do, at all stages.
pub const SLOW_BOTH: &str = "100 updates/s, comment and field";
/// New shares.
pub const SHARE: &str = "share with five comments";
/// The same where accounts have what real ones have.
pub const REAL_FULL: &str = "full speed, real accounts";
/// See above.
pub const REAL_BOTH: &str = "full speed, comment and field, real accounts";
/// See above.
pub const REAL_SHARE: &str = "share with five comments, real accounts";
/// See above.
pub const REAL_SLOW: &str = "100 updates/s, real accounts";
/// See above.
pub const REAL_SLOW_BOTH: &str = "100 updates/s, comment and field, real accounts";
/// Half as many as go through.
pub const HALF: &str = "half of full speed";
/// With a database that has been at work for long.
pub const FILLED: &str = "full speed, 1,000,000 shares and 10,000,000 comments stored";
/// With an account whose queue is full.
pub const WAITING: &str = "full speed, 100,000 deliveries wait for one account";
/// An agreement with many shares ends.
pub const DEACTIVATION: &str = "deactivation of an agreement with 100,000 shares at 100 updates/s";
/// What real comments' HTML costs at admission, alone.
pub const CLEANING: &str = "HTML of 1,000 comments of real accounts cleaned";
/// From nothing to the first update.
pub const COLD: &str = "cold start with an update waiting";

/// On which installation the services are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The accounts of the ring with their tickets.
    Usual,
    /// The same with accounts that have what real ones have.
    Real,
    /// The same with a million shares and ten million comments beside.
    Filled,
    /// The same with an account whose queue is full.
    Waiting,
}

impl On {
    /// What its accounts have.
    #[must_use]
    pub fn accounts(self) -> Accounts {
        match self {
            Self::Real => Accounts::Real,
            Self::Usual | Self::Filled | Self::Waiting => Accounts::Plain,
        }
    }
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub enum Doing {
    /// Updates, as many as go through.
    Full,
    /// So many updates a second.
    Steady(f64),
    /// Half as many updates a second as went through at full speed.
    Half,
    /// Some updates, and in the middle an agreement ends.
    Deactivation,
    /// Services start where an update waits.
    ColdStart,
    /// HTML is cleaned, in this process.
    Cleaning,
}

/// One turn of one contestant.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// In words.
    pub name: &'static str,
    /// Who.
    pub contestant: Contestant,
    /// With which commands.
    pub kind: Kind,
    /// What.
    pub doing: Doing,
    /// Where.
    pub on: On,
}

const DESKMESH: Contestant = Contestant::Deskmesh { replicas: 1 };

fn turn(name: &'static str, contestant: Contestant, doing: Doing) -> Scenario {
    Scenario { name, contestant, kind: Kind::Comment, doing, on: On::Usual }
}

/// All of a round, in the order in which they take turns.
#[must_use]
pub fn all() -> Vec<Scenario> {
    let naive = |handlers: u32| Contestant::Naive { handlers };
    let python = |peer: Peer| Contestant::Python { peer, handlers: 32 };
    let everybody = [
        Contestant::Raw,
        DESKMESH,
        Contestant::Deskmesh { replicas: 2 },
        naive(8),
        naive(32),
        python(Peer::AioPika),
        python(Peer::FastStream),
    ];
    let full = everybody.map(|contestant| turn(FULL, contestant, Doing::Full));
    let both = [Contestant::Raw, DESKMESH]
        .map(|contestant| Scenario { kind: Kind::Both, ..turn(BOTH, contestant, Doing::Full) });
    let kinds = [(Kind::Field, Kind::Field.name()), (Kind::Share, SHARE)]
        .map(|(kind, name)| Scenario { kind, ..turn(name, DESKMESH, Doing::Full) });
    let slow_both =
        Scenario { kind: Kind::Both, ..turn(SLOW_BOTH, DESKMESH, Doing::Steady(100.0)) };
    let real = [
        (REAL_FULL, Kind::Comment, Doing::Full),
        (REAL_BOTH, Kind::Both, Doing::Full),
        (REAL_SHARE, Kind::Share, Doing::Full),
        (REAL_SLOW, Kind::Comment, Doing::Steady(100.0)),
        (REAL_SLOW_BOTH, Kind::Both, Doing::Steady(100.0)),
    ];
    let real = real.map(|(name, kind, doing)| Scenario {
        kind,
        on: On::Real,
        ..turn(name, DESKMESH, doing)
    });
    let slow = [DESKMESH, naive(8)].map(|contestant| turn(SLOW, contestant, Doing::Steady(100.0)));
    let half =
        [DESKMESH, naive(8), naive(32)].map(|contestant| turn(HALF, contestant, Doing::Half));
    let narrow = [1, 2].map(|replicas| turn(FULL, Contestant::Narrow { replicas }, Doing::Full));
    let special = [
        Scenario { on: On::Filled, ..turn(FILLED, DESKMESH, Doing::Full) },
        Scenario { on: On::Waiting, ..turn(WAITING, DESKMESH, Doing::Full) },
        Scenario { on: On::Filled, ..turn(DEACTIVATION, DESKMESH, Doing::Deactivation) },
        turn(COLD, DESKMESH, Doing::ColdStart),
        turn(CLEANING, DESKMESH, Doing::Cleaning),
    ];
    full.into_iter()
        .chain(both)
        .chain(kinds)
        .chain(slow)
        .chain([slow_both])
        .chain(real)
        .chain(half)
        .chain(narrow)
        .chain(special)
        .collect()
}
