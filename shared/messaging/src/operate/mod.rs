//! What a person does: look, replay, discard, ask what became of a message. No hot path uses it.

pub mod parked;
pub mod replay;
pub(crate) mod sending;
pub(crate) mod trail;
#[cfg(feature = "fuzzing")]
pub(crate) mod trial;
