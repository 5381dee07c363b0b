//! The help desk as an edge.

use contracts::topology::Service;
use desk::Edge;
use desk::session::SESSION_AGED;
use messaging::Aged;

/// Desks that are kept here.
#[derive(Clone, Copy, Debug)]
pub struct Helpdesk;

impl Edge for Helpdesk {
    const SERVICE: Service = Service::Helpdesk;
    const AGED: &'static [Aged] = &AGED;
}

const OWN_AGED: &[Aged] = &[
    Aged { table: "rule_publish", since: "at", condition: "true", days: 1 },
    Aged { table: "automation_run", since: "hour", condition: "true", days: 1 },
];

/// The session's rows, and the help desk's own.
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
