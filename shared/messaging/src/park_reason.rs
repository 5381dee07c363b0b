//! Why a message is set aside for a person.

/// Why a message was parked. Codes are stable; they are labels of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParkReason {
    /// The routing key names no account, so there is nobody to answer.
    NoPublisher,
    /// The account is still not registered.
    UnknownAccount,
    /// A message between services cannot be read.
    Undecodable,
    /// A rule panicked, or its result cannot be stored.
    Poison,
    /// The database did not decide it in time, alone and three times, while it decided others.
    TooSlow,
    /// Ten processes began to decide it and none ended: it may be what kills them.
    RedeliveredTooOften,
    /// It was decided before, but its outputs are no longer kept.
    OutputsGone,
    /// Known by its id, with other content.
    IdReused,
    /// A desk's queue did not take it within the limit.
    Undeliverable,
    /// The broker dead-lettered it.
    DeadLettered,
}

impl ParkReason {
    /// Every reason there is.
    pub const ALL: [Self; 10] = [
        Self::NoPublisher,
        Self::UnknownAccount,
        Self::Undecodable,
        Self::Poison,
        Self::TooSlow,
        Self::RedeliveredTooOften,
        Self::OutputsGone,
        Self::IdReused,
        Self::Undeliverable,
        Self::DeadLettered,
    ];

    /// The code as it stands in the table and in metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoPublisher => "no_publisher",
            Self::UnknownAccount => "unknown_account",
            Self::Undecodable => "undecodable",
            Self::Poison => "poison",
            Self::TooSlow => "too_slow",
            Self::RedeliveredTooOften => "redelivered_too_often",
            Self::OutputsGone => "outputs_gone",
            Self::IdReused => "id_reused",
            Self::Undeliverable => "undeliverable",
            Self::DeadLettered => "dead_lettered",
        }
    }
}
