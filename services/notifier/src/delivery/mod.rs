//! From a row to the mail server, outside of any transaction: claim what is due, hand it over,
//! record what came of it.

mod mail;
mod mailer;
mod templates;

#[cfg(test)]
#[path = "../../../../shared/mail/src/responder.rs"]
mod responder;

pub use self::mail::{ComposeError, compose};
pub use self::mailer::Mailer;
pub use self::templates::{Templates, Text};
