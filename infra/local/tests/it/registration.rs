//! The operator's registration, answered by a model of agreement-service.

use std::time::Duration;

use contracts::command::{AccountKind, AccountRegister};
use contracts::topology::Service;
use contracts::{Message, Receipt, ReceiptOutcome};
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use local::Installation;
use operator::Error;

use crate::installation::{passwords, servers, waiting};

/// Answers one registration, after a receipt of some other command.
async fn answer_one(url: String) -> Result<(), lapin::Error> {
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let queue = Service::Agreement.name();
    let mut commands = channel
        .basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await?;
    let command = commands.next().await.expect("the queue exists")?;
    let properties = &command.properties;
    assert_eq!(command.routing_key.as_str(), "operator.account.register");
    assert_eq!(properties.user_id().as_ref().map(ShortString::as_str), Some("operator"));
    assert_eq!(properties.kind().as_ref().map(ShortString::as_str), Some(AccountRegister::NAME));
    let id = properties.message_id().clone().expect("a command has an id");
    for answered in ["another", id.as_str()] {
        let receipt = Receipt::new(answered, AccountRegister::NAME, ReceiptOutcome::Applied);
        let body = serde_json::to_vec(&receipt).expect("a receipt is JSON");
        let properties = BasicProperties::default().with_correlation_id(answered.into());
        #[expect(clippy::disallowed_methods, reason = "a model of a service has no runtime")]
        let confirm = channel
            .basic_publish(
                "desk".into(),
                "operator.command.receipt".into(),
                BasicPublishOptions::default(),
                &body,
                properties,
            )
            .await?;
        assert!(confirm.await?.is_ack());
    }
    command.ack(BasicAckOptions::default()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_takes_the_receipt_of_its_own_command_only() {
    let installation = Installation::new(&servers(), "local-registration", passwords());
    installation.remove().unwrap();
    installation.install_topology().unwrap();
    let operator = installation.operator_url().unwrap();
    let account = AccountRegister {
        account: "acme".to_owned(),
        display_name: "Acme".to_owned(),
        kind: AccountKind::Connected,
        operated_by: None,
        may_operate: false,
        third_parties: false,
        address: None,
        sharing_url: None,
        admins: Vec::new(),
    };
    let late = local::register(&operator, &account, Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(late, Error::Late { .. }), "{late}");

    let model = tokio::spawn(answer_one(installation.service_url(Service::Agreement).unwrap()));
    let receipt = local::register(&operator, &account, Duration::from_secs(20)).await.unwrap();
    assert!(receipt.command_id.starts_with("register-acme-"), "{}", receipt.command_id);
    model.await.unwrap().unwrap();
    assert_eq!(
        waiting(&operator, "desk.operator").await.unwrap(),
        1,
        "the other command's receipt stays"
    );
    installation.remove().unwrap();
}
