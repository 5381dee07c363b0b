#![doc = include_str!("../README.md")]

pub mod desk;
pub mod duties;
pub mod model;
pub mod wait;
pub mod world;

pub use desk::{Delivered, Desk};
pub use duties::Duties;
pub use model::Model;
pub use wait::until;
pub use world::World;
