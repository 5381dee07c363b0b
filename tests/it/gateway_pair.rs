//! Two replicas of the gateway, of which one after the other is killed while desks work over HTTP:
//! nothing is lost, doubled or leaked, and no two copies differ.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use contracts::topology::Service;
use futures_util::future::join_all;
use local::{Instance, TestEnvironment, edges};
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::gateway::{HttpDesk, added};
use crate::{WHOLE_SYSTEM, whole_system};

/// How often a replica is killed, in turn.
const KILLS: usize = 6;
/// Commands that are answered between two kills.
const WORK: usize = 12;
/// Tickets that are worked on at the same time, each by both desks.
const TICKETS: usize = 3;
const STATUSES: [&str; 4] = ["open", "pending", "hold", "solved"];

/// A desk that asks the other replica when one does not answer.
struct PairDesk {
    urls: [String; 2],
    name: &'static str,
    token: String,
    /// Which of them it asked last.
    at: AtomicUsize,
    /// How many commands were answered.
    answered: AtomicUsize,
}

impl PairDesk {
    fn desk(&self) -> HttpDesk {
        HttpDesk::new(&self.urls[self.at.load(Ordering::Relaxed) % 2], &self.token)
    }

    /// A command with its receipt, asked for under one key until it is there.
    async fn done(&self, method: &str, path: &str, key: &str, body: &Value) -> Value {
        let receipt = until(&format!("{method} {path}"), PATIENCE, async || {
            match self.desk().ask(method, path, Some(key), body).await {
                Some((200, answer)) => Ok(answer["receipt"].clone()),
                other => {
                    self.at.fetch_add(1, Ordering::Relaxed);
                    Err(format!("{other:?}"))
                }
            }
        })
        .await;
        assert_ne!(receipt["outcome"], "rejected", "{method} {path}: {receipt}");
        self.answered.fetch_add(1, Ordering::Relaxed);
        receipt
    }
}

/// What was asked for, by account: commands' keys and comments' ids.
#[derive(Default)]
struct Asked {
    keys: BTreeSet<String>,
    comments: BTreeSet<String>,
}

/// One ticket, worked on by both desks until it is over.
async fn work(
    ticket: usize,
    desks: &[PairDesk; 2],
    agreement: &str,
    over: &AtomicBool,
) -> [Asked; 2] {
    let numbers = [format!("A-{ticket}"), format!("G-{ticket}")];
    let mut asked: [Asked; 2] = Default::default();
    let share = json!({ "agreement_id": agreement, "ticket": { "subject": "The pump leaks",
        "status": "open", "custom_fields": { "order": "0" } } });
    let key = format!("share-{ticket}");
    let path = format!("/v1/tickets/{}/shares", numbers[0]);
    let receipt = desks[0].done("POST", &path, &key, &share).await;
    asked[0].keys.insert(key);
    let path = format!("/v1/shares/{}/ticket", receipt["share_id"].as_str().expect("a share"));
    let key = format!("bind-{ticket}");
    desks[1].done("PUT", &path, &key, &json!({ "ticket_id": numbers[1] })).await;
    asked[1].keys.insert(key);
    let mut turn = 0;
    while !over.load(Ordering::Relaxed) {
        turn += 1;
        for (side, desk) in desks.iter().enumerate() {
            let id = format!("gateway-{}/{ticket}-{turn}", desk.name);
            let change = json!({ "status": STATUSES[(turn + side) % STATUSES.len()],
                "custom_fields": { "order": format!("{turn}-{side}") },
                "comments": [{ "id": id, "body": format!("{id} says"),
                    "public": turn % 2 == 0 }] });
            let (path, key) =
                (format!("/v1/tickets/{}", numbers[side]), format!("{ticket}-{turn}"));
            desk.done("PATCH", &path, &key, &change).await;
            asked[side].keys.insert(key);
            asked[side].comments.insert(id);
        }
    }
    asked
}

/// What both copies must agree on.
fn held(ticket: &Value) -> (Value, Value, BTreeMap<String, Value>) {
    let comments = ticket["comments"].as_array().into_iter().flatten();
    let said =
        comments.map(|it| (it["id"].as_str().unwrap_or_default().to_owned(), it["body"].clone()));
    // On hold here is open there.
    let status = ticket["status"]["value"]["value"].clone();
    let status = if status == "hold" { json!("open") } else { status };
    (status, ticket["custom_fields"]["order"]["value"].clone(), said.collect())
}

/// How often the log of a desk has each receipt and each comment.
fn times(heard: &[Value]) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for told in heard {
        let payload = &told["payload"];
        let comments = payload["comments"].as_array().into_iter().flatten();
        let comments =
            comments.map(|it| format!("comment {}", it["id"].as_str().unwrap_or_default()));
        let receipt = payload["command_id"].as_str().map(|id| format!("receipt {id}"));
        for thing in comments.chain(receipt) {
            *times.entry(thing).or_default() += 1;
        }
    }
    times
}

struct Pair {
    environment: TestEnvironment,
    services: Vec<Instance>,
    gateways: [Instance; 2],
    desks: [PairDesk; 3],
}

async fn start() -> Pair {
    let environment = TestEnvironment::new("gateway-pair").await;
    environment.edge(Service::Gateway, &[]).await;
    let installation = environment.installation.clone();
    let fleet = whole_system::fleet(&environment, "gateway-pair");
    let services = whole_system::start_all(&fleet).await;
    let operator_url = installation.operator_url().expect("an address");
    let registration = edges::registration(Service::Gateway);
    local::register(&operator_url, &registration, PATIENCE).await.expect("a receipt");
    let started = tokio::task::spawn_blocking(move || {
        let mut migrated = false;
        let pair = [1, 2].map(|replica| {
            let of_its_own = edges::with_gateway(fleet.clone(), installation.passwords(), None);
            let (fleet, access) = of_its_own.expect("ports");
            if !std::mem::replace(&mut migrated, true) {
                fleet.migrate(Service::Gateway).expect("its schema is migrated");
            }
            (fleet.start(Service::Gateway, replica).expect("it starts"), access)
        });
        let api = pair[0].1.operator(Service::Gateway, installation.passwords());
        let urls = pair.each_ref().map(|(_, access)| access.url.clone());
        let gateways = pair.map(|(mut gateway, _)| {
            gateway.wait_ready(PATIENCE).expect("it is ready");
            gateway
        });
        let desks = ["acme", "globex", "initech"].map(|name| {
            let token = added(&installation, &api, name);
            PairDesk {
                urls: urls.clone(),
                name,
                token,
                at: AtomicUsize::default(),
                answered: AtomicUsize::default(),
            }
        });
        (gateways, desks)
    });
    let (gateways, desks) = started.await.expect("both start");
    Pair { environment, services, gateways, desks }
}

async fn agree(desks: &[PairDesk; 2]) -> String {
    let field = json!({ "ticket_fields": [{ "key": "order", "title": "Order", "type": "text" }],
        "default_form": ["order"] });
    for desk in desks {
        desk.done("PATCH", "/v1/account", "fields", &field).await;
    }
    let invite = json!({ "receiver": { "address": desks[1].name },
        "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true } });
    let receipt = desks[0].done("POST", "/v1/agreements", "invite", &invite).await;
    let agreement = receipt["agreement_id"].as_str().expect("an id").to_owned();
    let accept = format!("/v1/agreements/{agreement}/accept");
    desks[1].done("POST", &accept, "accept", &Value::Null).await;
    agreement
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_replicas_of_the_gateway_lose_and_double_nothing() {
    let _alone = WHOLE_SYSTEM.lock().await;
    let Pair { environment, services, mut gateways, desks } = start().await;
    let [acme, globex, initech] = desks;
    let desks = [acme, globex];
    let agreement = agree(&desks).await;
    let over = &AtomicBool::new(false);
    let working = join_all((0..TICKETS).map(|ticket| work(ticket, &desks, &agreement, over)));
    let answered = || desks.iter().map(|it| it.answered.load(Ordering::Relaxed)).sum::<usize>();
    let kills = async move {
        for kill in 0..KILLS {
            let enough = answered() + WORK;
            until("both desks work", PATIENCE, async || {
                let now = answered();
                if now >= enough { Ok(()) } else { Err(format!("{now} of {enough} answered")) }
            })
            .await;
            let restarted = tokio::task::spawn_blocking(move || {
                let gateway = &mut gateways[kill % 2];
                gateway.kill9().expect("it dies");
                gateway.restart().expect("it starts again");
                gateway.wait_ready(PATIENCE).expect("it is ready");
                gateways
            });
            gateways = restarted.await.expect("it runs again");
        }
        over.store(true, Ordering::Relaxed);
        gateways
    };
    let (asked, gateways) = tokio::join!(working, kills);
    let commands: usize = asked.iter().flatten().map(|asked| asked.keys.len()).sum();
    println!("{KILLS} kills, {commands} commands");

    // Nothing lost, and no two copies differ.
    for (ticket, sides) in asked.iter().enumerate() {
        let said: BTreeSet<&String> = sides.iter().flat_map(|it| &it.comments).collect();
        until(&format!("ticket {ticket} at rest"), PATIENCE, async || {
            let here = held(&desks[0].desk().get(&format!("/v1/tickets/A-{ticket}")).await);
            let there = held(&desks[1].desk().get(&format!("/v1/tickets/G-{ticket}")).await);
            let all = here.2.keys().collect::<BTreeSet<_>>() == said;
            if here == there && all { Ok(()) } else { Err(format!("{here:?} and {there:?}")) }
        })
        .await;
    }
    // Nothing doubled: each receipt and each comment was told once.
    for (side, desk) in desks.iter().enumerate() {
        let mut reader = desk.desk();
        reader.read_on().await;
        let ids: BTreeSet<String> =
            reader.heard.iter().map(|told| told["message_id"].to_string()).collect();
        assert_eq!(ids.len(), reader.heard.len(), "{} was told something twice", desk.name);
        let times = times(&reader.heard);
        let keys = asked.iter().flat_map(|sides| &sides[side].keys);
        let said = asked.iter().flat_map(|sides| &sides[1 - side].comments);
        let things = keys.map(|key| format!("receipt {key}"));
        for thing in things.chain(said.map(|id| format!("comment {id}"))) {
            assert_eq!(times.get(&thing), Some(&1), "{thing} at {}", desk.name);
        }
    }
    // Nothing leaked: a third desk of the same gateway heard of none of it.
    let mut outsider = initech.desk();
    outsider.read_on().await;
    let heard: Vec<&Value> = outsider.heard.iter().map(|told| &told["type"]).collect();
    assert!(heard.iter().all(|kind| !kind.to_string().contains("ticket")), "{heard:?}");
    drop((gateways, services));
    environment.remove().await;
}
