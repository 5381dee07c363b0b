//! Rows ↔ values, one file per table or group of them. Whoever asks names the account.

pub mod audit;
pub mod automation;
pub mod comment;
pub mod event;
pub mod field;
pub mod group;
pub mod person;
pub mod rule;
pub mod search;
pub mod sharing;
pub mod ticket;
pub mod view;
