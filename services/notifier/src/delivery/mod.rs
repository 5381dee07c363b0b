//! From a row to the mail server, outside of any transaction: claim what is due, hand it over,
//! record what came of it.

mod address;
mod mail;
mod mail_loop;
mod mailer;
mod server;
mod templates;

#[cfg(test)]
mod responder;

pub use self::address::{AddressError, ServerAddress};
pub use self::mail::{ComposeError, compose};
pub use self::mail_loop::MailLoop;
pub use self::mailer::Mailer;
pub use self::server::{Connection, Outage, Server};
pub use self::templates::{Templates, Text};
