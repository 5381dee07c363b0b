//! A command of the other entry service, whose queue is missing: it waits, and reaches it.

use contracts::command::AgreementAccept;
use contracts::delivery::Delivery;
use contracts::{Message, ReceiptOutcome, topology};
use messaging::{
    Content, Correlation, DecideError, DecodeError, HandlerResult, Output, ReceivedMessage,
    Service, decode,
};
use serde_json::Value;
use sqlx::PgConnection;

use crate::harness::ServiceHarness;
use crate::tally::Treat;

/// The other entry service: says yes to everything, with the publisher's name as detail.
struct Agreements;

impl Service for Agreements {
    type Inbound = Value;
    type State = ();
    type Decision = ();
    const SERVICE: topology::Service = topology::Service::Agreement;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Value, DecodeError> {
        match message_type {
            AgreementAccept::NAME => decode(content),
            other => Err(DecodeError::UnknownType(other.to_owned())),
        }
    }

    fn about(_: &Value) -> Correlation {
        Correlation::default()
    }

    async fn load(
        &self,
        _: &mut PgConnection,
        _: &[&ReceivedMessage<Value>],
    ) -> Result<(), DecideError> {
        Ok(())
    }

    fn decide(&self, (): &(), _: &ReceivedMessage<Value>) {}

    fn apply(&self, (): &mut (), received: &ReceivedMessage<Value>, (): ()) -> HandlerResult {
        let command = received.command();
        let mut receipt = command.receipt(ReceiptOutcome::Applied);
        receipt.detail = received.publisher.as_ref().map(ToString::to_string);
        let receipt = Delivery::receipt(&command.account, receipt);
        HandlerResult::Decided(vec![Output::to_desk(&receipt, received.received_at)])
    }

    async fn save(&self, _: &mut PgConnection, (): ()) -> Result<(), DecideError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_queue_is_missing_waits_for_it_and_is_not_refused() {
    let stage = ServiceHarness::set("forward").await;
    let pool = stage.world.pool(topology::Service::Agreement, messaging::migrations()).await;
    let replica = stage.replica();
    stage.delete_queue("agreement-service").await;
    let (desk, accept) = (&stage.desk, AgreementAccept::NAME);
    desk.publish("acme.agreement.accept", accept, "a", b"{}", |properties| properties)
        .await
        .expect("the broker takes it");
    stage.send(&["b"], Treat::Well).await;
    desk.receipt("b").await;
    stage.install_topology().await;
    let agreements = stage.replica_of(Agreements, &pool, 1, std::time::Duration::from_hours(1));
    let receipt = desk.receipt("a").await;
    assert_eq!(
        (receipt.outcome, receipt.detail.as_deref()),
        (ReceiptOutcome::Applied, Some("acme"))
    );
    assert_eq!(receipt.command_type, accept);
    agreements.stop().await;
    replica.stop().await;
    assert_eq!(stage.messages_in(topology::UNROUTABLE).await, 0, "nothing is handed back");
    assert!(stage.parked().await.is_empty());
    stage.world.remove().await;
}
