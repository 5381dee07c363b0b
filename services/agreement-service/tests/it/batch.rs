//! The service on the real database without the broker: batches decided by hand, one transaction
//! each, and some at the same moment.

use std::collections::BTreeMap;

use agreement_service::{AgreementService, Inbound};
use contracts::delivery::AgreementStatus::{self, Accepted, Inactive, Pending};
use contracts::delivery::{AgreementState, DeliveryBody};
use contracts::sync::{AgreementFact, Fact};
use contracts::topology::Service as Name;
use contracts::{AccountName, AgreementId, Message, Reason, Receipt, Timestamp};
use futures_util::future::join_all;
use local::TestEnvironment;
use messaging::{
    DecideError, HandlerResult, Otherwise, Output, Patience, ReceivedMessage, Service,
};
use serde_json::json;
use sqlx::{PgPool, Postgres, Transaction};
use testkit::desk::PATIENCE;
use testkit::until;
use tokio::sync::Barrier;

use crate::commands::{accept, agreement, deactivate, invite, page, register, rename};

/// How often a race is run.
const ROUNDS: usize = 60;

pub fn command(account: &str, message: Inbound) -> ReceivedMessage<Inbound> {
    ReceivedMessage {
        account: account.to_owned(),
        message_id: "m-1".to_owned(),
        message_type: "the.command.v1".to_owned(),
        publisher: Some(AccountName::new(account).expect("a name")),
        received_at: Timestamp::parse("2026-03-01T10:00:00Z").expect("a time"),
        message,
        remarks: contracts::sync::Remarks::default(),
    }
}

/// Decides a batch in a transaction, which the caller ends.
async fn decide(
    service: &AgreementService,
    transaction: &mut Transaction<'_, Postgres>,
    batch: &[ReceivedMessage<Inbound>],
) -> Result<Vec<HandlerResult>, DecideError> {
    let batch: Vec<_> = batch.iter().collect();
    let mut state = service.load(&mut *transaction, &batch).await?;
    let verdicts = batch
        .iter()
        .map(|received| messaging::decide_and_apply(service, &mut state, received))
        .collect();
    service.save(transaction, state).await?;
    Ok(verdicts)
}

/// Decides a batch and commits; again when another transaction got in between, as the runtime does.
pub async fn decided(
    pool: &PgPool,
    start: &Barrier,
    batch: &[ReceivedMessage<Inbound>],
) -> Vec<HandlerResult> {
    decided_by(&AgreementService::new(10_000), pool, start, batch).await
}

/// The same, by a service with its own bounds.
pub async fn decided_by(
    service: &AgreementService,
    pool: &PgPool,
    start: &Barrier,
    batch: &[ReceivedMessage<Inbound>],
) -> Vec<HandlerResult> {
    for attempt in 0..10 {
        let mut transaction = pool.begin().await.expect("a transaction");
        if attempt == 0 {
            start.wait().await;
        }
        match decide(service, &mut transaction, batch).await {
            Ok(verdicts) => {
                transaction.commit().await.expect("it commits");
                return verdicts;
            }
            Err(DecideError::Database(sqlx::Error::Database(error)))
                if matches!(error.code().as_deref(), Some("40P01" | "23505")) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it always loses against another transaction");
}

/// Decides a batch alone.
pub async fn alone(pool: &PgPool, batch: &[ReceivedMessage<Inbound>]) -> Vec<HandlerResult> {
    decided(pool, &Barrier::new(1), batch).await
}

pub fn outputs(verdict: &HandlerResult) -> &[Output] {
    match verdict {
        HandlerResult::Decided(outputs) => outputs,
        other => panic!("not decided: {other:?}"),
    }
}

/// The change that a command made.
fn fact(verdict: &HandlerResult) -> Fact {
    serde_json::from_str(outputs(verdict)[0].body())
        .unwrap_or_else(|error| panic!("{error}: {verdict:?}"))
}

/// What a list shows, with its receipt.
fn shown(verdict: &HandlerResult) -> (Vec<AgreementState>, Receipt) {
    let (receipt, states) = outputs(verdict).split_last().expect("a receipt");
    let state =
        |output: &Output| match DeliveryBody::read(output.message_type(), output.body().as_bytes())
        {
            Ok(DeliveryBody::AgreementState(state)) => *state,
            other => panic!("{other:?}"),
        };
    (states.iter().map(state).collect(), serde_json::from_str(receipt.body()).expect("a receipt"))
}

/// An installation's database with accounts.
pub async fn with_accounts(test: &str, accounts: &[&str]) -> (TestEnvironment, PgPool) {
    let world = TestEnvironment::new(test).await;
    let pool = world.pool(Name::Agreement, agreement_service::migrations()).await;
    let registered: Vec<_> = accounts
        .iter()
        .map(|account| command("operator", Inbound::Register(Box::new(register(account)))))
        .collect();
    alone(&pool, &registered).await;
    (world, pool)
}

/// Where an agreement stands: its status, version and reason.
type Stands = (AgreementStatus, i64, Option<String>);

/// Where every agreement stands.
async fn stored(pool: &PgPool) -> BTreeMap<AgreementId, Stands> {
    let query = "select agreement_id, status, version, reason from agreement";
    let rows: Vec<(String, String, i64, Option<String>)> =
        sqlx::query_as(query).fetch_all(pool).await.expect("rows");
    let status = |word: String| serde_json::from_value(json!(word)).expect("a status");
    rows.into_iter()
        .map(|(id, word, version, reason)| {
            (AgreementId::new(id).expect("an id"), (status(word), version, reason))
        })
        .collect()
}

fn renamed(version: i64) -> Stands {
    (Inactive, version, Some("account_renamed".to_owned()))
}

fn invited(account: &str, number: usize, address: &str) -> Vec<ReceivedMessage<Inbound>> {
    vec![command(account, Inbound::Invite(Box::new(invite(number, address))))]
}

pub fn renaming(account: &str, address: &str) -> Vec<ReceivedMessage<Inbound>> {
    vec![command(account, Inbound::Rename(rename(address)))]
}

/// The address that an account had when an agreement was made.
fn made_under(made: &Fact, account: &str) -> String {
    let DeliveryBody::AgreementInvited(state) = &made.deliveries[0].told else {
        panic!("{made:?}")
    };
    let parties = [&state.sender, &state.receiver];
    let party = parties.into_iter().find(|party| party.account.as_str() == account);
    party.expect("it is a party").address.clone()
}

/// Four commands about `globex` that are decided at the same moment, and where every agreement
/// stands after them.
struct Round {
    number: usize,
    old_address: String,
    new_address: String,
    /// Made under either address, in the round before.
    earlier: Option<usize>,
    verdicts: BTreeMap<&'static str, HandlerResult>,
    stands: BTreeMap<AgreementId, Stands>,
}

impl Round {
    /// The invite by the old address.
    fn towards(&self) -> AgreementId {
        agreement(2 * self.number)
    }

    /// The invite by the account that is renamed.
    fn from(&self) -> AgreementId {
        agreement(2 * self.number + 1)
    }

    async fn run(pool: &PgPool, number: usize, earlier: Option<usize>) -> Self {
        let old_address =
            if number == 0 { "globex".to_owned() } else { format!("globex-{number}") };
        let new_address = format!("globex-{}", number + 1);
        let accepted = earlier.unwrap_or(2 * number);
        let mut batches = [
            ("rename", renaming("globex", &new_address)),
            ("towards", invited("acme", 2 * number, &old_address)),
            ("from", invited("globex", 2 * number + 1, "acme")),
            ("accept", vec![command("acme", Inbound::Accept(accept(accepted)))]),
        ];
        // Whoever is asked first differs from round to round.
        batches.rotate_left(number % 4);
        let start = Barrier::new(batches.len());
        let verdicts = batches
            .iter()
            .map(async |(which, batch)| (*which, decided(pool, &start, batch).await.remove(0)));
        let verdicts = join_all(verdicts).await.into_iter().collect();
        Self { number, old_address, new_address, earlier, verdicts, stands: stored(pool).await }
    }

    /// Whether the rename lists it, and it stands as the rename says.
    fn ended(&self, id: &AgreementId) -> bool {
        let rename = fact(&self.verdicts["rename"]);
        let listed = rename.change.agreements().iter().find(|ended| ended.agreement_id == *id);
        let is_so = |listed: &AgreementFact| {
            self.stands[id] == renamed(i64::try_from(listed.version).expect("a few"))
        };
        assert!(listed.is_none_or(is_so), "round {}: {id} {:?}", self.number, self.stands[id]);
        listed.is_some()
    }

    /// Whether the renamed account's own invite was made after its rename.
    fn made_after(&self) -> bool {
        made_under(&fact(&self.verdicts["from"]), "globex") == self.new_address
    }

    fn check(&self) {
        let (number, towards, from) = (self.number, self.towards(), self.from());
        match &self.verdicts["towards"] {
            HandlerResult::NotYet { reason: Reason::UnknownAccount, .. } => {
                assert_eq!(self.stands.get(&towards), None);
            }
            made => {
                assert_eq!(made_under(&fact(made), "globex"), self.old_address);
                assert_eq!(
                    (self.ended(&towards), &self.stands[&towards]),
                    (true, &renamed(2)),
                    "round {number}"
                );
            }
        }
        let expected = if self.made_after() { (Pending, 1, None) } else { renamed(2) };
        assert_eq!(
            (self.ended(&from), &self.stands[&from]),
            (!self.made_after(), &expected),
            "round {number}"
        );
        if let Some(earlier) = self.earlier.map(agreement) {
            let accepted = matches!(&self.verdicts["accept"],
                HandlerResult::Decided(sent) if sent[0].message_type() == Fact::NAME);
            let expected = renamed(if accepted { 3 } else { 2 });
            assert_eq!(
                (self.ended(&earlier), &self.stands[&earlier]),
                (true, &expected),
                "round {number}"
            );
        }
        let live =
            self.stands.iter().filter(|(_, (status, ..))| matches!(status, Pending | Accepted));
        let live: Vec<_> = live.map(|(id, _)| id.clone()).collect();
        assert_eq!(live, if self.made_after() { vec![from] } else { Vec::new() }, "round {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_17_nothing_that_races_with_a_rename_slips_through() {
    let (world, pool) = with_accounts("agreement-rename-race", &["acme", "globex"]).await;
    let mut earlier = None;
    for number in 0..ROUNDS {
        let round = Round::run(&pool, number, earlier).await;
        round.check();
        earlier = round.made_after().then_some(2 * number + 1);
    }
    world.remove().await;
}

/// Lets `second` wait for `first`, which is decided and not committed; what each came to.
async fn one_behind_the_other(
    pool: &PgPool,
    first: &[ReceivedMessage<Inbound>],
    second: &[ReceivedMessage<Inbound>],
) -> (HandlerResult, HandlerResult) {
    let mut transaction = pool.begin().await.expect("a transaction");
    let mut before =
        decide(&AgreementService::new(10_000), &mut transaction, first).await.expect("a decision");
    let release = async {
        until("a decision that waits for another", PATIENCE, async || {
            let query = "select count(*) from pg_stat_activity where usename = current_user and \
                wait_event_type = 'Lock'";
            let waiting: i64 = sqlx::query_scalar(query)
                .fetch_one(pool)
                .await
                .map_err(|error| error.to_string())?;
            if waiting == 1 { Ok(()) } else { Err(format!("{waiting}")) }
        })
        .await;
        transaction.commit().await.expect("it commits");
    };
    let ((), mut after) = tokio::join!(release, alone(pool, second));
    (before.remove(0), after.remove(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn r_17_of_an_invite_and_a_rename_the_later_one_meets_the_earlier_one() {
    let (world, pool) = with_accounts("agreement-rename-order", &["acme", "globex"]).await;
    let (_, rename) =
        one_behind_the_other(&pool, &invited("acme", 1, "globex"), &renaming("globex", "globex-1"))
            .await;
    assert_eq!(fact(&rename).change.agreements().len(), 1);
    let (_, invite) = one_behind_the_other(
        &pool,
        &renaming("globex", "globex-2"),
        &invited("acme", 2, "globex-1"),
    )
    .await;
    assert!(
        matches!(
            invite,
            HandlerResult::NotYet {
                reason: Reason::UnknownAccount,
                patience: Patience::Moment,
                otherwise: Otherwise::Decided(_)
            }
        ),
        "{invite:?}"
    );
    let (_, rename) =
        one_behind_the_other(&pool, &invited("globex", 3, "acme"), &renaming("globex", "globex-3"))
            .await;
    assert_eq!(fact(&rename).change.agreements().len(), 1);
    let (_, invite) =
        one_behind_the_other(&pool, &renaming("globex", "globex-4"), &invited("globex", 4, "acme"))
            .await;
    assert_eq!(made_under(&fact(&invite), "globex"), "globex-4");
    // Two partners that are renamed at the same moment: one of them ends what they had, once.
    alone(&pool, &[command("acme", Inbound::Accept(accept(4)))]).await;
    let (ours, theirs) =
        one_behind_the_other(&pool, &renaming("globex", "globex-5"), &renaming("acme", "acme-1"))
            .await;
    assert_eq!(
        (fact(&ours).change.agreements().len(), fact(&theirs).change.agreements().len()),
        (1, 0)
    );
    let expected =
        [(agreement(1), renamed(2)), (agreement(3), renamed(2)), (agreement(4), renamed(3))];
    assert_eq!(stored(&pool).await, BTreeMap::from(expected));
    world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_given_up_in_a_batch_is_its_own_accounts_alone() {
    let (world, pool) = with_accounts("agreement-released", &["acme", "globex"]).await;
    let batch = [
        renaming("acme", "acme-1"),
        renaming("globex", "acme"),
        renaming("acme", "acme"),
        vec![command("operator", Inbound::Register(Box::new(register("acme-1"))))],
        invited("globex", 1, "acme"),
    ];
    alone(&pool, &batch.into_iter().flatten().collect::<Vec<_>>()).await;
    let query = "select name, address from account order by name";
    let addresses: Vec<(String, String)> =
        sqlx::query_as(query).fetch_all(&pool).await.expect("rows");
    let expected = [("acme", "acme"), ("globex", "globex")];
    assert_eq!(addresses, expected.map(|(name, address)| (name.to_owned(), address.to_owned())));
    let receiver: String =
        sqlx::query_scalar("select receiver from agreement").fetch_one(&pool).await.expect("a row");
    assert_eq!(receiver, "acme");
    world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_what_is_stored_and_what_its_own_batch_changed() {
    let (world, pool) = with_accounts("agreement-list-batch", &["acme", "globex"]).await;
    for number in [2, 4, 6] {
        alone(&pool, &invited("acme", number, "globex")).await;
    }
    let list = |account: &str, limit: u32, cursor: Option<usize>| {
        command(
            account,
            Inbound::List(page(limit, cursor.map(|number| agreement(number).to_string()))),
        )
    };
    let mut batch: Vec<_> =
        invited("globex", 3, "acme").into_iter().chain(invited("acme", 5, "globex")).collect();
    batch.extend([
        command("globex", Inbound::Accept(accept(4))),
        command("acme", Inbound::Deactivate(deactivate(6))),
    ]);
    batch.extend([
        list("acme", 3, None),
        list("acme", 3, Some(4)),
        list("globex", 200, Some(2)),
        list("acme", 2, Some(6)),
    ]);
    let verdicts = alone(&pool, &batch).await;
    let seen = |verdict: &HandlerResult| {
        let (states, receipt) = shown(verdict);
        let states: Vec<_> =
            states.into_iter().map(|state| (state.agreement_id, state.status)).collect();
        (states, receipt.next_cursor)
    };
    let numbered = |stand: &[(usize, AgreementStatus)]| {
        stand.iter().map(|(number, status)| (agreement(*number), *status)).collect()
    };
    let after = |number: usize| Some(agreement(number).to_string());
    assert_eq!(
        seen(&verdicts[4]),
        (numbered(&[(2, Pending), (3, Pending), (4, Accepted)]), after(4))
    );
    assert_eq!(seen(&verdicts[5]), (numbered(&[(5, Pending), (6, Inactive)]), None));
    assert_eq!(
        seen(&verdicts[6]),
        (numbered(&[(3, Pending), (4, Accepted), (5, Pending), (6, Inactive)]), None)
    );
    assert_eq!(seen(&verdicts[7]), (Vec::new(), None));
    world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_ends_thousands_of_agreements_or_none() {
    let (world, pool) = with_accounts("agreement-rename-many", &["acme", "globex"]).await;
    let live = r#"insert into agreement
           (agreement_id, version, sender, receiver, terms, status, by, at)
         select lpad(number::text, 40, '0'), 1, 'acme', 'globex',
           '{ "comments": "private_only", "tags": false, "custom_fields": false }', 'pending',
           '{ "side": "sender", "name": "Agent Ada" }', now()
         from generate_series(1, 5000) as number"#;
    sqlx::query(live).execute(&pool).await.expect("rows");
    let verdict = alone(&pool, &renaming("globex", "globex-1")).await.remove(0);
    let receipt: Receipt = serde_json::from_str(outputs(&verdict)[0].body()).expect("a receipt");
    assert_eq!(receipt.reason, Some(Reason::LimitExceeded), "{receipt:?}");
    assert!(stored(&pool).await.values().all(|stands| *stands == (Pending, 1, None)));

    let fewer = "delete from agreement where agreement_id > lpad('1500', 40, '0')";
    sqlx::query(fewer).execute(&pool).await.expect("rows");
    let verdict = alone(&pool, &renaming("globex", "globex-1")).await.remove(0);
    let fact = fact(&verdict);
    assert_eq!(
        (fact.change.agreements().len(), fact.deliveries.len(), fact.notices.len()),
        (1500, 3000, 1500)
    );
    assert!(stored(&pool).await.values().all(|stands| *stands == renamed(2)));
    world.remove().await;
}
