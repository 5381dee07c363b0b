//! Which route is which command: one table, for the server and for its description.

/// A route that sends a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRoute {
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The path; `{name}` stands for one segment.
    pub path: &'static str,
    /// The command's type.
    pub command: &'static str,
    /// Where the path's parameters stand in the command, as JSON pointers.
    pub parameters: &'static [(&'static str, &'static str)],
    /// Where the request's body stands in it; empty: the body is the command's content, without
    /// what the path says.
    pub body: &'static str,
    /// What it does.
    pub summary: &'static str,
}

const fn route(
    method: &'static str,
    path: &'static str,
    command: &'static str,
    parameters: &'static [(&'static str, &'static str)],
    summary: &'static str,
) -> CommandRoute {
    CommandRoute { method, path, command, parameters, body: "", summary }
}

const NUMBER: (&str, &str) = ("number", "/ticket_id");
const SHARE: (&str, &str) = ("share_id", "/share_id");
const AGREEMENT: (&str, &str) = ("agreement_id", "/agreement_id");
const COMMENT: (&str, &str) = ("comment_id", "/comment_id");

/// Every route that sends a command, beside `POST /v1/commands`, which sends any.
#[rustfmt::skip]
pub const COMMAND_ROUTES: &[CommandRoute] = &[
    route("PATCH", "/v1/account", "account.update.v1", &[],
        "Change settings: fields, statuses, admins"),
    route("PUT", "/v1/account/address", "account.rename.v1", &[],
        "Take another address; ends all agreements"),
    route("POST", "/v1/account/show", "account.show.v1", &[],
        "Ask what Deskmesh holds of this account"),
    route("POST", "/v1/agreements", "agreement.invite.v1", &[],
        "Invite another account"),
    route("POST", "/v1/agreements/{agreement_id}/accept", "agreement.accept.v1", &[AGREEMENT],
        "Accept an invite"),
    route("POST", "/v1/agreements/{agreement_id}/decline", "agreement.decline.v1", &[AGREEMENT],
        "Decline an invite"),
    route("POST", "/v1/agreements/{agreement_id}/deactivate", "agreement.deactivate.v1",
        &[AGREEMENT], "End an agreement for good"),
    route("POST", "/v1/agreements/{agreement_id}/compare", "agreement.compare.v1", &[AGREEMENT],
        "Ask which custom fields would cross, and what would mend the others"),
    route("POST", "/v1/tickets/{number}/shares", "ticket.share.v1", &[("number", "/ticket/id")],
        "Share a ticket under an agreement"),
    route("PATCH", "/v1/tickets/{number}", "ticket.update.v1", &[NUMBER],
        "Change status, tags and fields of a shared ticket, or add comments"),
    CommandRoute {
        method: "POST",
        path: "/v1/tickets/{number}/comments",
        command: "ticket.update.v1",
        parameters: &[NUMBER],
        body: "/comments/0",
        summary: "Add one comment to a shared ticket",
    },
    route("DELETE", "/v1/tickets/{number}/comments/{comment_id}", "ticket.redact.v1",
        &[NUMBER, COMMENT], "Blank a comment on every copy"),
    route("DELETE", "/v1/tickets/{number}/comments/{comment_id}/attachments/{attachment_id}",
        "ticket.redact.v1", &[NUMBER, COMMENT, ("attachment_id", "/attachment_id")],
        "Take one file of a comment from every copy"),
    route("DELETE", "/v1/tickets/{number}/shares", "ticket.unshare.v1", &[NUMBER],
        "Stop sharing a ticket that was shared from here"),
    route("PATCH", "/v1/shares/{share_id}", "ticket.update.v1", &[SHARE],
        "The same as for the ticket, by a share of it"),
    route("PUT", "/v1/shares/{share_id}/ticket", "ticket.bind.v1", &[SHARE],
        "Give a received ticket the number that it has here"),
    route("DELETE", "/v1/shares/{share_id}", "ticket.unshare.v1", &[SHARE],
        "End a share that was made from here"),
    route("POST", "/v1/shares/{share_id}/resync", "ticket.resync.v1", &[SHARE],
        "Be told all of this copy again, as Deskmesh holds it"),
];

#[cfg(test)]
mod tests {
    use contracts::topology::entry_of;

    use super::*;

    #[test]
    fn every_route_is_a_command_and_names_what_its_path_has() {
        for route in COMMAND_ROUTES {
            assert!(entry_of(route.command).is_some(), "{route:?}");
            let in_path: Vec<&str> = route
                .path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            let named: Vec<&str> = route.parameters.iter().map(|(name, _)| *name).collect();
            assert_eq!(in_path, named, "{}", route.path);
        }
    }
}
