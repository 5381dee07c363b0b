//! Rows ↔ values, one file per table or group of them. Whoever asks names the account.

pub mod asked;
pub mod attachment;
pub mod audit;
pub mod automation;
pub mod cc;
pub mod comment;
pub mod custom_status;
pub mod desk_address;
pub mod event;
pub mod field;
pub mod group;
pub mod known_person;
pub mod mail;
pub mod organisation;
pub mod own_field;
pub mod person;
pub mod rule;
pub mod search;
pub mod setting;
pub mod sharing;
pub mod ticket;
pub mod view;
