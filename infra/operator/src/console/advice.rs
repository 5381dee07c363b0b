//! What to do about parked messages, in the words of `infra/runbooks/parked-messages.md`; a test
//! holds the two against each other.

/// Code, what it usually is, and what then.
pub const ADVICE: [(&str, &str, &str); 10] = [
    (
        "no_publisher",
        "a routing key that begins with no account's name: its user may write what no account may. \
         Only size and hash of the body are kept",
        "look for the user's topic permission on `share`; discard",
    ),
    ("unknown_account", "it published before it was registered", "register it, replay"),
    (
        "poison",
        "a rule failed; `detail` says how, with `parked show ID --body`: it may quote the message",
        "keep it for the developers; replay after the mended release",
    ),
    (
        "too_slow",
        "the database did not decide it within its limit, alone and three times, while it decided \
         others: a lock on its ticket, or a ticket that is very large",
        "`pg_stat_activity` for a lock that is held for long, then replay; what comes back: for \
         the developers",
    ),
    (
        "redelivered_too_often",
        "ten processes began it and none ended: it may be what kills them",
        "look for restarts first (service-gone); replay that one alone and watch",
    ),
    (
        "undecodable",
        "two releases that do not fit, or somebody else has a service's password",
        "compare versions; if they are the same: rotate",
    ),
    (
        "id_reused",
        "two releases that do not fit, or somebody else has a service's password",
        "compare versions; if they are the same: rotate",
    ),
    (
        "outputs_gone",
        "a message came again after more than two days",
        "its first outputs went out: leave it, or replay to have it answered",
    ),
    (
        "undeliverable",
        "a desk's queue was missing or full for a week",
        "desk-does-not-read, then replay",
    ),
    (
        "dead_lettered",
        "a desk rejected it again and again, or a policy of the broker took it",
        "the desk's people; then replay",
    ),
];

/// What it usually is, and what then.
pub fn of(reason: &str) -> (&'static str, &'static str) {
    ADVICE.into_iter().find(|(code, ..)| *code == reason).map_or(
        ("this console does not know the reason", "see the runbook"),
        |(_, usually, then)| (usually, then),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn file(path: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// `[text](link)` as its text.
    fn without_links(line: &str) -> String {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('[') {
            let (label, after) = after.split_once("](").unwrap();
            let (_, after) = after.split_once(')').unwrap();
            text.push_str(before);
            text.push_str(label);
            rest = after;
        }
        text + rest
    }

    #[test]
    fn the_words_are_the_runbooks() {
        let runbook = file("runbooks/parked-messages.md");
        let rows: Vec<String> =
            runbook.lines().filter(|line| line.starts_with("| `")).map(without_links).collect();
        for (code, usually, then) in ADVICE {
            let row = rows.iter().find(|row| row.contains(&format!("`{code}`"))).unwrap();
            assert!(row.ends_with(&format!(" | {usually} | {then} |")), "{code}: {row}");
        }
    }

    #[test]
    fn every_reason_has_its_advice() {
        let metrics = file("prometheus/metrics.yaml");
        let (_, of_parked) = metrics.split_once("- name: deskmesh_parked\n").unwrap();
        let (_, values) = of_parked.split_once("reason: [").unwrap();
        let (values, _) = values.split_once(']').unwrap();
        let mut known: Vec<&str> = values.split(", ").collect();
        let mut advised: Vec<&str> = ADVICE.iter().map(|(code, ..)| *code).collect();
        known.sort_unstable();
        advised.sort_unstable();
        assert_eq!(known, advised);
    }
}
