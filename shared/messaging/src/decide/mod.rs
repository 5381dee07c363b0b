//! One batch from admission to commit.

pub(crate) mod journal;
pub(crate) mod ladder;
pub(crate) mod parking;
pub(crate) mod plan;
pub(crate) mod step;
pub(crate) mod suspects;
