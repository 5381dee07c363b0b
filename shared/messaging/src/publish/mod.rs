//! What is sent, and what waits because a queue did not take it.

pub(crate) mod binding;
pub(crate) mod desk_away;
pub(crate) mod event;
pub(crate) mod marked_accounts;
pub(crate) mod publisher;
pub(crate) mod redeliver;
pub(crate) mod undelivered;
