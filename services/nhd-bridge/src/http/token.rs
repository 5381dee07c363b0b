//! Who asks: whoever holds the key of the agreement that the token names, and of it alone.

use axum::http::HeaderMap;
use sqlx::PgConnection;

use super::{Bridge, RequestFault};
use crate::rules::answer::{Refusal, Why};
use crate::rules::place::Place;
use crate::rules::token::{NhdToken, is_same};
use crate::store::agreement::{self, AgreementRow};

/// The token's header.
const TOKEN: &str = "x-ticket-sharing-token";
/// Sent by those that follow the protocol's text, and not by Zendesk.
pub(super) const VERSION: &str = "x-ticket-sharing-version";

impl Bridge {
    /// The agreement that the token opens.
    pub(super) async fn opened(
        &self,
        connection: &mut PgConnection,
        place: &Place,
        headers: &HeaderMap,
    ) -> Result<AgreementRow, RequestFault> {
        let Some(given) = headers.get(TOKEN).and_then(|value| value.to_str().ok()) else {
            let detail = "send X-Ticket-Sharing-Token: <agreement's uuid>:<access key>";
            return Err(Refusal::new(Why::NoToken, detail).into());
        };
        let token = NhdToken::read(given)
            .ok_or_else(|| Refusal::content("the token is not <agreement's uuid>:<access key>"))?;
        // One sentence for all: who guesses learns nothing.
        let closed = || Refusal::forbidden("the token opens no agreement of this address");
        let found = agreement::at(connection, &place.address, token.agreement.as_str()).await?;
        let row = found.ok_or_else(closed)?;
        let key = self.keys.open(&row.id, &row.sealed_key)?;
        if is_same(&key, &token.key) { Ok(row) } else { Err(closed().into()) }
    }
}

/// Whether a comment is public that does not say so.
pub(super) fn public_by_default(headers: &HeaderMap) -> bool {
    !headers.contains_key(VERSION)
}
