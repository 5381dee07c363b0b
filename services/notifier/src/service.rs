//! Load, decide, apply, save: a notice becomes rows, and the mail loop sends them.

use std::collections::BTreeMap;

use contracts::{sync, topology};
use messaging::{
    Aged, Content, Correlation, DecideError, DecodeError, HandlerResult, ReceivedMessage, Service,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::inbound::Inbound;
use crate::rules;
use crate::rules::notice::Mail;
use crate::store;

/// The service that tells admins and CCs by e-mail. It sends nothing through the broker.
#[derive(Clone, Copy, Debug)]
pub struct Notifier;

impl Service for Notifier {
    type Inbound = Inbound;
    /// Mails of the batch, each once.
    type State = BTreeMap<Uuid, Mail>;
    type Decision = Vec<Mail>;

    const SERVICE: topology::Service = topology::Service::Notifier;

    /// They hold addresses of persons. A day longer than the journal keeps the key of their message
    /// at least.
    const AGED: &'static [Aged] =
        &[Aged { table: "notice", since: "created_at", condition: "state <> 'pending'", days: 31 }];

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Inbound, DecodeError> {
        Inbound::read(message_type, content)
    }

    fn about(message: &Inbound) -> Correlation {
        let Inbound::Notice(notice) = message;
        match &notice.about {
            sync::About::Agreement(told) => Correlation::agreement(&told.agreement_id),
            sync::About::Comment(told) => {
                Correlation::ticket(&notice.account, told.ticket_id.as_str())
            }
        }
    }

    /// Whether a mail is known already is looked up when it is saved: nothing else depends on it.
    async fn load(
        &self,
        _: &mut PgConnection,
        _: &[&ReceivedMessage<Inbound>],
    ) -> Result<BTreeMap<Uuid, Mail>, DecideError> {
        Ok(BTreeMap::new())
    }

    fn decide(&self, _: &BTreeMap<Uuid, Mail>, received: &ReceivedMessage<Inbound>) -> Vec<Mail> {
        let Inbound::Notice(notice) = &received.message;
        rules::notice::decide(&received.message_id, notice, received.received_at)
    }

    fn apply(
        &self,
        mails: &mut BTreeMap<Uuid, Mail>,
        _: &ReceivedMessage<Inbound>,
        decided: Vec<Mail>,
    ) -> HandlerResult {
        for mail in decided {
            mails.entry(mail.id).or_insert(mail);
        }
        HandlerResult::Decided(Vec::new())
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        mails: BTreeMap<Uuid, Mail>,
    ) -> Result<(), DecideError> {
        let ids: Vec<Uuid> = mails.keys().copied().collect();
        let known = store::notice::known(&mut *connection, &ids).await?;
        let new: Vec<Mail> = mails.into_values().filter(|mail| !known.contains(&mail.id)).collect();
        if !new.is_empty() {
            store::notice::insert(connection, &new).await?;
        }
        Ok(())
    }
}
