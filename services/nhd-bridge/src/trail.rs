//! `trace`: what the bridge was told, and how it called partners for it.

use bootstrap::Question;
use desk::Session;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use timeline::Trail;

use crate::edge::NhdBridge;
use crate::store::traced;

/// Answers a question with the calls of the shares and agreements that it is about.
pub fn trailing<'a>(
    connection: &'a mut PgConnection,
    question: &'a Question,
    outputs: bool,
) -> BoxFuture<'a, sqlx::Result<Trail>> {
    async move {
        let mut trail =
            bootstrap::trailing::<Session<NhdBridge>>(connection, question, outputs).await?;
        trail.calls = traced::calls(connection, &trail.names).await?;
        Ok(trail)
    }
    .boxed()
}
