//! The service behind the tally: counts what it hears, in a schema of its own.

use contracts::{Message, topology};
use messaging::{
    About, Content, DecideError, DecodeError, HandlerResult, Received, Service, decode,
};
use sqlx::PgConnection;

use crate::tally::Counted;

#[derive(Debug, Default)]
pub struct Next;

impl Service for Next {
    type Inbound = Counted;
    const SERVICE: topology::Service = topology::Service::CommentSync;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Counted, DecodeError> {
        match message_type {
            Counted::NAME => decode(content),
            other => Err(DecodeError::UnknownType(other.to_owned())),
        }
    }

    fn about(_: &Counted) -> About {
        About::default()
    }

    async fn decide(
        &self,
        connection: &mut PgConnection,
        batch: &[&Received<Counted>],
    ) -> Result<Vec<HandlerResult>, DecideError> {
        for received in batch {
            sqlx::query(
                "insert into heard (what, times) values ($1, 1) on conflict (what) do update set \
                 times = heard.times + 1",
            )
            .bind(&received.message.what)
            .execute(&mut *connection)
            .await?;
        }
        Ok(batch.iter().map(|_| HandlerResult::Decided(Vec::new())).collect())
    }
}
