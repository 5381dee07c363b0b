#![doc = include_str!("../README.md")]

pub mod bridge;
mod clock;
mod failure;
mod language;
mod link;
pub mod live;
mod lost;
pub mod oidc;
mod page;
mod password;
pub mod people;
mod reader;
mod reasons;
mod role;
mod serve;
mod session;
pub mod sharing;
mod sign_in;
mod texts;
mod throttle;
mod token;
mod viewer;
pub mod views;
mod visitor;
mod when;

use messaging::Aged;
use sqlx::migrate::Migration;
use web_base::{assets, headers, html, origin};

pub use bridge::Bridge;
pub use failure::{Failure, see_other, see_other_said};
pub use html::Html;
pub use language::Language;
pub use live::EdgeDesk;
pub use oidc::Oidc;
pub use page::{NavItem, Page, Search, SideGroup, SideLink};
pub use reader::Reader;
pub use role::StaffRole;
pub use serve::{PageSettings, Site, Web};
pub use texts::Texts;
pub use viewer::Viewer;
pub use visitor::Visitor;
pub use when::When;

/// Rows of these tables that age. An edge that has the tables has to name them: nothing else takes
/// away the sessions of people who do not come back.
pub const AGED: &[Aged] = &[
    Aged { table: "web_session", since: "started_at", condition: "true", days: 30 },
    Aged { table: "web_link", since: "made_at", condition: "true", days: 30 },
    Aged { table: "web_failure", since: "since", condition: "true", days: 1 },
    Aged { table: "web_flow", since: "started_at", condition: "true", days: 1 },
];

/// The tables of pages: people, their sessions and sign-in links; versions 700 to 799. They stand
/// in an edge's schema after the desk's.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    sqlx::migrate!("./migrations").migrations.to_vec()
}
