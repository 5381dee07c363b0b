//! The bridge as an edge.

use contracts::topology::Service;
use desk::Edge;
use desk::session::{KEEP_DAYS, SESSION_AGED};
use messaging::Aged;

/// Third-party systems that speak Networked Help Desk.
#[derive(Clone, Copy, Debug)]
pub struct NhdBridge;

impl Edge for NhdBridge {
    const SERVICE: Service = Service::NhdBridge;
    const AGED: &'static [Aged] = &AGED;
    // An account that an invite to a sharing URL made is first heard of when it is told something.
    const KEEPS_WHO_IS_TOLD: bool = true;
}

const OWN_AGED: &[Aged] = &[
    Aged { table: "attempt", since: "at", condition: "true", days: KEEP_DAYS },
    Aged { table: "refused_invite", since: "at", condition: "true", days: 2 },
    Aged { table: "early", since: "since", condition: "true", days: KEEP_DAYS },
];

/// The session's rows and its own.
const AGED: [Aged; SESSION_AGED.len() + OWN_AGED.len()] =
    desk::session::aged(&[SESSION_AGED, OWN_AGED]);
