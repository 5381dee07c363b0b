//! `trace`: what the gateway was told, and how it called webhooks for it.

use bootstrap::Question;
use desk::Session;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use timeline::Trail;

use crate::edge::Gateway;
use crate::store::webhook::traced;

/// Answers a question with the calls of the webhooks whose accounts were told something of it.
pub fn trailing<'a>(
    connection: &'a mut PgConnection,
    question: &'a Question,
    outputs: bool,
) -> BoxFuture<'a, sqlx::Result<Trail>> {
    async move {
        let mut trail =
            bootstrap::trailing::<Session<Gateway>>(connection, question, outputs).await?;
        let told = trail.decided.iter().filter_map(|decided| decided.account.clone());
        let accounts: Vec<String> = told.collect();
        trail.calls = traced::calls(connection, &accounts, &trail.names).await?;
        Ok(trail)
    }
    .boxed()
}
