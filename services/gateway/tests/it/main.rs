//! The API on a real broker and database.

mod bad_input;
mod browser;
mod deliveries;
mod doctor;
mod endpoint;
mod export;
mod files;
mod harness;
mod identity;
mod provider;
mod sharing;
mod sign_in;
mod tenants;
mod third_parties;
mod webhooks;
mod write;
