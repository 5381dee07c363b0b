#![doc = include_str!("../README.md")]

pub mod desk;
mod inbox;
pub mod locks;
mod neighbours;
mod publishing;
mod queue;
mod replicas;
pub mod wait;

pub use ::desk::{Duties, Model, duties, model};
pub use desk::Desk;
pub use inbox::Delivered;
pub use neighbours::{NextServices, PassedOn, ServiceBefore};
pub use queue::read_queue;
pub use replicas::Replicas;
pub use wait::until;
