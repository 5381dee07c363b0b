//! Two replicas that follow the log of one account.

use std::sync::{Arc, Barrier};

use contracts::AccountName;
use contracts::delivery::DeliveryBody;
use desk::log::follow::{self, Follower};
use sqlx::PgConnection;
use testkit::desk::PATIENCE;
use testkit::until;
use tokio_util::sync::CancellationToken;

use crate::harness::{ACME, DeskHarness};
use crate::session::{SHARE, created, updated};

/// The entry that nobody can take.
const WRONG: i64 = 2;

/// Both replicas have failed at that entry before either goes on.
static BOTH_FAILED: Barrier = Barrier::new(2);

struct Takes;

impl Follower for Takes {
    type Error = sqlx::Error;
    const BATCH: i64 = 10;

    async fn take(
        &self,
        connection: &mut PgConnection,
        _account: &AccountName,
        _told: &DeliveryBody,
        position: i64,
    ) -> sqlx::Result<()> {
        if position == WRONG {
            return Err(sqlx::Error::Decode("no row takes it".into()));
        }
        sqlx::query("insert into taken values ($1)")
            .bind(position)
            .execute(connection)
            .await
            .map(drop)
    }

    fn is_lasting(_error: &sqlx::Error) -> bool {
        tokio::task::block_in_place(|| BOTH_FAILED.wait());
        true
    }
}

const TABLES: [&str; 3] = [
    "create table follow (account text primary key, position bigint not null default 0)",
    "create table follow_failed (account text not null, position bigint not null,
         cause text not null, primary key (account, position))",
    "create table taken (position bigint primary key)",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_the_entry_that_failed_is_left_out() {
    let mut harness = DeskHarness::set("desk-follow").await;
    for table in TABLES {
        sqlx::query(table).execute(&harness.pool).await.expect("a table");
    }
    harness.start_session();
    harness.tell(ACME, "ticket.created.v1", "d1", &created(SHARE, &["globex/1"], 1)).await;
    for (id, status) in [("d2", "pending"), ("d3", "solved")] {
        let change = serde_json::json!({ "status": status, "revision": 2 });
        harness.tell(ACME, "ticket.updated.v1", id, &updated(SHARE, &change)).await;
    }
    // A command that went out again after a recovery, and was known: what it came to stands.
    for (id, reason) in [("d4", "already_known"), ("d5", "message_id_reused")] {
        let receipt = serde_json::json!({ "command_id": "k1", "command_type": "ticket.share.v1",
            "outcome": "rejected", "reason": reason, "decisions": [] });
        harness.tell(ACME, "command.receipt.v1", id, &receipt).await;
    }
    harness.logged(ACME, 5).await;

    let stop = CancellationToken::new();
    let following = [(), ()].map(|()| {
        let new_command = Arc::clone(&harness.new_command);
        tokio::spawn(follow::run(Takes, harness.pool.clone(), new_command, stop.clone()))
    });
    let position = "select position from follow where account = $1";
    until("all is followed", PATIENCE, async || {
        let row: Option<i64> = sqlx::query_scalar(position)
            .bind(ACME)
            .fetch_optional(&harness.pool)
            .await
            .expect("the database answers");
        if row == Some(5) { Ok(()) } else { Err(format!("{row:?}")) }
    })
    .await;
    stop.cancel();
    for replica in following {
        replica.await.expect("no panic").expect("it ends");
    }
    for (query, expected) in [
        ("select position from taken order by position", vec![1, 3]),
        ("select position from follow_failed", vec![WRONG]),
    ] {
        let got: Vec<i64> =
            sqlx::query_scalar(query).fetch_all(&harness.pool).await.expect("an answer");
        assert_eq!(got, expected, "{query}");
    }
    harness.remove().await;
}
