//! One trace per command, across all processes: who is whose parent, of which kind, linked to what,
//! and from which service to which.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contracts::topology::{End, Exchange, FLOWS, Service};
use contracts::{Receipt, ReceiptOutcome};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use local::{Fleet, Instance, TestEnvironment};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use crate::collector::{Collector, Recorded};
use crate::partners::{OCCURRED, Partners, actor, applied, bind, comment, registration, update};
use crate::whole_system;

const LIMIT: Duration = Duration::from_mins(3);
/// The trace and span that acme's own help desk says it works in.
const OWN_TRACE: (&str, &str) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");

const MESSAGE: &str = "messaging.message.id";
const TYPE: &str = "deskmesh.message.type";
const DESTINATION: &str = "messaging.destination.name";
const ATTEMPT: &str = "deskmesh.attempt";
const OUTCOME: &str = "deskmesh.outcome";

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_one_trace_from_its_arrival_to_its_deliveries() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let world = TestEnvironment::new("spans").await;
    let collector = Collector::listen().await;
    let fleet = whole_system::fleet(&world, "spans");
    let fleet = fleet.with_variable("DESKMESH__TELEMETRY__OTLP_ENDPOINT", &collector.endpoint);
    let fleet = fleet.with_variable("OTEL_BSP_SCHEDULE_DELAY", "200");
    let instances = whole_system::start_all(&fleet).await;
    let partners = Partners::agree(&world, "public_and_private").await;
    partners.share().await;
    mail_what_globex_says(&partners).await;
    let twice = send_twice(&partners.acme).await;
    let late = deliver_late(&world, &partners, &collector).await;
    let initech = Desk::open(&world.account("initech").await.amqp_url, "initech");
    replay(&initech, &partners.operator, &fleet).await;
    let Partners { acme, globex, operator, .. } = &partners;

    let desks = [acme, globex, operator, &initech];
    let told: Vec<(String, Option<String>)> = desks
        .iter()
        .flat_map(|desk| desk.deliveries())
        .map(|delivered| (delivered.id, delivered.trace_id))
        .collect();
    stop(instances).await;
    let spans = until("every delivery's span, and what it comes from", PATIENCE, async || {
        let spans = Spans(collector.spans());
        let missing =
            told.iter().filter(|(id, _)| spans.of("send desk", id).next().is_none()).count();
        let orphans = spans
            .all()
            .filter(|span| !span.parent.is_empty() && !spans.0.contains_key(&span.parent))
            .count();
        let state = format!("{missing} of {} are missing, {orphans} have no parent", told.len());
        if missing + orphans == 0 { Ok(spans) } else { Err(state) }
    })
    .await;

    spans.have_the_parents_and_kinds_of_messaging();
    spans.cross_between_services_as_the_flows_say();
    for (id, trace) in &told {
        // Once, or again for a command that came again.
        let sent: Vec<_> = spans.of("send desk", id).collect();
        assert!(
            sent.iter().all(|span| Some(&span.trace) == trace.as_ref()),
            "a desk is told the trace of what it gets: {sent:#?}"
        );
    }
    let once: Vec<String> =
        desks.iter().flat_map(|desk| desk.sent()).filter(|id| *id != twice).collect();
    let traces: BTreeSet<&str> = once.iter().map(|id| spans.arrival(id).trace.as_str()).collect();
    assert_eq!(traces.len(), once.len(), "a trace for each command");
    spans.link_a_second_one_to_the_first(&twice);
    spans.tell_of_late_deliveries(&late);
    spans.tell_of_waiting_and_replay(&initech.sent()[0]);
    world.remove().await;
}

/// A change of fields alone, and a comment whose mail goes to who is in copy.
async fn mail_what_globex_says(Partners { acme, globex, .. }: &Partners) {
    let settings = json!({ "version": 1, "actor": actor(), "notify_ccs": true });
    applied(&acme.ask("account.update.v1", &settings).await);
    for (name, value) in [
        ("status", json!("pending")),
        ("ccs", json!([{ "name": "Bruno", "email": "bruno@acme.example" }])),
    ] {
        let mut change = json!({ "ticket_id": "4711", "actor": actor(), "occurred_at": OCCURRED });
        change[name] = value;
        acme.ask("ticket.update.v1", &change).await;
    }
    applied(&globex.ask("ticket.update.v1", &update("88", &comment("globex/1", true))).await);
}

/// An update that says in which trace its desk works, and comes again; its receipt is the same.
async fn send_twice(acme: &Desk) -> String {
    let id = acme.next_id();
    let mut content = update("4711", &comment("acme/1", true));
    content["status"] = json!("solved");
    for _ in 0..2 {
        let traced = |properties: BasicProperties| {
            let mut headers = FieldTable::default();
            let header = format!("00-{}-{}-01", OWN_TRACE.0, OWN_TRACE.1);
            headers.insert("traceparent".into(), AMQPValue::LongString(header.into()));
            properties.with_headers(headers)
        };
        let body = content.to_string();
        let sent = acme
            .publish("acme.ticket.update", "ticket.update.v1", &id, body.as_bytes(), traced)
            .await;
        sent.expect("the broker takes it");
        acme.receipt(&id).await;
    }
    id
}

/// An update whose delivery finds no queue, until there is one again.
async fn deliver_late(
    world: &TestEnvironment,
    partners: &Partners,
    collector: &Collector,
) -> Receipt {
    bind(world, false).await;
    let receipt =
        partners.acme.ask("ticket.update.v1", &update("4711", &comment("acme/2", true))).await;
    until("a second attempt at a delivery", PATIENCE, async || {
        let attempts: Vec<String> = collector
            .spans()
            .values()
            .filter(|span| span.failed)
            .map(|span| span.get(ATTEMPT).to_owned())
            .collect();
        if attempts.iter().any(|attempt| attempt != "1") {
            Ok(())
        } else {
            Err(format!("{attempts:?}"))
        }
    })
    .await;
    bind(world, true).await;
    partners
        .globex
        .told("what came late", |told| told.body().ok()?.get().contains("acme/2").then_some(()))
        .await;
    receipt
}

/// A command of an account that is not registered yet: waits, is parked, and is replayed when it
/// is.
async fn replay(initech: &Desk, operator: &Desk, fleet: &Fleet) {
    let id = initech.next_id();
    initech.send_json(&id, "agreement.list.v1", &json!({})).await.expect("the broker takes it");
    let run = async |words: &'static [&'static str]| {
        let fleet = fleet.clone();
        tokio::task::spawn_blocking(move || fleet.run(Service::Agreement, words))
            .await
            .expect("no panic")
            .expect("it does it")
    };
    until("a parked command", PATIENCE, async || {
        let listed = run(&["parked", "list"]).await;
        if listed.contains("unknown_account") { Ok(()) } else { Err(listed) }
    })
    .await;
    applied(&operator.ask("account.register.v1", &registration("initech")).await);
    run(&["parked", "replay", "--all", "--yes", "--as", "anna"]).await;
    assert_eq!(initech.receipt(&id).await.outcome, ReceiptOutcome::Applied);
}

async fn stop(mut instances: Vec<Instance>) {
    let stopped = tokio::task::spawn_blocking(move || {
        for instance in &mut instances {
            assert_eq!(
                instance.terminate(LIMIT).expect("it stops").code(),
                Some(0),
                "{}",
                instance.log().display()
            );
        }
    });
    stopped.await.expect("all stop");
}

/// Every span there is, by id.
struct Spans(BTreeMap<String, Recorded>);

impl Spans {
    fn all(&self) -> impl Iterator<Item = &Recorded> {
        self.0.values()
    }

    fn of<'a>(&'a self, name: &'a str, message: &'a str) -> impl Iterator<Item = &'a Recorded> {
        self.all().filter(move |span| span.name == name && span.get(MESSAGE) == message)
    }

    /// Where a command came in from its desk, and nothing caused it.
    #[track_caller]
    fn arrival(&self, command: &str) -> &Recorded {
        let found: Vec<_> = self
            .all()
            .filter(|span| span.parent.is_empty() && span.get(MESSAGE) == command)
            .collect();
        assert_eq!(found.len(), 1, "{command}: {found:#?}");
        found[0]
    }

    /// The matrix: span | kind | first of its trace | parent | links to its parent.
    fn have_the_parents_and_kinds_of_messaging(&self) {
        for span in self.all() {
            let (operation, destination) =
                span.name.split_once(' ').unwrap_or_else(|| panic!("whose span is it? {span:?}"));
            assert_eq!(span.get("messaging.system"), "rabbitmq", "{span:?}");
            assert_eq!(span.get("messaging.operation.type"), operation, "{span:?}");
            let parent = self.0.get(&span.parent);
            if let Some(parent) = parent {
                assert_eq!(parent.trace, span.trace, "{span:?} and {parent:?}");
            }
            match (operation, parent) {
                // Nothing of what a desk says of its own traces is gone on with.
                ("process", None) => {
                    assert_eq!(
                        (span.kind, span.parent.as_str()),
                        (SpanKind::Consumer, ""),
                        "{span:?}"
                    );
                    assert!(
                        span.get(DESTINATION).starts_with("share:"),
                        "only a command begins a trace: {span:?}"
                    );
                    assert_eq!(destination, span.service);
                }
                ("process", Some(parent)) => {
                    assert_eq!(span.kind, SpanKind::Consumer, "{span:?}");
                    assert!(
                        span.links.contains(&(parent.trace.clone(), parent.id.clone())),
                        "{span:?}"
                    );
                    assert_eq!(parent.get(MESSAGE), span.get(MESSAGE), "{span:?} and {parent:?}");
                    let replayed = !span.get("deskmesh.parked.id").is_empty();
                    assert_eq!(
                        parent.kind,
                        if replayed { SpanKind::Consumer } else { SpanKind::Producer },
                        "{span:?}"
                    );
                    assert_eq!(destination, span.service);
                }
                ("send", Some(parent)) => {
                    assert_eq!(
                        (span.kind, parent.kind),
                        (SpanKind::Producer, SpanKind::Consumer),
                        "{span:?} and {parent:?}"
                    );
                    assert_eq!(parent.service, span.service);
                    assert!(
                        span.get(DESTINATION).starts_with(&format!("{destination}:")),
                        "{span:?}"
                    );
                }
                _ => panic!("nobody knows such a span: {span:?}"),
            }
        }
    }

    /// From a `send` in one service to a `process` in another there is a flow of this type, and
    /// every flow between services was seen.
    fn cross_between_services_as_the_flows_say(&self) {
        let crossed = |span: &Recorded| {
            let parent =
                self.0.get(&span.parent).filter(|parent| parent.kind == SpanKind::Producer)?;
            (parent.service != span.service)
                .then(|| (parent.service.clone(), span.get(TYPE).to_owned(), span.service.clone()))
        };
        let seen: BTreeSet<_> = self.all().filter_map(crossed).collect();
        let flow = |from: Service, message: &str, to: Service| {
            (from.name().to_owned(), message.to_owned(), to.name().to_owned())
        };
        let between = FLOWS.iter().filter(|one| one.exchange == Exchange::Sync).filter_map(|one| {
            match (one.from, one.to) {
                (End::Service(from), End::Service(to)) => Some(flow(from, one.message, to)),
                _ => None,
            }
        });
        assert_eq!(seen, between.collect::<BTreeSet<_>>());
    }

    fn link_a_second_one_to_the_first(&self, command: &str) {
        let mut came: Vec<_> = self.of("process share-dispatcher", command).collect();
        came.sort_by_key(|span| span.get(OUTCOME) == "known");
        let [first, second] = came.as_slice() else { panic!("{came:#?}") };
        assert_ne!(first.trace, second.trace);
        for span in [first, second] {
            let own = (OWN_TRACE.0.to_owned(), OWN_TRACE.1.to_owned());
            assert!(span.links.contains(&own), "what the desk says of itself is linked: {span:?}");
        }
        assert!(second.links.contains(&(first.trace.clone(), first.id.clone())), "{second:?}");
        assert!(
            self.all().any(|span| span.trace == first.trace && span.name == "process field-sync"),
            "the first went on"
        );
    }

    fn tell_of_late_deliveries(&self, receipt: &Receipt) {
        let trace = &self.arrival(&receipt.command_id).trace;
        let mut attempts: Vec<_> =
            self.all().filter(|span| span.trace == *trace && span.name == "send desk").collect();
        let (failed, delivered): (Vec<_>, Vec<_>) =
            attempts.drain(..).partition(|span| span.failed);
        assert!(
            failed
                .iter()
                .any(|span| span.get("error.type") == "returned" && span.get(ATTEMPT) == "1"),
            "{failed:#?}"
        );
        let late = delivered
            .iter()
            .find(|span| span.get(ATTEMPT) != "1")
            .expect("a later attempt came through");
        assert!(failed.iter().all(|span| span.get(MESSAGE) == late.get(MESSAGE)), "{failed:#?}");
    }

    fn tell_of_waiting_and_replay(&self, command: &str) {
        let arrived = self.arrival(command);
        let came: Vec<_> = self.of("process agreement-service", command).collect();
        assert!(came.iter().all(|span| span.trace == arrived.trace), "{came:#?}");
        let parked = came.iter().find(|span| span.get(OUTCOME) == "parked").expect("it was parked");
        assert!(parked.failed && parked.get(ATTEMPT) != "1", "{parked:?}");
        let waited = came.iter().filter(|span| span.get(OUTCOME) == "not_yet").count();
        assert_eq!(
            waited + 1,
            parked.get(ATTEMPT).parse::<usize>().expect("a number"),
            "{came:#?}"
        );
        let replayed = came
            .iter()
            .find(|span| !span.get("deskmesh.parked.id").is_empty())
            .expect("it was replayed");
        assert_eq!(
            (&replayed.parent, replayed.get(OUTCOME)),
            (&parked.id, "decided"),
            "{replayed:?}"
        );
    }
}
