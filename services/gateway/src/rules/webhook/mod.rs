//! Webhooks: how a delivery is signed and written, what an answer means, and when it is tried
//! again.

mod answer;
mod body;
mod signature;

pub use answer::{Answer, History, Meaning, Next, OFF_AFTER, Off, next};
pub use body::{Delivery, LARGEST_BYTES, delivery_body, test_body};
pub use signature::{Secret, signatures};
