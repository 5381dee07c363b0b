//! What the help desk decides, as functions of values: no clock, no database.

pub mod action;
pub mod condition;
pub mod conflict;
pub mod custom_status;
pub mod field;
pub mod history;
pub mod link;
pub mod mailing;
pub mod marks;
pub mod name;
pub mod overlay;
pub mod pace;
pub mod people;
pub mod pingpong;
pub mod publish;
pub mod sees;
pub mod sharing;
pub mod support_address;
pub mod ticket;
pub mod trigger;
