//! The desk's half of the line as a service on the runtime: what an edge's accounts are told is
//! logged and taken into what they hold, in one transaction, and acked after it.

mod share;
mod state;

use std::marker::PhantomData;

use contracts::topology;
use messaging::{
    Aged, Content, Correlation, DecideError, DecodeError, HandlerResult, ParkReason,
    ReceivedMessage, Service,
};
use sqlx::PgConnection;

pub use share::{PartyShare, Standing};
pub use state::{Account, LogEntry, State};

use crate::store;
use crate::told::ToldDelivery;

/// An edge: which one it is, and which rows of its own age.
pub trait Edge: Send + Sync + 'static {
    /// Its name, account and queue.
    const SERVICE: topology::Service;
    /// Rows of its own tables that go when they are old enough, beside the session's.
    const AGED: &'static [Aged] = SESSION_AGED;
    /// Whether an account below its name is kept from the first that it is told: for an edge whose
    /// accounts the line makes too.
    const KEEPS_WHO_IS_TOLD: bool = false;
}

/// For how many days the log, and commands with their receipts, are kept.
pub const KEEP_DAYS: u32 = 30;

/// The session's own rows that age. A command without a receipt stays.
pub const SESSION_AGED: &[Aged] = &[
    Aged { table: "desk_log", since: "told_at", condition: "true", days: KEEP_DAYS },
    Aged {
        table: "desk_outbox",
        since: "created_at",
        condition: "due_at is null",
        days: KEEP_DAYS,
    },
    Aged { table: "desk_early", since: "since", condition: "true", days: KEEP_DAYS },
];

/// What ages in an edge: the rows of all that it stands on, and its own. `N` is how many they are.
///
/// # Panics
/// While compiling, when `N` is another number.
#[must_use]
pub const fn aged<const N: usize>(parts: &[&[Aged]]) -> [Aged; N] {
    let mut all = [SESSION_AGED[0]; N];
    let (mut place, mut part) = (0, 0);
    while part < parts.len() {
        let mut one = 0;
        while one < parts[part].len() {
            all[place] = parts[part][one];
            (place, one) = (place + 1, one + 1);
        }
        part += 1;
    }
    assert!(place == N, "every row of every part, and no more");
    all
}

/// Reads `desk.<edge>` for all the accounts of an edge.
#[derive(Debug)]
pub struct Session<E>(PhantomData<E>);

impl<E> Default for Session<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryDecision {
    /// Its account is told it.
    Take,
    /// The edge keeps no such account.
    NoSuchAccount,
}

impl<E: Edge> Service for Session<E> {
    type Inbound = ToldDelivery;
    type State = State;
    type Decision = DeliveryDecision;

    const SERVICE: topology::Service = E::SERVICE;
    const AGED: &'static [Aged] = E::AGED;

    fn decode(
        &self,
        message_type: &str,
        content: Content<'_>,
    ) -> Result<ToldDelivery, DecodeError> {
        ToldDelivery::read(message_type, content)
    }

    fn about(told: &ToldDelivery) -> Correlation {
        Correlation { subject: told.share().map(ToString::to_string), command: None }
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&ReceivedMessage<ToldDelivery>],
    ) -> Result<State, DecideError> {
        if E::KEEPS_WHO_IS_TOLD {
            store::account::keep_told(connection, E::SERVICE.name(), batch).await?;
        }
        store::load::of_batch(connection, batch).await
    }

    fn decide(&self, state: &State, received: &ReceivedMessage<ToldDelivery>) -> DeliveryDecision {
        if state.accounts.contains_key(&received.account) {
            DeliveryDecision::Take
        } else {
            DeliveryDecision::NoSuchAccount
        }
    }

    fn apply(
        &self,
        state: &mut State,
        received: &ReceivedMessage<ToldDelivery>,
        decision: DeliveryDecision,
    ) -> HandlerResult {
        match decision {
            DeliveryDecision::Take => {
                state.take(received);
                HandlerResult::Decided(Vec::new())
            }
            DeliveryDecision::NoSuchAccount => HandlerResult::Park(
                ParkReason::UnknownAccount,
                format!("{} keeps no account {}", E::SERVICE.name(), received.account),
            ),
        }
    }

    async fn save(&self, connection: &mut PgConnection, state: State) -> Result<(), DecideError> {
        store::save::all(connection, state).await.map_err(DecideError::from)
    }
}
