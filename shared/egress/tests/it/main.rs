//! Egress against servers that do what they must not.

mod addresses;
mod bounds;
mod calls;
mod certificates;
mod redirects;
mod server;
