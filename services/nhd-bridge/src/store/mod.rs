//! Rows of the bridge.

pub mod agreement;
pub mod call;
pub mod comment;
pub mod health;
pub mod partner;
pub mod shared;
pub mod traced;
