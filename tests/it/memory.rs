//! The largest messages that the broker lets in, waiting in every service's queue: each service
//! decides them within the memory that its own pod has.

use std::time::Duration;

use contracts::ids::derive_id;
use contracts::limits::{BODY_BYTES, MESSAGE_BYTES};
use contracts::sync::{Action, CommandRef, Hop, Transfer, TransferComment};
use contracts::topology::Service;
use contracts::{
    AccountName, AgreementId, ChainId, CommentId, CopyId, Message, Person, Role, ShareId, Terms,
    TicketId,
};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use local::{Instance, TestEnvironment};
use serde_json::{Value, json};
use testkit::{Desk, desk, until};

use crate::partners::{OCCURRED, Partners, actor};
use crate::whole_system;

const LIMIT: Duration = Duration::from_mins(5);
/// Messages of each kind: a service that fetches by their number holds all of them at once.
const EACH: usize = 40;
/// What a service's pod is rendered from.
const DEPLOYMENT: &str = include_str!("../../infra/kubernetes/base/service/deployment.yaml");

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_the_largest_messages_fits_into_each_services_pod() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let world = TestEnvironment::new("memory").await;
    let fleet = whole_system::fleet(&world, "memory");
    let instances = whole_system::start_all(&fleet).await;
    let partners = Partners::agree(&world, "public_and_private").await;
    stop(instances).await;

    let commands = commands_of(&partners).await;
    between_services(&world).await;
    let instances =
        tokio::task::spawn_blocking(move || fleet.start_all_ready(LIMIT).expect("all are ready"))
            .await
            .expect("all five start");
    for id in &commands {
        partners.acme.receipt(id).await;
    }
    until_all_is_decided(&world).await;
    let limit = pod_limit();
    for instance in &instances {
        let (name, peak) = (instance.service().name(), peak_bytes(instance));
        println!("{name}: at most {} of {} MiB", peak >> 20, limit >> 20);
        assert!(peak < limit, "{name} took {peak} bytes, its pod has {limit}");
    }
    drop(instances);
    world.remove().await;
}

async fn stop(instances: Vec<Instance>) {
    let stopped = tokio::task::spawn_blocking(move || {
        for mut instance in instances {
            instance.terminate(LIMIT).expect("it stops");
        }
    });
    stopped.await.expect("all five stop");
}

/// Commands of the largest legal size, JSON that takes many times its bytes when it is parsed, and
/// bodies that are only refused, as large as the broker lets in.
async fn commands_of(partners: &Partners) -> Vec<String> {
    let acme = &partners.acme;
    let mut ids = Vec::new();
    for number in 0..EACH {
        let text = "x".repeat(BODY_BYTES - 2048);
        let share = share(
            partners,
            number,
            &json!({ "comments": [{ "id": comment_id(number), "body": text }] }),
        );
        ids.push(send(acme, "ticket.share", &share).await);
        let zeros = vec![0; (BODY_BYTES - 2048) / 2];
        ids.push(
            send(acme, "ticket.share", &share_with(partners, number, "zeros", &json!(zeros))).await,
        );
        let objects = vec![json!({}); (BODY_BYTES - 2048) / 3];
        let list = json!({ "actor": actor(), "objects": objects }).to_string();
        ids.push(send(acme, "agreement.list", &list).await);
        for key in ["ticket.share", "agreement.list"] {
            ids.push(send(acme, key, &" ".repeat(MESSAGE_BYTES)).await);
        }
    }
    ids
}

fn comment_id(number: usize) -> String {
    format!("acme/memory-{number}")
}

fn share(partners: &Partners, number: usize, more: &Value) -> String {
    let mut ticket = json!({ "id": format!("m-{number}"), "subject": "The pump leaks",
        "status": "open", "requester": actor() });
    ticket
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().cloned().unwrap_or_default());
    let share = json!({ "agreement_id": partners.agreement, "actor": actor(),
        "occurred_at": OCCURRED, "ticket": ticket });
    share.to_string()
}

fn share_with(partners: &Partners, number: usize, name: &str, value: &Value) -> String {
    share(partners, EACH + number, &json!({ name: value }))
}

async fn send(desk: &Desk, key: &str, body: &str) -> String {
    let (id, message_type) = (desk.next_id(), format!("{key}.v1"));
    desk.publish(&format!("acme.{key}"), &message_type, &id, body.as_bytes(), |head| head)
        .await
        .expect("the broker takes it");
    id
}

/// Transfers as large as a service may send, in the name of the services that send them.
async fn between_services(world: &TestEnvironment) {
    let sender = Service::ShareDispatcher;
    let url = world.installation.service_url(sender).expect("an address");
    let (connection, channel) = channel(&url).await;
    for number in 0..EACH {
        let comments = serde_json::to_value(transfer(number)).expect("it is JSON");
        let mut fields = comments.clone();
        fields["comments"] = json!([]);
        let missing = MESSAGE_BYTES - fields.to_string().len() - 16;
        fields["padding"] = json!("x".repeat(missing));
        for (to, content) in [(Service::CommentSync, comments), (Service::FieldSync, fields)] {
            let key = to.key_for::<Transfer>();
            let id = format!("{key}-{number}");
            publish(&channel, sender, &key, &id, &content.to_string()).await;
        }
    }
    connection.close(200, ShortString::from("done")).await.expect("it closes");
}

/// An update of one ticket, with as many comments of full size as fit.
fn transfer(number: usize) -> Transfer {
    let acme = AccountName::new("acme").expect("a name");
    let ticket = TicketId::new(format!("t-{number}")).expect("a number");
    let original = CopyId::original(&acme, &ticket);
    let person =
        Person { id: "1".into(), name: "Ada".into(), role: Role::EndUser, placeholder: true };
    let hop = Hop {
        share_id: ShareId::new(derive_id("share", &[ticket.as_str()]).to_string()).expect("an id"),
        agreement_id: AgreementId::new(derive_id("agreement", &["x"]).to_string()).expect("an id"),
        sender: acme.clone(),
        receiver: AccountName::new("globex").expect("a name"),
        near: original.clone(),
        near_ticket: ticket,
        far_ticket: None,
        terms: Terms {
            comments: contracts::terms::CommentTerms::PublicAndPrivate,
            tags: true,
            custom_fields: true,
        },
    };
    let command = CommandRef {
        account: acme,
        message_id: format!("transfer-{number}"),
        command_type: "ticket.update.v1".into(),
        received_at: desk::clock(),
        remarks: contracts::sync::Remarks::default(),
    };
    let chain = ChainId::starting_with(&original);
    let comment = |which: usize| TransferComment {
        id: CommentId::new(format!("acme/{number}-{which}")).expect("an id"),
        author: person.clone(),
        body: "x".repeat(BODY_BYTES),
        html_body: None,
        public: true,
        authored_at: None,
        attachments: Vec::new(),
        call: None,
    };
    let comments = (0..7).map(comment).collect();
    let update = Transfer::new(command, chain, original, vec![hop], Action::Update, person.clone());
    Transfer { comments, ..update }
}

async fn until_all_is_decided(world: &TestEnvironment) {
    until("empty queues", LIMIT, async || {
        let installation = world.installation.clone();
        let queues =
            tokio::task::spawn_blocking(move || installation.broker().queues(installation.vhost()));
        let queues = queues.await.expect("it ends").map_err(|error| error.to_string())?;
        let is_work = |name: &str| {
            Service::ALL.iter().any(|service| {
                name == service.name() || name.starts_with(&format!("{}.retry", service.name()))
            })
        };
        let full: Vec<String> = queues
            .iter()
            .filter(|queue| queue.messages > 0 && is_work(&queue.name))
            .map(|queue| format!("{} {}", queue.name, queue.messages))
            .collect();
        if full.is_empty() { Ok(()) } else { Err(full.join(", ")) }
    })
    .await;
}

/// The memory limit of a service's pod, in bytes.
fn pod_limit() -> u64 {
    let limits = DEPLOYMENT.lines().find(|line| line.trim().starts_with("limits:"));
    let text = limits.and_then(|line| line.split("memory: ").nth(1)).expect("a memory limit");
    let mebibytes = text.split("Mi").next().and_then(|number| number.parse::<u64>().ok());
    mebibytes.expect("a limit in Mi") << 20
}

/// The most memory that a process has had so far, in bytes (`VmHWM`, proc(5)).
fn peak_bytes(instance: &Instance) -> u64 {
    let process = instance.process().expect("it runs, and was never started anew");
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid))
        .expect("its status is readable");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    let kibibytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
    kibibytes << 10
}

async fn channel(url: &str) -> (Connection, Channel) {
    let connection =
        Connection::connect(url, ConnectionProperties::default()).await.expect("the user logs in");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    (connection, channel)
}

#[expect(clippy::disallowed_methods, reason = "as a service would, without its runtime")]
async fn publish(channel: &Channel, sender: Service, key: &str, id: &str, body: &str) {
    let properties = BasicProperties::default()
        .with_message_id(id.into())
        .with_type(Transfer::NAME.into())
        .with_user_id(sender.user().into())
        .with_content_type("application/json".into())
        .with_delivery_mode(2);
    let options = BasicPublishOptions::default();
    let confirm = channel
        .basic_publish("sync".into(), key.into(), options, body.as_bytes(), properties)
        .await
        .expect("it is written");
    assert!(confirm.await.expect("it is confirmed").is_ack());
}
