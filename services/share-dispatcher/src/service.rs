//! Load → decide → save.

use bootstrap::{Context, NoKeys};
use contracts::sync::CommandRef;
use contracts::{AccountName, ReceiptOutcome, topology};
use messaging::{
    About, Content, DecideError, DecodeError, HandlerResult, Otherwise, Output, Received, Related,
    Service,
};
use sqlx::PgConnection;

use crate::inbound::Inbound;
use crate::rules::{self, Answer, Change, Decision, State};
use crate::{outbound, store};

/// Builds the service and runs it until the stop.
///
/// # Errors
/// When the runtime meets something that waiting does not cure.
pub async fn start(context: Context<NoKeys>) -> anyhow::Result<()> {
    context.run(ShareDispatcher).await
}

/// The stage of the line that decides which ticket is shared with whom.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShareDispatcher;

impl Service for ShareDispatcher {
    type Inbound = Inbound;
    const SERVICE: topology::Service = topology::Service::ShareDispatcher;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Inbound, DecodeError> {
        Inbound::decode(message_type, content)
    }

    fn about(message: &Inbound) -> About {
        match message {
            Inbound::Fact(fact) => About::caused_by(&fact.command, fact.change.subject()),
            // A desk's command, of which the runtime knows it.
            _ => About::default(),
        }
    }

    async fn related(connection: &mut PgConnection, names: &[String]) -> sqlx::Result<Related> {
        store::related(connection, names).await
    }

    async fn decide(
        &self,
        connection: &mut PgConnection,
        batch: &[&Received<Inbound>],
    ) -> Result<Vec<HandlerResult>, DecideError> {
        let facts = batch.iter().filter_map(|received| match &received.message {
            Inbound::Fact(fact) => Some(&**fact),
            _ => None,
        });
        line::facts::learn(connection, facts).await?;
        let mut state = store::load(connection, batch).await?;
        let mut changes = Vec::new();
        let mut verdicts = Vec::with_capacity(batch.len());
        for received in batch {
            let (verdict, new) = step(&mut state, received);
            changes.extend(new);
            verdicts.push(verdict);
        }
        store::save(connection, &state, &changes).await?;
        Ok(verdicts)
    }
}

/// Decides one message and carries it out in `state`; what the store has to keep comes with the
/// verdict.
pub fn step(state: &mut State, received: &Received<Inbound>) -> (HandlerResult, Vec<Change>) {
    if let Inbound::Fact(fact) = &received.message {
        return (HandlerResult::Decided(vec![outbound::fact(fact)]), Vec::new());
    }
    let decision = rules::decide(state, received);
    let changes = state.apply(&decision);
    (verdict(received, decision), changes)
}

/// What a decision sends.
fn verdict(received: &Received<Inbound>, decision: Decision) -> HandlerResult {
    let command = received.command();
    match decision {
        Decision::NotYet(reason) if reason == contracts::Reason::UnknownAccount => {
            HandlerResult::NotYet { reason, otherwise: Otherwise::Park }
        }
        Decision::NotYet(reason) => {
            let answer = Answer::refused(&command.account, reason);
            HandlerResult::NotYet {
                reason,
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

fn answer_output(received: &Received<Inbound>, command: &CommandRef, answer: Answer) -> Output {
    let mut receipt = command.receipt(answer.outcome);
    receipt.reason = answer.reason;
    receipt.detail = answer.detail;
    receipt.decisions = answer.decisions;
    (receipt.agreement_id, receipt.share_id) = match &received.message {
        Inbound::Share(share) => (Some(share.agreement_id.clone()), share.share_id.clone()),
        Inbound::Update(update) => (None, update.share_id.clone()),
        Inbound::Bind(bind) => (None, Some(bind.share_id.clone())),
        Inbound::Unshare(unshare) => (None, unshare.share_id.clone()),
        Inbound::Redact(redact) => (None, redact.share_id.clone()),
        Inbound::Resync(resync) => (None, Some(resync.share_id.clone())),
        Inbound::List(list) => (list.agreement_id.clone(), None),
        Inbound::Fact(_) => (None, None),
    };
    let to: &AccountName = &answer.to;
    outbound::receipt(to, command, receipt)
}
