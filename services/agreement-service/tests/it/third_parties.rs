//! Third-party systems that are invited by their sharing URL: their account is registered once, and
//! its deliveries lead to who stands for it before anybody is told of it.

use agreement_service::Inbound;
use contracts::address::Invitee;
use contracts::command::{AccountRegister, AgreementInvite};
use contracts::sync::Fact;
use contracts::topology::{Exchange, Service, desk_key, desk_queue};
use contracts::{AccountName, Reason, SharingUrl};
use messaging::ReceivedMessage;
use testkit::desk::PATIENCE;
use testkit::until;

use crate::batch::{alone, command, outputs, with_accounts};
use crate::commands::{invite, register};
use crate::harness::ServiceHarness;
use crate::names::{registering, together};

const URL: &str = "https://desk.initech.example/sharing";
/// How often a race is run.
const ROUNDS: usize = 20;

fn name(text: &str) -> AccountName {
    AccountName::new(text).expect("a name")
}

fn stands_for_third_parties(account: &str) -> AccountRegister {
    AccountRegister { may_operate: true, third_parties: true, ..register(account) }
}

fn inviting(number: usize, url: &str) -> AgreementInvite {
    let receiver = Invitee::SharingUrl { sharing_url: url.to_owned() };
    AgreementInvite { receiver, ..invite(number, "") }
}

fn invited(account: &str, number: usize, url: &str) -> Vec<ReceivedMessage<Inbound>> {
    vec![command(account, Inbound::Invite(Box::new(inviting(number, url))))]
}

#[tokio::test]
async fn invites_at_the_same_moment_make_one_account() {
    let (world, pool) = with_accounts("third_race", &["acme", "globex"]).await;
    alone(&pool, &registering(stands_for_third_parties("bridge"))).await;
    for round in 0..ROUNDS {
        let [one, same] =
            [format!("https://x.example/{round}"), format!("https://X.example:443/{round}/")];
        let batches = [invited("acme", 2 * round, &one), invited("globex", 2 * round + 1, &same)];
        assert_eq!(together(&pool, batches).await, [None, None], "round {round}");
    }
    let rows: (i64, i64) = sqlx::query_as(
        "select count(*), count(distinct receiver) from agreement
         join account on account.name = receiver
         where sharing_url like 'https://x.example/%' and operated_by = 'bridge'",
    )
    .fetch_one(&pool)
    .await
    .expect("a row");
    let rounds = i64::try_from(ROUNDS).expect("a small number");
    assert_eq!(rows, (2 * rounds, rounds));
    world.remove().await;
}

#[tokio::test]
async fn one_account_of_a_deployment_stands_for_third_parties() {
    let (world, pool) = with_accounts("third_operators", &[]).await;
    let batches = ["bridge", "second"].map(|one| registering(stands_for_third_parties(one)));
    let mut refused = together(&pool, batches).await;
    refused.sort();
    assert_eq!(refused, [None, Some(Reason::NameTaken)]);
    world.remove().await;
}

#[tokio::test]
async fn a_url_that_an_earlier_release_kept_as_it_was_written_leads_there() {
    let (world, pool) = with_accounts("third_written", &["acme", "initech"]).await;
    sqlx::query(
        "update account set sharing_url = 'http://Initech.example/' where name = 'initech'",
    )
    .execute(&pool)
    .await
    .expect("as an earlier release stored it");
    alone(&pool, &registering(stands_for_third_parties("bridge"))).await;
    let verdict = alone(&pool, &invited("acme", 1, "http://Initech.example/")).await.remove(0);
    let fact: Fact = serde_json::from_str(outputs(&verdict)[0].body()).expect("a fact");
    assert_eq!(fact.change.agreements()[0].receiver, name("initech"));
    world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_bound_before_anybody_is_told_also_after_a_crash() {
    let mut stage = ServiceHarness::set("third-led").await;
    let (operator, acme) = (stage.operator(), stage.desk("acme").await);
    let bridge = name("bridge");
    stage.desk("bridge").await;
    stage.start_two_replicas();
    for account in [register("acme"), stands_for_third_parties("bridge")] {
        operator.send(&account).await.expect("the broker takes it");
    }
    stage.facts_passed_on(2).await;
    let account =
        SharingUrl::read(URL).expect("a sharing URL").account_under(&bridge).expect("a name");
    assert_eq!(stage.led(&account).await, [""; 0]);
    stage.next_service_is_bound(false).await;
    acme.send(&inviting(1, URL)).await.expect("the broker takes it");
    let led_to_the_bridge = async |stage: &ServiceHarness| {
        until("the account's deliveries to be led", PATIENCE, async || {
            let queues = stage.led(&account).await;
            if queues == [desk_queue(&bridge)] { Ok(()) } else { Err(format!("{queues:?}")) }
        })
        .await;
    };
    led_to_the_bridge(&stage).await;
    assert_eq!(stage.facts().len(), 2, "nothing went out yet");

    // As if it had died after the commit, before it led them.
    stage.kill();
    stage.unlead(&account, &bridge).await;
    assert_eq!(stage.led(&account).await, [""; 0]);
    stage.start_two_replicas();
    led_to_the_bridge(&stage).await;
    stage.next_service_is_bound(true).await;
    let facts = stage.facts_passed_on(3).await;
    let told = |fact: &Fact| {
        let registered = fact.change.account()?;
        Some((registered.account.clone(), registered.operated_by.clone()?))
    };
    assert_eq!(facts.iter().filter_map(told).collect::<Vec<_>>(), [(account.clone(), bridge)]);
    let accounts: i64 = sqlx::query_scalar("select count(*) from account where sharing_url = $1")
        .bind(URL)
        .fetch_one(&stage.pool)
        .await
        .expect("a count");
    assert_eq!(accounts, 1);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_whose_queue_is_gone_holds_up_nobody() {
    let mut stage = ServiceHarness::set("third-queue-gone").await;
    let operator = stage.operator();
    stage.start_two_replicas();
    // Known to Deskmesh, and to the broker not.
    let gone = AccountRegister { may_operate: true, ..register("gone") };
    operator.send(&gone).await.expect("the broker takes it");
    stage.facts_passed_on(1).await;
    let below = AccountRegister { operated_by: Some(name("gone")), ..register("gone-x") };
    operator.send(&below).await.expect("the broker takes it");
    operator.send(&register("acme")).await.expect("the broker takes it");
    stage.facts_passed_on(3).await;
    assert_eq!(stage.led(&name("gone-x")).await, [""; 0]);
    stage.end().await;
}

impl ServiceHarness {
    /// The queues to which the deliveries of an account are led.
    async fn led(&self, account: &AccountName) -> Vec<String> {
        let key = desk_key(account);
        self.at_broker(move |broker, vhost| broker.bound(vhost, Exchange::Desk.name(), &key)).await
    }

    async fn unlead(&self, account: &AccountName, operator: &AccountName) {
        let (queue, key) = (desk_queue(operator), desk_key(account));
        self.at_broker(move |broker, vhost| {
            broker.unbind(vhost, Exchange::Desk.name(), &queue, &key)
        })
        .await;
    }

    /// Whether facts reach share-dispatcher.
    async fn next_service_is_bound(&self, bound: bool) {
        let (sync, queue) = (Exchange::Sync.name(), Service::ShareDispatcher.name());
        self.at_broker(move |broker, vhost| {
            let key = format!("{queue}.*");
            if bound {
                broker.bind(vhost, sync, queue, &key)
            } else {
                broker.unbind(vhost, sync, queue, &key)
            }
        })
        .await;
    }
}
