//! The desk at the broker: reads its queue, publishes, is killed and starts again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::{AccountName, Receipt, ShareId, topology};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use operator::Result;
use operator::certify::DeskUnderTest;
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::{read_queue, until};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::wrong::{Command, Core, Mistake};

/// A desk with a mistake, or none.
pub struct MistakenDesk {
    account: AccountName,
    url: String,
    mistake: Mistake,
    file: PathBuf,
    runs: Option<Runs>,
}

struct Runs {
    core: Arc<Mutex<Core>>,
    out: UnboundedSender<Command>,
    tasks: JoinSet<()>,
}

impl Runs {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MistakenDesk {
    /// Starts it; it has a custom field.
    pub async fn start(url: &str, account: &AccountName, mistake: Mistake, file: PathBuf) -> Self {
        let mut desk =
            Self { account: account.clone(), url: url.to_owned(), mistake, file, runs: None };
        desk.run().await;
        let fields = json!({ "actor": { "id": "1", "name": "Ann", "role": "admin" },
            "ticket_fields": [{ "key": "order", "title": "Order", "type": "text" }],
            "default_form": ["order"] });
        let runs = desk.runs.as_ref().unwrap();
        let command = runs.core().ask("account.update.v1", fields);
        runs.out.send(command.clone()).unwrap();
        let receipt: Receipt = until("the receipt of its fields", PATIENCE, async || {
            runs.core().receipts.get(&command.id).cloned().ok_or_else(|| "none".to_owned())
        })
        .await;
        assert_eq!(receipt.outcome, contracts::ReceiptOutcome::Applied, "{receipt:?}");
        desk
    }

    async fn run(&mut self) {
        let (core, again) = Core::open(&self.file, &self.account, self.mistake);
        let core = Arc::new(Mutex::new(core));
        let (out, mut commands) = unbounded_channel::<Command>();
        for command in again {
            out.send(command).unwrap();
        }
        let mut tasks = JoinSet::new();
        let connection =
            Connection::connect(&self.url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let account = self.account.clone();
        tasks.spawn(async move {
            let _open = connection;
            while let Some(command) = commands.recv().await {
                publish(&channel, &account, &command).await.unwrap();
            }
        });
        let (url, queue) = (self.url.clone(), topology::desk_queue(&self.account));
        let (taking, publishing) = (Arc::clone(&core), out.clone());
        tasks.spawn(async move {
            let ended = read_queue(&url, &queue, |delivery| {
                let text = |value: &Option<ShortString>| {
                    value.as_ref().map(ToString::to_string).unwrap_or_default()
                };
                let properties = &delivery.properties;
                let (id, kind) = (text(properties.message_id()), text(properties.kind()));
                let mut core = taking.lock().unwrap_or_else(PoisonError::into_inner);
                for command in core.take(&id, &kind, &delivery.data) {
                    publishing.send(command).ok();
                }
            });
            drop(ended.await);
        });
        self.runs = Some(Runs { core, out, tasks });
    }
}

impl DeskUnderTest for MistakenDesk {
    async fn report(&mut self, share: &ShareId) -> Result<Value> {
        Ok(self.runs.as_ref().unwrap().core().report(share.as_str()))
    }

    async fn change(&mut self, update: &Value) -> Result<bool> {
        let runs = self.runs.as_ref().unwrap();
        let command = runs.core().change(update);
        runs.out.send(command).unwrap();
        Ok(true)
    }

    async fn share(&mut self, wanted: &Value) -> Result<bool> {
        let runs = self.runs.as_ref().unwrap();
        let command = runs.core().share(wanted);
        runs.out.send(command).unwrap();
        Ok(true)
    }

    async fn restart(&mut self) -> Result<bool> {
        let mut runs = self.runs.take().unwrap();
        // Memory and connections go; what was not acked comes again.
        runs.tasks.shutdown().await;
        self.run().await;
        Ok(true)
    }
}

#[expect(clippy::disallowed_methods, reason = "a desk publishes on its own")]
async fn publish(channel: &Channel, account: &AccountName, command: &Command) -> lapin::Result<()> {
    let stem = command.kind.rsplit_once(".v").map_or(command.kind.as_str(), |(stem, _)| stem);
    let short = |text: &str| ShortString::try_new(text).unwrap();
    let properties = BasicProperties::default()
        .with_message_id(short(&command.id))
        .with_type(short(&command.kind))
        .with_user_id(short(account.as_str()))
        .with_content_type(short("application/json"))
        .with_delivery_mode(2);
    let body = command.content.to_string();
    channel
        .basic_publish(
            short("share"),
            short(&format!("{account}.{stem}")),
            BasicPublishOptions::default(),
            body.as_bytes(),
            properties,
        )
        .await?
        .await
        .map(drop)
}
