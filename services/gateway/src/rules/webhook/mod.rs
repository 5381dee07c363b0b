//! Webhooks: how a delivery is signed and written, what an answer means, and when it is tried
//! again.

mod answer;
mod body;
mod signature;

pub use answer::{Answer, History, Meaning, Next, OFF_AFTER, Off, next};
pub use body::{LARGEST_BYTES, WebhookDelivery, delivery_body, test_body};
pub use signature::{SigningSecret, signatures};
