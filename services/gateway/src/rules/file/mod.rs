//! Files that accounts upload and give away as links.

pub mod capability;
pub mod header;
pub mod link;
pub mod name;
pub mod quota;
pub mod range;
