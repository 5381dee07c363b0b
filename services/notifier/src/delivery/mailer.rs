//! One mail, from what is stored to what the mail server says.

use contracts::sync::Notice;
use mail::{Connection, Mailbox, Outage, Server, TryOutcome};
use serde::Deserialize;

use super::{Templates, compose};
use crate::store::due::Due;

/// Whatever a mail is made and sent with.
#[derive(Debug)]
pub struct Mailer {
    /// Where mails go.
    pub server: Server,
    /// What they say.
    pub templates: Templates,
    /// Who they are from.
    pub from: Mailbox,
}

impl Mailer {
    /// Hands one mail over, through the connection that is open or a new one. Leaves a connection
    /// open only after a mail that was taken.
    ///
    /// # Errors
    /// When no other mail would fare better.
    pub async fn hand_over(
        &self,
        open: &mut Option<Connection>,
        due: &Due,
    ) -> Result<TryOutcome, Outage> {
        let notice = match Notice::deserialize(&due.notice) {
            Ok(notice) => notice,
            Err(error) => {
                return Ok(TryOutcome::Permanent(format!(
                    "the stored notice cannot be read: {error}"
                )));
            }
        };
        let mail = match compose(
            due.id,
            &due.recipient,
            &notice,
            due.created_at,
            &self.from,
            &self.templates,
        ) {
            Ok(mail) => mail,
            Err(error) => return Ok(TryOutcome::Permanent(error.to_string())),
        };
        self.server.hand_over(open, &mail).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contracts::Timestamp;
    use contracts::sync::AgreementEvent;
    use uuid::Uuid;

    use super::*;
    use mail::{MailOutcome, ServerAddress, Tries, next};

    use crate::delivery::responder::{Answers, Responder};
    use crate::rules::samples::to_admin;

    fn mailer(responder: &Responder) -> Mailer {
        let address = ServerAddress::read(&responder.url()).unwrap();
        let server = Server::new(address, Duration::from_secs(5));
        Mailer {
            server,
            templates: Templates::new().unwrap(),
            from: "Deskmesh <mesh@mesh.example>".parse().unwrap(),
        }
    }

    fn due(number: u128) -> Due {
        Due {
            message_id: "00000000-0000-0000-0000-000000000001".into(),
            id: Uuid::from_u128(number),
            recipient: "ada@acme.example".into(),
            notice: serde_json::to_value(to_admin(AgreementEvent::Deactivated)).unwrap(),
            attempts: 0,
            created_at: Timestamp::parse("2026-03-01T10:00:01Z").unwrap(),
        }
    }

    #[tokio::test]
    async fn r_76_a_mail_that_is_put_off_arrives_at_the_next_try_and_once() {
        let responder = Responder::start(Answers {
            data_end: vec!["451 try later", "250 taken"],
            ..Answers::default()
        })
        .await;
        let (mailer, mut due) = (mailer(&responder), due(1));
        let mut now = due.created_at;
        let mut open = None;
        loop {
            let outcome = mailer.hand_over(&mut open, &due).await.unwrap();
            match next(
                outcome,
                Tries { since: due.created_at, before: due.attempts, spread: 0 },
                now,
            ) {
                MailOutcome::Again { at, .. } if due.attempts == 0 => (now, due.attempts) = (at, 1),
                last => break assert_eq!(last, MailOutcome::Sent),
            }
        }
        let mails = responder.mails();
        assert_eq!((mails.len(), responder.sessions(), due.attempts), (1, 2, 1), "{mails:?}");
        assert!(
            mails[0].contains("Message-ID: <00000000-0000-0000-0000-000000000001@mesh.example>"),
            "{}",
            mails[0]
        );
    }

    #[tokio::test]
    async fn several_mails_go_over_one_connection() {
        let responder = Responder::start(Answers::default()).await;
        let (mailer, mut open) = (mailer(&responder), None);
        for number in 1..=3 {
            assert_eq!(mailer.hand_over(&mut open, &due(number)).await, Ok(TryOutcome::Accepted));
        }
        assert_eq!((responder.mails().len(), responder.sessions()), (3, 1));
    }

    #[tokio::test]
    async fn what_cannot_be_made_into_a_mail_fails_without_the_server() {
        let responder = Responder::start(Answers::default()).await;
        let unreadable = Due { notice: serde_json::json!({ "about": "the weather" }), ..due(1) };
        let nowhere = Due { recipient: "nobody".into(), ..due(2) };
        for mail in [unreadable, nowhere] {
            let outcome = mailer(&responder).hand_over(&mut None, &mail).await;
            assert!(matches!(outcome, Ok(TryOutcome::Permanent(_))), "{outcome:?}");
        }
        assert_eq!(responder.sessions(), 0);
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_an_outage() {
        let responder = Responder::start(Answers::default()).await;
        let mailer = mailer(&responder);
        drop(responder);
        let outcome = mailer.hand_over(&mut None, &due(1)).await;
        assert!(outcome.is_err(), "{outcome:?}");
    }
}
