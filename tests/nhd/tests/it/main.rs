//! Partners among themselves, and with the bridge.

mod bridge;
mod by_hand;
mod misbehaviour;
mod pages;
mod pairs;
mod soak;
mod story;
mod system;
mod trouble;
mod vectors;
