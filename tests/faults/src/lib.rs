#![doc = include_str!("../README.md")]

pub mod check;
pub mod endurance;
pub mod fault;
pub mod isolation;
pub mod proxy;
pub mod report;
pub mod runner;
pub mod schedule;
pub mod site;
pub mod traffic;
pub mod upgrade;
