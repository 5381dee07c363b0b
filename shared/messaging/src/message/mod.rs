//! What a message is on its way: read, understood, and about to be sent.

pub(crate) mod about;
pub(crate) mod content;
pub(crate) mod envelope;
pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod members;
pub(crate) mod origin;
pub(crate) mod outgoing;
pub(crate) mod output;
pub(crate) mod trace_context;
