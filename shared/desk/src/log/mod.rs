//! What an account was told, in order: read from a cursor on, waited for, and followed.

mod cursor;
pub mod follow;
mod heads;
mod read;

pub use cursor::{Cursor, CursorError};
pub use heads::{Heads, LogWaiter};
pub use read::{LogPage, Logged, ReadError, Seen, about, head, page};
