#![doc = include_str!("../README.md")]

mod address;
mod letter;
mod line;
mod mail_loop;
mod retry;
mod server;
mod setting;

#[cfg(test)]
mod responder;

pub use address::{AddressError, ServerAddress};
pub use letter::{Letter, LetterError, letter};
pub use lettre::Message as Mail;
pub use lettre::message::Mailbox;
pub use line::{is_unfit, one_line};
pub use mail_loop::{MailLoop, MailTable, QueuedMail};
pub use retry::{MailOutcome, Tries, TryOutcome, next};
pub use server::{Connection, Outage, Server};
pub use setting::{sender, server_url};
