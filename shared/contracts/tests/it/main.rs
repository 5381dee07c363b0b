//! Generated files are current, the table of flows is complete, and types, schemas and goldens say
//! the same.

mod document;
mod flows;
mod generated;
mod golden;
mod published;
