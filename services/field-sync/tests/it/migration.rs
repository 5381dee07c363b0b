//! Migrations on tables with rows, while an older release is at work.

use contracts::topology::Service;
use local::TestEnvironment;
use testkit::desk::PATIENCE;
use testkit::until;

#[tokio::test(flavor = "multi_thread")]
async fn the_foreign_key_goes_beside_an_older_release_that_writes_a_field() {
    let world = TestEnvironment::new("fields-key").await;
    let mut before = field_sync::migrations();
    before.retain(|migration| migration.version < 1002);
    let pool = world.pool(Service::FieldSync, before).await;
    sqlx::raw_sql("insert into chain (id) values ('chain-1')").execute(&pool).await.unwrap();
    let mut older = pool.begin().await.unwrap();
    sqlx::raw_sql("select from chain where id = 'chain-1' for update")
        .execute(&mut *older)
        .await
        .unwrap();

    let writes = async {
        let waiting = "select count(*) from pg_locks join pg_class on pg_class.oid = relation
            where not granted and relnamespace = current_schema()::regnamespace";
        until("the migration waits", PATIENCE, async || {
            let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&pool).await.unwrap();
            if waiting > 0 { Ok(()) } else { Err("it waits for nothing".to_owned()) }
        })
        .await;
        sqlx::raw_sql(
            "insert into field (chain, copy, field, state) \
             values ('chain-1', 'acme/1', 'status', '{}')",
        )
        .execute(&mut *older)
        .await
        .expect("who decides a chain waits for no migration");
        older.commit().await.unwrap();
    };
    tokio::join!(world.pool(Service::FieldSync, field_sync::migrations()), writes);

    let fields: i64 =
        sqlx::query_scalar("select count(*) from field").fetch_one(&pool).await.unwrap();
    assert_eq!(fields, 1);
    world.remove().await;
}
