//! Load, decide, apply, save.

use bootstrap::Context;
use contracts::sync::{CommandRef, DryRun};
use contracts::{AccountName, ReceiptOutcome, topology};
use messaging::{
    Content, Correlation, DecideError, DecodeError, HandlerResult, Otherwise, Output, ParkReason,
    Patience, ReceivedMessage, Related, Service,
};
use sqlx::PgConnection;

use crate::config::Config;
use crate::inbound::Inbound;
use crate::rules::{self, Answer, Decision, Keys, NewRow, State};
use crate::{outbound, store};

/// Builds the service and runs it until the stop.
///
/// # Errors
/// When no key is given, or the runtime meets something that waiting does not cure.
pub async fn start(context: Context<Config>) -> anyhow::Result<()> {
    let keys = context.config.placeholder.keys()?;
    context.run(ShareDispatcher::new(keys)).await
}

/// The stage of the line that decides which ticket is shared with whom.
#[derive(Clone, Debug)]
pub struct ShareDispatcher {
    keys: Keys,
}

impl ShareDispatcher {
    /// With the keys that make the ids of placeholders.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self { keys }
    }
}

impl Service for ShareDispatcher {
    type Inbound = Inbound;
    type State = BatchState;
    /// None for a fact: it was learned when the batch was loaded, and goes on as it is.
    type Decision = Option<Decision>;
    const SERVICE: topology::Service = topology::Service::ShareDispatcher;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Inbound, DecodeError> {
        Inbound::decode(message_type, content)
    }

    fn about(message: &Inbound) -> Correlation {
        match message {
            Inbound::Fact(fact) => Correlation::caused_by(&fact.command, fact.change.subject()),
            // A desk's command, of which the runtime knows it.
            _ => Correlation::default(),
        }
    }

    async fn related(connection: &mut PgConnection, names: &[String]) -> sqlx::Result<Related> {
        store::related(connection, names).await
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&ReceivedMessage<Inbound>],
    ) -> Result<BatchState, DecideError> {
        let facts = batch.iter().filter_map(|received| match &received.message {
            Inbound::Fact(fact) => Some(&**fact),
            _ => None,
        });
        line::facts::learn(connection, facts).await?;
        Ok(BatchState {
            state: store::load(connection, &self.keys, batch).await?,
            changes: Vec::new(),
        })
    }

    fn decide(&self, loaded: &BatchState, received: &ReceivedMessage<Inbound>) -> Option<Decision> {
        if matches!(received.message, Inbound::Fact(_)) {
            return None;
        }
        let command = command_of(received);
        let publisher = received.publisher.as_ref().unwrap_or(&command.account);
        Some(rules::decide(&loaded.state, &self.keys, publisher, &command, &received.message))
    }

    fn apply(
        &self,
        loaded: &mut BatchState,
        received: &ReceivedMessage<Inbound>,
        decision: Option<Decision>,
    ) -> HandlerResult {
        match (&received.message, decision) {
            (Inbound::Fact(fact), _) => HandlerResult::Decided(vec![outbound::fact(fact)]),
            (_, Some(decision)) => {
                loaded.changes.extend(loaded.state.apply(&decision));
                verdict(received, decision)
            }
            (_, None) => HandlerResult::Decided(Vec::new()),
        }
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        loaded: BatchState,
    ) -> Result<(), DecideError> {
        store::save(connection, &loaded.state, &loaded.changes).await
    }
}

/// What a batch is decided by, and what it changed so far.
#[derive(Debug, Default)]
pub struct BatchState {
    /// What is known, as the next message of the batch meets it.
    pub state: State,
    /// What has to be saved.
    pub changes: Vec<NewRow>,
}

/// The command, with the mark of a dry run.
fn command_of(received: &ReceivedMessage<Inbound>) -> CommandRef {
    let mut command = received.command();
    command.remarks.dry_run = received.message.is_dry_run().then(DryRun::default);
    command
}

/// What a decision sends.
fn verdict(received: &ReceivedMessage<Inbound>, decision: Decision) -> HandlerResult {
    let command = command_of(received);
    match decision {
        Decision::NotYet(reason) if reason == contracts::Reason::UnknownAccount => {
            let otherwise = Otherwise::Park(ParkReason::UnknownAccount);
            HandlerResult::NotYet { reason, patience: Patience::Ladder, otherwise }
        }
        Decision::NotYet(reason) => {
            let answer = Answer::refused(&command.account, reason);
            HandlerResult::NotYet {
                reason,
                patience: Patience::Ladder,
                otherwise: Otherwise::Decided(vec![answer_output(received, &command, answer)]),
            }
        }
        Decision::Answered(answer) => {
            HandlerResult::Decided(vec![answer_output(received, &command, answer)])
        }
        Decision::Bound { delivery, share_id, .. } => {
            let mut receipt = command.receipt(ReceiptOutcome::Applied);
            receipt.share_id = Some(share_id);
            HandlerResult::Decided(vec![
                outbound::told(&delivery, &command),
                outbound::receipt(&command.account, &command, receipt),
            ])
        }
        Decision::Passed { transfer, bound, .. } => {
            let bound = bound.iter().map(|bound| outbound::told(&bound.delivery, &command));
            HandlerResult::Decided(
                std::iter::once(outbound::transfer(&transfer)).chain(bound).collect(),
            )
        }
        Decision::Recovered { states, transfers, receipt } => {
            let states = states.iter().map(|state| outbound::told(state, &command));
            let transfers = transfers.iter().map(outbound::transfer);
            let receipt = outbound::receipt(&command.account, &command, *receipt);
            HandlerResult::Decided(states.chain(transfers).chain([receipt]).collect())
        }
        Decision::Listed { states, next_cursor } => {
            let mut receipt = command.receipt(ReceiptOutcome::Applied);
            receipt.next_cursor = next_cursor;
            let states = states.iter().map(|state| outbound::told(state, &command));
            HandlerResult::Decided(
                states.chain([outbound::receipt(&command.account, &command, receipt)]).collect(),
            )
        }
    }
}

fn answer_output(
    received: &ReceivedMessage<Inbound>,
    command: &CommandRef,
    answer: Answer,
) -> Output {
    let mut receipt = command.receipt(answer.outcome);
    receipt.reason = answer.reason;
    receipt.detail = answer.detail;
    receipt.decisions = answer.decisions;
    (receipt.agreement_id, receipt.share_id) = match &received.message {
        Inbound::Share(share, _) => (Some(share.agreement_id.clone()), share.share_id.clone()),
        Inbound::Update(update, _) => (None, update.share_id.clone()),
        Inbound::Bind(bind) => (None, Some(bind.share_id.clone())),
        Inbound::Unshare(unshare) => (None, unshare.share_id.clone()),
        Inbound::Redact(redact) => (None, redact.share_id.clone()),
        Inbound::Resync(resync) => (None, Some(resync.share_id.clone())),
        Inbound::List(list) => (list.agreement_id.clone(), None),
        Inbound::Recover(_) | Inbound::Fact(_) => (None, None),
    };
    if answer.share_id.is_some() {
        receipt.share_id = answer.share_id;
    }
    let to: &AccountName = &answer.to;
    outbound::receipt(to, command, receipt)
}
