//! What the pages say of agreements, shares and commands: functions of values.

pub mod doctor;
pub mod group;
pub mod health;
pub mod look_alike;
pub mod rehearsal;
pub mod story;
pub mod terms;
pub mod withheld;
