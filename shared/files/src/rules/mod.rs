//! What names, links and headers of files mean, as functions of values.

pub mod capability;
pub mod fetch;
pub mod foreign;
pub mod header;
pub mod link;
pub mod name;
pub mod quota;
pub mod range;
