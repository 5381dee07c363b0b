//! The session and the outbox on a real broker and database.

mod follow;
mod harness;
mod held;
mod outbox;
mod session;
