//! Whether a message is let in, and who hears why not.

pub(crate) mod admission;
pub(crate) mod encoding;
