//! The help desk on a real broker and database, through its own pages.

mod agents;
mod harness;
mod received;
mod rules;
mod settings;
mod sharing;
mod sharing_pages;
mod tenants;
mod texts;
mod views;
