//! The gateway as an edge.

use contracts::topology::Service;
use desk::Edge;
use desk::session::{KEEP_DAYS, SESSION_AGED};
use messaging::Aged;

/// Desks that speak HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Gateway;

impl Edge for Gateway {
    const SERVICE: Service = Service::Gateway;
    const AGED: &'static [Aged] = &AGED;
}

const OWN_AGED: &[Aged] = &[
    Aged { table: "webhook_attempt", since: "at", condition: "true", days: KEEP_DAYS },
    Aged { table: "web_session", since: "started_at", condition: "true", days: KEEP_DAYS },
    Aged { table: "web_link", since: "made_at", condition: "true", days: KEEP_DAYS },
    Aged { table: "web_failure", since: "since", condition: "true", days: 1 },
];

/// The session's rows, and the gateway's own.
const AGED: [Aged; SESSION_AGED.len() + OWN_AGED.len()] = {
    let mut all = [SESSION_AGED[0]; SESSION_AGED.len() + OWN_AGED.len()];
    let mut place = 1;
    while place < all.len() {
        all[place] = match place.checked_sub(SESSION_AGED.len()) {
            None => SESSION_AGED[place],
            Some(place) => OWN_AGED[place],
        };
        place += 1;
    }
    all
};
