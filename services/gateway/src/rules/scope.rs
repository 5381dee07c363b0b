//! What a token may do.

/// Everything.
pub const ALL: &str = "*";
/// Reading deliveries, receipts and state.
pub const READ: &str = "read";
/// Uploading, listing and deleting files.
pub const FILES: &str = "files";
/// Keeping webhooks; one with payloads needs `read` too.
pub const WEBHOOKS: &str = "webhooks";

/// Whether one of `scopes` allows `wanted`: a command as `<entity>.<verb>`, or another word.
/// `*` allows everything, `ticket.*` every command about tickets.
#[must_use]
pub fn allows(scopes: &[String], wanted: &str) -> bool {
    let entity = wanted.split_once('.').map(|(entity, _)| entity);
    scopes.iter().any(|scope| {
        scope == ALL
            || scope == wanted
            || entity.is_some_and(|entity| scope.strip_suffix(".*") == Some(entity))
    })
}

/// The scope of a command: its type without the version.
#[must_use]
pub fn of_command(command_type: &str) -> &str {
    command_type.rsplit_once(".v").map_or(command_type, |(stem, _)| stem)
}

/// Whether a word is a scope: one of the words, or one or all commands of an entity.
#[must_use]
pub fn is_scope(text: &str) -> bool {
    let known = |stem: &str| {
        let commands = contracts::topology::FLOWS.iter();
        commands
            .filter(|flow| flow.from == contracts::topology::End::Desk)
            .any(|flow| of_command(flow.message) == stem || stem_of_all(flow.message, stem))
    };
    [ALL, READ, FILES, WEBHOOKS].contains(&text) || known(text)
}

fn stem_of_all(message: &str, stem: &str) -> bool {
    stem.strip_suffix(".*").is_some_and(|entity| message.split('.').next() == Some(entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_what_it_names_and_nothing_else() {
        for (scopes, wanted, allowed) in [
            (&["*"][..], "ticket.update", true),
            (&["ticket.update"], "ticket.update", true),
            (&["ticket.update"], "ticket.share", false),
            (&["ticket.*"], "ticket.share", true),
            (&["ticket.*"], "agreement.invite", false),
            (&["read"], "read", true),
            (&["read"], "ticket.update", false),
            (&["ticket.*", "read"], "read", true),
            (&["files"], "files", true),
            (&["read"], "files", false),
            (&["webhooks"], "webhooks", true),
            (&["webhooks"], "read", false),
            (&["read"], "webhooks", false),
            (&[], "read", false),
            (&["tick.*"], "ticket.share", false),
        ] {
            let scopes: Vec<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
            assert_eq!(allows(&scopes, wanted), allowed, "{scopes:?} {wanted}");
        }
        let words = ["*", "read", "files", "webhooks", "ticket.*", "agreement.invite"];
        assert!(words.into_iter().all(is_scope));
        assert!(!["", "tickets.*", "ticket.created", "write"].into_iter().any(is_scope));
    }
}
