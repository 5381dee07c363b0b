//! Migrations on a table with rows, while an older release is at work.

use contracts::topology::Service;
use local::TestEnvironment;
use testkit::desk::PATIENCE;
use testkit::until;

/// More than three parts of a megabyte, at a kilobyte each.
const COMMENTS: i64 = 4_000;

/// 40 hex digits in upper case, in the order of the number.
const INSERT: &str = "insert into comment (chain, id, account, content, arrived_at, place, copies)
    select 'chain-' || number, id, 'acme', jsonb_build_object('id', id, 'body', repeat('-', 1000)),
      now(), number, array['acme/1']
    from generate_series(0, $1 - 1) as number, upper(lpad(to_hex(number), 40, 'a')) as id";

#[tokio::test(flavor = "multi_thread")]
async fn ids_follow_in_one_spelling_part_by_part_beside_an_older_release() {
    let world = TestEnvironment::new("comments-spelling").await;
    let mut before = comment_sync::migrations();
    before.retain(|migration| migration.version < 1019);
    let pool = world.pool(Service::CommentSync, before).await;
    sqlx::query(INSERT).bind(COMMENTS).execute(&pool).await.expect("rows");
    let mut older = pool.begin().await.expect("a transaction");
    sqlx::query("select from comment where place = $1 for update")
        .bind(COMMENTS - 1)
        .execute(&mut *older)
        .await
        .expect("the last of them is being decided");

    let elsewhere = async {
        let left = "select count(*) from comment where id ~ '[A-F]'";
        until("the first parts", PATIENCE, async || {
            let left: i64 = sqlx::query_scalar(left).fetch_one(&pool).await.expect("a count");
            if left < COMMENTS / 2 { Ok(()) } else { Err(format!("{left} are left")) }
        })
        .await;
        let mut other = pool.begin().await.expect("a transaction");
        sqlx::raw_sql("set local lock_timeout = '200ms'").execute(&mut *other).await.expect("set");
        sqlx::query("update comment set copies = copies where place = 0")
            .execute(&mut *other)
            .await
            .expect("nobody waits for what is done");
        other.commit().await.expect("it commits");
        older.commit().await.expect("it commits");
    };
    tokio::join!(world.pool(Service::CommentSync, comment_sync::migrations()), elsewhere);

    let wrong = "select count(*) from comment where id <> lower(id) or content ->> 'id' <> id";
    let wrong: i64 = sqlx::query_scalar(wrong).fetch_one(&pool).await.expect("a count");
    assert_eq!(wrong, 0);
    world.remove().await;
}
