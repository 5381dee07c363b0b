//! The service behind the tally: counts what it hears, in a schema of its own.

use contracts::{Message, topology};
use messaging::{
    Content, Correlation, DecideError, DecodeError, HandlerResult, ReceivedMessage, Service, decode,
};
use sqlx::PgConnection;

use crate::tally::Counted;

#[derive(Debug, Default)]
pub struct Next;

impl Service for Next {
    type Inbound = Counted;
    type State = Vec<String>;
    type Decision = String;
    const SERVICE: topology::Service = topology::Service::CommentSync;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Counted, DecodeError> {
        match message_type {
            Counted::NAME => decode(content),
            other => Err(DecodeError::UnknownType(other.to_owned())),
        }
    }

    fn about(_: &Counted) -> Correlation {
        Correlation::default()
    }

    async fn load(
        &self,
        _: &mut PgConnection,
        _: &[&ReceivedMessage<Counted>],
    ) -> Result<Vec<String>, DecideError> {
        Ok(Vec::new())
    }

    fn decide(&self, _: &Vec<String>, received: &ReceivedMessage<Counted>) -> String {
        received.message.what.clone()
    }

    fn apply(
        &self,
        heard: &mut Vec<String>,
        _: &ReceivedMessage<Counted>,
        what: String,
    ) -> HandlerResult {
        heard.push(what);
        HandlerResult::Decided(Vec::new())
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        heard: Vec<String>,
    ) -> Result<(), DecideError> {
        for what in heard {
            sqlx::query(
                "insert into heard (what, times) values ($1, 1) on conflict (what) do update set \
                 times = heard.times + 1",
            )
            .bind(what)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
