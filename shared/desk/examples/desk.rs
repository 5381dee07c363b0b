//! A whole desk for the account `acme`, in Rust on the kit: correct, durable, in any number of
//! replicas. Everything it was told and asked for lies in PostgreSQL; what shows tickets to people
//! reads them with `desk::store::read` and changes them with `desk::outbox::accept`, as `door.rs`
//! does.
//!
//! `cargo run -p desk --example desk -- amqp://acme:…@host/deskmesh postgres://…`

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use contracts::topology::Service;
use desk::store::account::{KeptAccount, keep};
use desk::{Edge, Session, outbox};
use messaging::{CommandSender, Health, RedeliverySettings, Retention, RuntimeSettings};
use sqlx::{PgPool, migrate::Migrator};
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(20);
const TEN_MINUTES: Duration = Duration::from_mins(10);

struct Acme;

impl Edge for Acme {
    const SERVICE: Service = Service::Desk("acme");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut urls = std::env::args().skip(1);
    let (Some(broker), Some(database)) = (urls.next(), urls.next()) else {
        return Err("give the addresses of the broker and of the database".into());
    };
    let pool = PgPool::connect(&database).await?;
    let tables: Vec<_> = messaging::migrations().into_iter().chain(desk::migrations()).collect();
    Migrator { migrations: tables.into(), ..Migrator::DEFAULT }.run(&pool).await?;
    let name = || Acme::SERVICE.name().to_owned();
    let own = KeptAccount { account: name(), address: name(), display_name: name() };
    keep(&pool, &own).await?;

    // What is asked for is sent until its receipt is there; what is told is taken in, then acked.
    let stop = CancellationToken::new();
    let sender = CommandSender::new(Acme::SERVICE, broker.clone().into(), LIMIT);
    let sending = outbox::OutboxSettings { again_after: TEN_MINUTES, answer_timeout: LIMIT };
    let sent = outbox::run(pool.clone(), sender, sending, Arc::default(), stop.clone());
    let reading = RuntimeSettings {
        broker_url: broker.into(),
        slots: 2,
        batch_size: 50,
        confirm_timeout: LIMIT,
        answer_timeout: LIMIT,
        journal_days: 30,
        events: false,
        undelivered: RedeliverySettings::default(),
        retention: Retention::default(),
    };
    let (session, health) = (Arc::new(Session::<Acme>::default()), Health::new());
    let told = messaging::run(session, reading, pool, health, stop.clone());
    tokio::spawn(async move { tokio::signal::ctrl_c().await.map(|()| stop.cancel()) });
    let (sent, told) = tokio::join!(sent, told);
    sent?;
    Ok(told?)
}
