//! A service for the tests: counts how often it decided each command, and sends a receipt and a
//! message to the next service.

use contracts::delivery::Delivery;
use contracts::topology;
use contracts::{Message, Reason, ReceiptOutcome};
use messaging::{
    Content, Correlation, DecideError, DecodeError, HandlerResult, Otherwise, Output, ParkReason,
    Patience, ReceivedMessage, Service, decode,
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// A command that says how it wants to be treated.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Count {
    pub what: String,
    #[serde(default)]
    pub treat: Treat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Treat {
    #[default]
    Well,
    Panic,
    BadRow,
    Hang,
    NotYet,
    NotYetUnknownAccount,
    /// Not yet, as for an account that is not registered, until `known` was counted.
    UntilKnown,
    /// A panic, until `known` was counted.
    PanicUntilKnown,
    Park,
    HugeOutput,
}

impl Message for Count {
    const NAME: &'static str = "ticket.count.v1";
}

/// What goes on to comment-sync.
#[derive(Debug, Deserialize, Serialize)]
pub struct Counted {
    pub what: String,
    #[serde(default)]
    pub filling: String,
}

impl Message for Counted {
    // The broker lets share-dispatcher send nothing else to comment-sync.
    const NAME: &'static str = "transfer.v1";
}

/// The service.
#[derive(Debug, Default)]
pub struct Tally;

impl Service for Tally {
    type Inbound = Count;
    type State = State;
    type Decision = (HandlerResult, Option<Row>);
    const SERVICE: topology::Service = topology::Service::ShareDispatcher;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Count, DecodeError> {
        match message_type {
            Count::NAME => decode(content),
            other => Err(DecodeError::UnknownType(other.to_owned())),
        }
    }

    fn about(_: &Count) -> Correlation {
        Correlation::default()
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&ReceivedMessage<Count>],
    ) -> Result<State, DecideError> {
        if batch.iter().any(|received| received.message.treat == Treat::Hang) {
            std::future::pending::<()>().await;
        }
        Ok(State { known: known(connection).await?, rows: Vec::new() })
    }

    fn decide(
        &self,
        state: &State,
        received: &ReceivedMessage<Count>,
    ) -> (HandlerResult, Option<Row>) {
        decide_one(state.known, received)
    }

    fn apply(
        &self,
        state: &mut State,
        _: &ReceivedMessage<Count>,
        (verdict, row): (HandlerResult, Option<Row>),
    ) -> HandlerResult {
        state.rows.extend(row);
        verdict
    }

    async fn save(&self, connection: &mut PgConnection, state: State) -> Result<(), DecideError> {
        for (what, times) in state.rows {
            sqlx::query(
                "insert into tally (what, times) values ($1, $2) on conflict (what) do update \
                 set times = tally.times + 1",
            )
            .bind(what)
            .bind(times)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

/// What is counted, and by how much.
type Row = (String, i32);

/// What a batch is decided by.
#[derive(Debug)]
pub struct State {
    /// Whether what some messages wait for is there.
    known: bool,
    rows: Vec<Row>,
}

fn decide_one(is_known: bool, received: &ReceivedMessage<Count>) -> (HandlerResult, Option<Row>) {
    let command = received.command();
    let count = &received.message;
    let receipt = |outcome| command.receipt(outcome);
    let refusal = Output::to_desk(
        &Delivery::receipt(
            &command.account,
            receipt(ReceiptOutcome::Rejected).because(Reason::NotShared, None),
        ),
        received.received_at,
    );
    let treat = match count.treat {
        Treat::UntilKnown | Treat::PanicUntilKnown if is_known => Treat::Well,
        Treat::UntilKnown => Treat::NotYetUnknownAccount,
        Treat::PanicUntilKnown => Treat::Panic,
        other => other,
    };
    match treat {
        Treat::Panic => panic!("asked to by {}", count.what),
        Treat::NotYet => {
            let otherwise = Otherwise::Decided(vec![refusal]);
            let (reason, patience) = (Reason::NotShared, Patience::Ladder);
            return (HandlerResult::NotYet { reason, patience, otherwise }, None);
        }
        Treat::NotYetUnknownAccount => {
            let otherwise = Otherwise::Park(ParkReason::UnknownAccount);
            let (reason, patience) = (Reason::UnknownAccount, Patience::Ladder);
            return (HandlerResult::NotYet { reason, patience, otherwise }, None);
        }
        Treat::Park => {
            return (HandlerResult::Park(ParkReason::Undecodable, "asked to".to_owned()), None);
        }
        _ => {}
    }
    let times = if treat == Treat::BadRow { -1 } else { 1 };
    let filling =
        if treat == Treat::HugeOutput { "x".repeat(5 * 1024 * 1024) } else { String::new() };
    let counted = Counted { what: count.what.clone(), filling };
    let verdict = HandlerResult::Decided(vec![
        Output::to_service(topology::Service::CommentSync, &counted),
        Output::to_desk(
            &Delivery::receipt(&command.account, receipt(ReceiptOutcome::Applied)),
            received.received_at,
        ),
    ]);
    (verdict, Some((count.what.clone(), times)))
}

async fn known(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("select exists (select from tally where what = 'known')")
        .fetch_one(connection)
        .await
}
