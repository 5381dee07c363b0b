//! What the bridge decides, as functions of values.

pub mod agreement;
pub mod answer;
pub mod called;
pub mod change;
pub mod failure;
pub mod id;
pub mod incoming;
pub mod outgoing;
pub mod place;
pub mod time;
pub mod token;
pub mod wire;
