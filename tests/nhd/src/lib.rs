//! A help desk that speaks Networked Help Desk in the dialects of the protocol's three
//! implementations: a desk, a server, a client, and books of what it sent and was told.

pub mod books;
mod client;
pub mod desk;
pub mod dialect;
pub mod held;
mod listener;
pub mod misbehaviour;
mod partner;
pub mod server;
mod tls;

pub use books::{Books, CallSubject};
pub use client::Answer;
pub use desk::{NewTicket, PartnerCall, PartnerDesk};
pub use dialect::{Dialect, Habits, Verdict};
pub use misbehaviour::{Deed, Misbehaviour};
pub use partner::Partner;
pub use tls::Authority;
