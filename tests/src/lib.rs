#![doc = include_str!("../README.md")]

pub mod party;
pub mod python_desk;
pub mod stage;
pub mod story;
pub mod timeline;
