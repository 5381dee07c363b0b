//! The mail server: one connection, one mail after the other, and who is to blame when it fails.

use std::time::Duration;

use lettre::Message;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use tokio::time::timeout;

use crate::address::{Security, ServerAddress};
use crate::retry::TryOutcome;

/// How long a server may take to answer a goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// The mail server does not work for any mail. Says why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Outage(String);

impl Outage {
    fn of(doing: &str, error: &Error) -> Self {
        Self(format!("{doing}: {error}"))
    }
}

/// A mail server, and how long it may take.
#[derive(Clone, Debug)]
pub struct Server {
    address: ServerAddress,
    limit: Duration,
}

impl Server {
    /// Gives the server `limit` to be connected to, and then as long for each mail.
    #[must_use]
    pub fn new(address: ServerAddress, limit: Duration) -> Self {
        Self { address, limit }
    }

    /// How long one mail may take at most, the connection for it and its end included.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.limit * 2 + GOODBYE
    }

    /// Connects, with TLS and log-in as the address says.
    ///
    /// # Errors
    /// Whatever stands in the way: it stands in the way of every mail.
    pub async fn connect(&self) -> Result<Connection, Outage> {
        // lettre limits only the time of the TCP connection; a server that says nothing would be
        // waited for without end.
        match timeout(self.limit, self.greet()).await {
            Ok(Ok(smtp)) => Ok(Connection { smtp, limit: self.limit }),
            Ok(Err(error)) => Err(Outage::of("connecting to the mail server", &error)),
            Err(_) => Err(Outage("connecting to the mail server took too long".to_owned())),
        }
    }

    /// Hands one mail over, through the connection that is open or a new one. Leaves a connection
    /// open only after a mail that was taken.
    ///
    /// # Errors
    /// When no other mail would fare better.
    pub async fn hand_over(
        &self,
        open: &mut Option<Connection>,
        mail: &Message,
    ) -> Result<TryOutcome, Outage> {
        let mut connection = match open.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let outcome = connection.send(mail.envelope(), &mail.formatted()).await?;
        if outcome == TryOutcome::Accepted {
            *open = Some(connection);
        } else {
            connection.close().await;
        }
        Ok(outcome)
    }

    async fn greet(&self) -> Result<AsyncSmtpConnection, Error> {
        let ServerAddress { host, port, security, hello, credentials } = &self.address;
        let tls = match security {
            Security::Tls(parameters) => Some(parameters.clone()),
            Security::None | Security::StartTls(_) => None,
        };
        let mut smtp =
            AsyncSmtpConnection::connect_tokio1((host.as_str(), *port), None, hello, tls, None)
                .await?;
        if let Security::StartTls(parameters) = security {
            smtp.starttls(parameters.clone(), hello).await?;
        }
        if let Some(credentials) = credentials {
            smtp.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(smtp)
    }
}

/// A connection that is ready for a mail. After anything but [`TryOutcome::Accepted`] it has to be
/// given up.
pub struct Connection {
    smtp: AsyncSmtpConnection,
    limit: Duration,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Connection {
    /// Hands over one mail.
    ///
    /// # Errors
    /// When it is not about this mail: the connection broke, the server fell silent, or it does not
    /// take our sender.
    pub async fn send(&mut self, envelope: &Envelope, mail: &[u8]) -> Result<TryOutcome, Outage> {
        let limit = self.limit;
        // A future that is dropped half-way leaves the conversation half-way: nothing but closing
        // is possible afterwards.
        timeout(limit, self.converse(envelope, mail))
            .await
            .unwrap_or_else(|_| Err(Outage("the mail server took too long over a mail".to_owned())))
    }

    /// The commands one by one, where lettre's own `send` does not say which of them was refused.
    async fn converse(&mut self, envelope: &Envelope, mail: &[u8]) -> Result<TryOutcome, Outage> {
        let mut parameters = Vec::new();
        // Text and names are encoded; what is left are addresses.
        if !mail.is_ascii() {
            let takes = |extension| self.smtp.server_info().supports_feature(extension);
            if !takes(Extension::SmtpUtfEight) || !takes(Extension::EightBitMime) {
                return Ok(TryOutcome::Permanent(
                    "the mail server does not take addresses with letters beyond ASCII".to_owned(),
                ));
            }
            parameters = vec![
                MailParameter::SmtpUtfEight,
                MailParameter::Body(MailBodyParameter::EightBitMime),
            ];
        }
        let sender = Mail::new(envelope.from().cloned(), parameters);
        self.smtp
            .command(sender)
            .await
            .map_err(|error| Outage::of("the mail server refused the sender", &error))?;
        for recipient in envelope.to() {
            if let Err(error) = self.smtp.command(Rcpt::new(recipient.clone(), Vec::new())).await {
                return refused("the recipient was refused", &error);
            }
        }
        if let Err(error) = self.smtp.command(Data).await {
            return refused("the mail was refused", &error);
        }
        match self.smtp.message(mail).await {
            Ok(_) => Ok(TryOutcome::Accepted),
            Err(error) => refused("the mail was refused", &error),
        }
    }

    /// Says goodbye; it does not matter whether the server answers.
    pub async fn close(mut self) {
        drop(timeout(GOODBYE, self.smtp.abort()).await);
    }
}

/// Sorts an answer to something that is about this mail alone.
fn refused(doing: &str, error: &Error) -> Result<TryOutcome, Outage> {
    let reason = format!("{doing}: {error}");
    if error.is_permanent() {
        Ok(TryOutcome::Permanent(reason))
    } else if error.is_transient() {
        Ok(TryOutcome::Temporary(reason))
    } else {
        Err(Outage(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::responder::{Answers, Responder};

    fn server(responder: &Responder) -> Server {
        Server::new(ServerAddress::read(&responder.url()).unwrap(), Duration::from_millis(500))
    }

    fn envelope() -> Envelope {
        Envelope::new(
            Some("mesh@example.org".parse().unwrap()),
            vec!["ada@acme.example".parse().unwrap()],
        )
        .unwrap()
    }

    async fn send(responder: &Responder) -> Result<TryOutcome, Outage> {
        let mut connection = server(responder).connect().await?;
        let outcome = connection.send(&envelope(), b"Subject: x\r\n\r\n.dot\r\n").await;
        connection.close().await;
        outcome
    }

    #[tokio::test]
    async fn a_mail_that_is_taken_arrives_as_it_was() {
        let responder = Responder::start(Answers::default()).await;
        assert_eq!(send(&responder).await, Ok(TryOutcome::Accepted));
        assert_eq!(responder.mails(), ["Subject: x\r\n\r\n.dot\r\n\r\n"]);
    }

    #[tokio::test]
    async fn a_busy_server_is_tried_again_and_a_refusal_is_final() {
        let responder = Responder::start(Answers {
            data_end: vec!["451 try later", "250 taken"],
            ..Answers::default()
        })
        .await;
        assert!(matches!(send(&responder).await,
                Ok(TryOutcome::Temporary(reason)) if reason.contains("try later")));
        assert_eq!(send(&responder).await, Ok(TryOutcome::Accepted));

        let responder = Responder::start(Answers {
            rcpt: vec!["550 5.1.1 no such user"],
            ..Answers::default()
        })
        .await;
        assert!(matches!(
            send(&responder).await,
            Ok(TryOutcome::Permanent(reason)) if reason.contains("no such user")
        ));
    }

    #[tokio::test]
    async fn a_server_that_refuses_us_refuses_no_mail() {
        for answers in [
            Answers { greeting: vec!["554 go away"], ..Answers::default() },
            Answers { mail: vec!["550 sender not allowed"], ..Answers::default() },
            Answers { mail: vec!["530 log in first"], ..Answers::default() },
        ] {
            let responder = Responder::start(answers).await;
            let outcome = send(&responder).await;
            assert!(outcome.is_err(), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn several_mails_go_over_one_connection() {
        let responder = Responder::start(Answers::default()).await;
        let (server, mut open) = (server(&responder), None);
        let mail = Message::builder()
            .from("mesh@example.org".parse().unwrap())
            .to("ada@acme.example".parse().unwrap())
            .body("Hello.".to_owned())
            .unwrap();
        for _ in 0..3 {
            assert_eq!(server.hand_over(&mut open, &mail).await, Ok(TryOutcome::Accepted));
        }
        assert_eq!((responder.mails().len(), responder.sessions()), (3, 1));
    }

    #[tokio::test]
    async fn silence_ends_at_every_stage() {
        for answers in [
            Answers { greeting: vec![""], ..Answers::default() },
            Answers { rcpt: vec![""], ..Answers::default() },
            Answers { data_end: vec![""], ..Answers::default() },
        ] {
            let responder = Responder::start(answers).await;
            let outage = send(&responder).await.unwrap_err().to_string();
            assert!(outage.contains("took too long"), "{outage}");
        }
    }

    #[tokio::test]
    async fn no_starttls_no_mail() {
        let responder = Responder::start(Answers::default()).await;
        let address = ServerAddress::read(&format!("{}?tls=required", responder.url())).unwrap();
        assert!(Server::new(address, Duration::from_secs(5)).connect().await.is_err());
        assert_eq!(responder.mails(), Vec::<String>::new());
    }
}
