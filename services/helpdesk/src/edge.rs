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
    Aged { table: "mail", since: "created_at", condition: "state <> 'pending'", days: 31 },
    Aged { table: "confirmation", since: "made_at", condition: "true", days: 2 },
    Aged { table: "automation_run", since: "hour", condition: "true", days: 1 },
];

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
