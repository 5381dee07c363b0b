//! Commands of the edge's accounts, kept until their receipt. The row is what makes a repeat have
//! no further effect: its key is the command's `message_id`.

mod accept;
mod ask;
mod hold;
mod receipt;
mod request;
mod send;

pub use accept::{Accepted, accept, accept_within};
pub use ask::ask;
pub use hold::{FileOfComment, hold, release, replace_file};
pub use receipt::with_receipt;
pub use request::{Request, RequestError, entity_of};
pub use send::{OutboxSettings, run};
