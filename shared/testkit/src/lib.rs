#![doc = include_str!("../README.md")]

pub mod desk;
pub mod duties;
mod inbox;
pub mod model;
pub mod wait;
pub mod world;

pub use desk::Desk;
pub use duties::Duties;
pub use inbox::Delivered;
pub use model::Model;
pub use wait::until;
pub use world::TestEnvironment;
