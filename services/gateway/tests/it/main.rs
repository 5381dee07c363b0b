//! The API on a real broker and database.

mod bad_input;
mod deliveries;
mod endpoint;
mod files;
mod harness;
mod tenants;
mod webhooks;
mod write;
