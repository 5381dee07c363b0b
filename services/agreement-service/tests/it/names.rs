//! What is stored of accounts: limits; who gets which name, when two registrations or renames are
//! decided at the same moment.

use agreement_service::Inbound;
use contracts::command::{AccountRegister, DeskLimits};
use contracts::sync::Fact;
use contracts::{AccountName, Reason, Receipt};
use futures_util::future::join_all;
use messaging::{HandlerResult, ReceivedMessage};
use sqlx::PgPool;
use tokio::sync::Barrier;

use crate::batch::{alone, command, decided, outputs, renaming, with_accounts};
use crate::commands::{limited, register};

/// How often a race is run.
const ROUNDS: usize = 30;

pub fn registering(message: AccountRegister) -> Vec<ReceivedMessage<Inbound>> {
    vec![command("operator", Inbound::Register(Box::new(message)))]
}

fn operator(name: &str) -> AccountRegister {
    AccountRegister { may_operate: true, ..register(name) }
}

/// The reason why it was refused, if it was.
fn refusal(verdict: &HandlerResult) -> Option<Reason> {
    let output = &outputs(verdict)[0];
    let is_receipt = output.message_type() == "command.receipt.v1";
    is_receipt
        .then(|| serde_json::from_str::<Receipt>(output.body()).expect("a receipt"))
        .and_then(|receipt| receipt.reason)
}

pub async fn together(
    pool: &PgPool,
    batches: [Vec<ReceivedMessage<Inbound>>; 2],
) -> Vec<Option<Reason>> {
    let start = Barrier::new(batches.len());
    let decided = batches.iter().map(async |batch| decided(pool, &start, batch).await.remove(0));
    join_all(decided).await.iter().map(refusal).collect()
}

#[tokio::test]
async fn an_operator_and_a_foreign_name_below_it_are_never_both_registered() {
    let (world, pool) = with_accounts("operator_race", &[]).await;
    for round in 0..ROUNDS {
        let name = format!("gateway{round}");
        if round % 2 == 0 {
            alone(&pool, &registering(register(&name))).await;
        }
        let below = registering(register(&format!("{name}-x")));
        let mut refused = together(&pool, [registering(operator(&name)), below]).await;
        refused.sort();
        assert_eq!(refused, [None, Some(Reason::NameTaken)], "round {round}");
    }
    world.remove().await;
}

#[tokio::test]
async fn an_address_that_is_given_up_at_the_same_moment_is_not_given_again() {
    let (world, pool) = with_accounts("released_race", &["acme", "globex"]).await;
    for round in 0..ROUNDS {
        let (held, next) = (format!("acme-{round}"), format!("acme-{}", round + 1));
        if round == 0 {
            alone(&pool, &renaming("acme", &held)).await;
        }
        let refused = together(&pool, [renaming("acme", &next), renaming("globex", &held)]).await;
        assert_eq!(refused, [None, Some(Reason::NameTaken)], "round {round}");
    }
    let holders: Vec<(String, String)> =
        sqlx::query_as("select distinct account, 'x' from released_address")
            .fetch_all(&pool)
            .await
            .expect("rows");
    assert_eq!(holders.len(), 1, "{holders:?}");
    world.remove().await;
}

#[tokio::test]
async fn limits_are_kept_where_an_earlier_release_does_not_look() {
    let (world, pool) = with_accounts("desk_limits", &["acme"]).await;
    let limits = DeskLimits { body_chars: Some(100), ..DeskLimits::default() };
    let told =
        |version, limits| command("acme", Inbound::Update(Box::new(limited(version, limits))));
    alone(&pool, &[told(7, limits)]).await;
    let (settings, versions): (String, String) =
        sqlx::query_as("select settings::text, attribute_versions::text from account")
            .fetch_one(&pool)
            .await
            .expect("a row");
    assert!(!settings.contains("limits") && !versions.contains("limits"), "{settings} {versions}");
    let again = alone(&pool, &[told(7, DeskLimits::default())]).await.remove(0);
    let fact: Fact = serde_json::from_str(outputs(&again)[0].body()).expect("a fact");
    assert_eq!(fact.receipt.reason, Some(Reason::NewerChangeExists), "its version is known");
    assert_eq!(fact.change.account().expect("an account").limits, limits);
    world.remove().await;
}

#[tokio::test]
async fn who_operates_already_goes_on_after_the_upgrade() {
    let (world, pool) = with_accounts("operator_upgrade", &["bridge"]).await;
    sqlx::raw_sql(
        "insert into account (name, address, display_name, kind, operated_by, admins, settings,
           attribute_versions, version)
         values ('bridge-x', 'bridge-x', 'X', 'connected', 'bridge', '[]', '{}', '{}', 1);",
    )
    .execute(&pool)
    .await
    .expect("as an earlier release stored it");
    let migration = include_str!("../../migrations/1002_operators_and_released_addresses.sql");
    let update = &migration[migration.find("update account").expect("it is there")..];
    sqlx::raw_sql(update.split(';').next().expect("a statement"))
        .execute(&pool)
        .await
        .expect("rows");
    let below = AccountRegister {
        operated_by: Some(AccountName::new("bridge").expect("a name")),
        ..register("bridge-y")
    };
    let verdict =
        alone(&pool, &[command("bridge", Inbound::Register(Box::new(below)))]).await.remove(0);
    assert_eq!(refusal(&verdict), None);
    world.remove().await;
}
