#![doc = include_str!("../README.md")]

pub mod desk;
pub mod model;
pub mod wait;
pub mod world;

pub use desk::{Delivered, Desk};
pub use model::Model;
pub use wait::until;
pub use world::World;
