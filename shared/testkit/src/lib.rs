#![doc = include_str!("../README.md")]

pub mod desk;
pub mod duties;
mod inbox;
pub mod locks;
pub mod model;
mod neighbours;
mod queue;
mod replicas;
pub mod wait;

pub use desk::Desk;
pub use duties::Duties;
pub use inbox::Delivered;
pub use model::Model;
pub use neighbours::{NextServices, PassedOn, ServiceBefore};
pub use queue::read_queue;
pub use replicas::Replicas;
pub use wait::until;
