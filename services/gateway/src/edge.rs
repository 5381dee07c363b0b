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

const OWN_AGED: &[Aged] =
    &[Aged { table: "webhook_attempt", since: "at", condition: "true", days: KEEP_DAYS }];

/// The session's rows, the pages' and its own.
const AGED: [Aged; SESSION_AGED.len() + web::AGED.len() + OWN_AGED.len()] =
    desk::session::aged(&[SESSION_AGED, web::AGED, OWN_AGED]);

#[cfg(test)]
mod tests {
    use super::AGED;

    #[test]
    fn what_the_session_and_the_pages_keep_ages_too() {
        for table in
            ["desk_log", "desk_outbox", "web_session", "web_link", "web_failure", "web_flow"]
        {
            assert!(AGED.iter().any(|aged| aged.table == table), "{table} grows for ever");
        }
    }
}
