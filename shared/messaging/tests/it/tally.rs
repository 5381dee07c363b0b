//! A service for the tests: counts how often it decided each command, and sends a receipt and a
//! message to the next service.

use contracts::delivery::Delivery;
use contracts::topology;
use contracts::{Message, Reason, ReceiptOutcome};
use messaging::{
    About, Content, DecideError, DecodeError, HandlerResult, Otherwise, Output, ParkReason,
    Received, Service, decode,
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
    const SERVICE: topology::Service = topology::Service::ShareDispatcher;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Count, DecodeError> {
        match message_type {
            Count::NAME => decode(content),
            other => Err(DecodeError::UnknownType(other.to_owned())),
        }
    }

    fn about(_: &Count) -> About {
        About::default()
    }

    async fn decide(
        &self,
        connection: &mut PgConnection,
        batch: &[&Received<Count>],
    ) -> Result<Vec<HandlerResult>, DecideError> {
        let mut verdicts = Vec::new();
        for received in batch {
            verdicts.push(decide_one(connection, received).await?);
        }
        Ok(verdicts)
    }
}

async fn decide_one(
    connection: &mut PgConnection,
    received: &Received<Count>,
) -> Result<HandlerResult, DecideError> {
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
        Treat::UntilKnown | Treat::PanicUntilKnown if known(connection).await? => Treat::Well,
        Treat::UntilKnown => Treat::NotYetUnknownAccount,
        Treat::PanicUntilKnown => Treat::Panic,
        other => other,
    };
    match treat {
        Treat::Panic => panic!("asked to"),
        Treat::Hang => std::future::pending().await,
        Treat::NotYet => {
            return Ok(HandlerResult::NotYet {
                reason: Reason::NotShared,
                otherwise: Otherwise::Decided(vec![refusal]),
            });
        }
        Treat::NotYetUnknownAccount => {
            return Ok(HandlerResult::NotYet {
                reason: Reason::UnknownAccount,
                otherwise: Otherwise::Park,
            });
        }
        Treat::Park => {
            return Ok(HandlerResult::Park(ParkReason::Undecodable, "asked to".to_owned()));
        }
        _ => {}
    }
    let times = if treat == Treat::BadRow { -1 } else { 1 };
    sqlx::query(
        "insert into tally (what, times) values ($1, $2) on conflict (what) do update set \
        times = tally.times + 1",
    )
    .bind(&count.what)
    .bind(times)
    .execute(connection)
    .await?;
    let filling =
        if treat == Treat::HugeOutput { "x".repeat(5 * 1024 * 1024) } else { String::new() };
    let counted = Counted { what: count.what.clone(), filling };
    Ok(HandlerResult::Decided(vec![
        Output::to_service(topology::Service::CommentSync, &counted),
        Output::to_desk(
            &Delivery::receipt(&command.account, receipt(ReceiptOutcome::Applied)),
            received.received_at,
        ),
    ]))
}

async fn known(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("select exists (select from tally where what = 'known')")
        .fetch_one(connection)
        .await
}
