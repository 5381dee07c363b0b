//! The help desk on a real broker and database, through its own pages.

mod agents;
mod askers;
mod files;
mod harness;
mod identity;
mod people;
mod received;
mod rules;
mod settings;
mod sharing;
mod sharing_pages;
mod statements;
mod statuses;
mod tenants;
mod texts;
mod turns;
mod views;
