//! Partners among themselves.

mod misbehaviour;
mod pairs;
mod vectors;
