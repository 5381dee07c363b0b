//! What requests mean, as functions of values.

pub mod built;
pub mod problem;
pub mod route;
pub mod scope;
pub mod timeline;
pub mod token;
pub mod webhook;
