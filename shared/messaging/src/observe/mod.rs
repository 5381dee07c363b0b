//! What is seen from outside: spans, counters, gauges.

pub(crate) mod gauges;
pub(crate) mod measure;
pub(crate) mod span;
pub(crate) mod watched;
