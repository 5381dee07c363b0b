//! What an installation lets in, and what not.

use std::time::Duration;

use contracts::topology::Service;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use local::{Database, Installation, Passwords, Servers, services};
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(20);

pub fn servers() -> Servers {
    Servers::start(&services::target_dir().unwrap().join("test-servers")).unwrap()
}

pub fn passwords() -> Passwords {
    Passwords::open(&services::target_dir().unwrap().join("test-servers/passwords")).unwrap()
}

/// Publishes one message with a confirm, or says why the broker did not take it.
async fn publish(url: &str, user: &str, key: &str) -> Result<(), String> {
    #[expect(clippy::disallowed_methods, reason = "this is a desk, not a service")]
    let published = async {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let properties = BasicProperties::default().with_user_id(user.into());
        channel
            .basic_publish(
                "share".into(),
                key.into(),
                BasicPublishOptions::default(),
                b"{}",
                properties,
            )
            .await?
            .await
    };
    match timeout(LIMIT, published).await {
        Ok(Ok(confirm)) if confirm.is_ack() => Ok(()),
        Ok(Ok(confirm)) => Err(format!("{confirm:?}")),
        Ok(Err(refused)) => Err(refused.to_string()),
        Err(_) => Err("no confirm in time".to_owned()),
    }
}

/// How many messages wait in a queue, as its reader sees it.
pub async fn waiting(url: &str, queue: &str) -> Result<u32, lapin::Error> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let passive =
        QueueDeclareOptions { passive: true, durable: true, ..QueueDeclareOptions::default() };
    Ok(channel.queue_declare(queue.into(), passive, FieldTable::default()).await?.message_count())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_publishes_under_its_own_name_only() {
    let installation = Installation::new(&servers(), "local-rights", passwords());
    installation.remove().unwrap();
    installation.install_topology().unwrap();
    let first = installation.account("rights-acme", None).unwrap();
    installation.account("rights-globex", None).unwrap();

    // All of it again: nothing changes, and the connection's address stays good.
    installation.install_topology().unwrap();
    assert_eq!(installation.account("rights-acme", None).unwrap(), first);

    let url = first.amqp_url.as_str();
    publish(url, "rights-acme", "rights-acme.ticket.share").await.unwrap();
    for foreign in
        ["rights-globex.ticket.share", "rights-acme-chat.ticket.share", "operator.account.register"]
    {
        let refused = publish(url, "rights-acme", foreign).await.unwrap_err();
        assert!(refused.contains("ACCESS_REFUSED"), "{foreign}: {refused}");
    }
    let refused = publish(url, "rights-globex", "rights-acme.ticket.share").await.unwrap_err();
    assert!(refused.contains("PRECONDITION_FAILED"), "a borrowed user_id: {refused}");
    assert_eq!(waiting(url, "desk.rights-acme").await.unwrap(), 0);

    // Who operates other accounts publishes for them, also after it was provisioned again.
    let operated = installation.account("rights-acme-chat", Some("rights-acme")).unwrap();
    assert_eq!(operated, first);
    installation.account("rights-acme", None).unwrap();
    publish(url, "rights-acme", "rights-acme-chat.ticket.share").await.unwrap();
    publish(url, "rights-acme", "rights-acme.ticket.share").await.unwrap();
    installation.account("rights-acme-chat", Some("rights-globex")).unwrap_err();

    publish(&installation.operator_url().unwrap(), "operator", "operator.account.register")
        .await
        .unwrap();
    let queue = "share-dispatcher";
    assert_eq!(
        waiting(&installation.service_url(Service::ShareDispatcher).unwrap(), queue).await.unwrap(),
        3
    );
    for name in ["operator", "desk", "guest", "notifier", "Acme", "a", "a.b"] {
        installation.account(name, None).unwrap_err();
    }
    installation.remove().unwrap();
    for user in ["rights-acme", "rights-globex"] {
        installation.broker().delete_user(user).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_has_a_schema_of_its_own() {
    let servers = servers();
    let database =
        Database::create(&servers.database_url, "local_schemas", passwords()).await.unwrap();
    // Again: the same passwords go on working.
    Database::create(&servers.database_url, "local_schemas", passwords()).await.unwrap();
    let mut own =
        PgConnection::connect(&database.service_url(Service::CommentSync).unwrap()).await.unwrap();
    let schema: String =
        sqlx::query_scalar("select current_schema()::text").fetch_one(&mut own).await.unwrap();
    assert_eq!(schema, "comment_sync");
    sqlx::query("create table note (id int)").execute(&mut own).await.unwrap();
    let mut other =
        PgConnection::connect(&database.service_url(Service::FieldSync).unwrap()).await.unwrap();
    let refused = sqlx::query("select * from comment_sync.note")
        .execute(&mut other)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("permission denied"), "{refused}");
    database.remove().await.unwrap();
}
