#![doc = include_str!("../README.md")]

pub mod blank;
pub mod calls;
pub mod duties;
pub mod log;
pub mod model;
pub mod outbox;
pub mod session;
pub mod store;
mod told;
mod turn;

pub use duties::Duties;
pub use model::Model;
pub use session::{Edge, Session};
pub use told::ToldDelivery;
pub use turn::turn;

/// The tables of a desk's half; versions 600 to 699. They stand in an edge's schema beside the
/// runtime's and its own.
#[must_use]
pub fn migrations() -> Vec<sqlx::migrate::Migration> {
    sqlx::migrate!("./migrations").migrations.to_vec()
}
