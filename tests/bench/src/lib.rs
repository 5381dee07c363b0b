#![doc = include_str!("../README.md")]

pub mod board;
pub mod contestant;
pub mod cpu;
pub mod forwarder;
pub mod load;
pub mod peers;
pub mod population;
pub mod reader;
pub mod report;
pub mod site;
pub mod turn;
pub mod work;

/// The scenario in which everybody takes part.
pub const FULL: &str = "full speed";
