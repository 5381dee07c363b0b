//! Generated files are current, and the table of flows is complete.

mod flows;
mod generated;
