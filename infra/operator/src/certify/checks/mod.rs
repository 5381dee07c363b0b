//! What a desk is held to, and in which order.

mod deliveries;
mod lasting;
mod own;
mod sent;

use super::bench::Bench;
use super::door::DeskUnderTest;
use super::report::{Check, Checked, Outcome};
use crate::error::Result;

#[derive(Clone, Copy)]
enum Play {
    Texts,
    Twice,
    NewestWins,
    EachField,
    Removed,
    Early,
    Redacted,
    RedactedFirst,
    Cleared,
    LostRace,
    OwnHold,
    Receipts,
    Restart,
    CommandKept,
    AnyOrder,
    SharedWhole,
    SharedAnswered,
    SharedAnsweredFirst,
    SharedOnHold,
    ShareKept,
    NoEcho,
    CommandsAccepted,
    AfterTheEnd,
}

const fn check(
    name: &'static str,
    part: &'static str,
    promise: &'static str,
    mend: &'static str,
) -> Check {
    Check { name, part, promise, mend }
}

/// All of them, in the order in which they are played.
const ALL: [(Play, Check); 23] = [
    (
        Play::Texts,
        check(
            "texts",
            "parts 3 and 4 (`Comment`, `subject`)",
            "texts arrive letter by letter, in any script and of any length",
            "store text as UTF-8, without a bound of your own, and as it came: not normalised, \
             trimmed, escaped or cut. A desk that can hold only so much says so in `limits` of \
             account.update.v1",
        ),
    ),
    (
        Play::Twice,
        check(
            "twice",
            "part 4 (at least once)",
            "what is told twice is taken once",
            "keep the `message_id` of every delivery that you took, for 30 days, or key comments \
             by `id` and fields by revision, so that a repeat changes nothing",
        ),
    ),
    (
        Play::NewestWins,
        check(
            "newest_wins",
            "part 5 (a revision per field)",
            "a field holds the value of its highest revision, whichever came last",
            "keep a revision beside each value, and ignore a value with a lower one",
        ),
    ),
    (
        Play::EachField,
        check(
            "each_field",
            "part 5 (a revision per field)",
            "each field has a revision of its own",
            "keep one revision per field, not one per ticket: of the status, of each tag and of \
             each custom field",
        ),
    ),
    (
        Play::Removed,
        check(
            "removed",
            "part 5 (also for a removed tag and a cleared field)",
            "a tag taken off and a field cleared stay so when an older value comes late",
            "keep the revision of a tag that was taken off and of a field that was cleared; do not \
             delete their rows",
        ),
    ),
    (
        Play::Early,
        check(
            "early",
            "part 5 (updates that come before their `ticket.created`)",
            "an update that comes before its ticket is kept",
            "store an update of an unknown `share_id`, and apply it when the share's \
             ticket.created comes",
        ),
    ),
    (
        Play::Redacted,
        check(
            "redacted",
            "part 5 (a redaction stays)",
            "a redacted comment stays blank, also when it is told again",
            "blank the text, the HTML and the files of what `redact` names; keep that it was \
             redacted, and never fill it again",
        ),
    ),
    (
        Play::RedactedFirst,
        check(
            "redacted_first",
            "part 5 (a redaction stays), part 4 (in any order)",
            "a redaction that comes before its comment is kept",
            "store a redaction of an unknown comment, and blank the comment, or the file, when it \
             comes",
        ),
    ),
    (
        Play::Cleared,
        check(
            "cleared",
            "part 3 (cleared, in every direction)",
            "a cleared field is empty, and a tag taken off is gone",
            "read `{ \"clear\": true }` as empty, and apply `tags.remove`",
        ),
    ),
    (
        Play::LostRace,
        check(
            "lost_race",
            "part 4 (`value` of a decision), part 5 (receipts)",
            "a change that lost against a later one gives way",
            "after a receipt, set each field that the command set: its value to the decision's \
             `value` where there is one, else to what was sent, and its revision to the receipt's, \
             both together. A field with a higher revision stays",
        ),
    ),
    (
        Play::OwnHold,
        check(
            "own_hold",
            "part 4 (`mapped`), rule R-48",
            "a ticket on hold stays so while its partner's is open",
            "`mapped` says what the partner was told. Without a `value` your own ticket holds what \
             you sent",
        ),
    ),
    (
        Play::Receipts,
        check(
            "receipts",
            "part 4 (in any order)",
            "receipts of two changes may come in either order",
            "find the command by the receipt's `command_id`, and take its fields with the \
             receipt's revision, as any other value",
        ),
    ),
    (
        Play::Restart,
        check(
            "restart",
            "part 4 (at least once), part 5",
            "what was acknowledged is there after a crash",
            "commit what a delivery changes before you acknowledge it (with HTTP: before you keep \
             `next`)",
        ),
    ),
    (
        Play::CommandKept,
        check(
            "command_kept",
            "part 2 (keep a command until its receipt arrives)",
            "a change is kept until its receipt, across a crash, under one `message_id`",
            "write the command with its `message_id` in the transaction that changes the ticket, \
             and publish it from there; mark it done with its receipt",
        ),
    ),
    (
        Play::AnyOrder,
        check(
            "any_order",
            "parts 4 and 5",
            "whatever comes in any order, and some of it twice, the end is the same",
            "mend what the checks before this one found; `--seed` plays the same order again",
        ),
    ),
    (
        Play::SharedWhole,
        check(
            "shared_whole",
            "part 3 (`ticket.share.v1`)",
            "what the desk shares reaches the partner as it is here",
            "share the ticket's status, its tags and all its comments, each with `public` as it is \
             here: what is left out counts as public",
        ),
    ),
    (
        Play::SharedAnswered,
        check(
            "shared_answered",
            "parts 4 and 5",
            "a partner's answer comes back to the ticket that was shared",
            "keep the `share_id` of the receipt of ticket.share.v1 with the ticket, and take \
             ticket.updated for it as for a ticket that was received",
        ),
    ),
    (
        Play::SharedAnsweredFirst,
        check(
            "shared_answered_first",
            "part 4 (in any order), part 5 (a revision per field)",
            "a partner's answer may come before the receipt of the share",
            "store an update of an unknown `share_id` until the receipt names it, and take the \
             fields that were shared with the receipt's revision: one with a higher revision stays",
        ),
    ),
    (
        Play::SharedOnHold,
        check(
            "shared_on_hold",
            "part 4 (`mapped`), rule R-48",
            "a ticket that is shared on hold stays on hold here",
            "`mapped` in the receipt of ticket.share.v1 says what the partner was told; your own \
             ticket holds what you sent",
        ),
    ),
    (
        Play::ShareKept,
        check(
            "share_kept",
            "part 2 (keep a command until its receipt arrives)",
            "a share is kept until its receipt, across a crash, under one `message_id`",
            "write ticket.share.v1 with its `message_id` and `share_id` in the transaction in \
             which the agent shares, and publish it from there",
        ),
    ),
    (
        Play::NoEcho,
        check(
            "no_echo",
            "part 6",
            "what came by sharing is not published back",
            "mark what a delivery changed, and publish only what people and rules here change",
        ),
    ),
    (
        Play::CommandsAccepted,
        check(
            "commands_accepted",
            "parts 2 and 3",
            "Deskmesh refuses no command of the desk",
            "read `reason` and `detail` of the receipt; mend the command, and send it under a new \
             `message_id`",
        ),
    ),
    (
        Play::AfterTheEnd,
        check(
            "after_the_end",
            "part 5, rule R-79",
            "a ticket stays when its share ends",
            "keep the ticket when ticket.unshared comes; only stop publishing it",
        ),
    ),
];

/// The names of all checks.
#[must_use]
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|(_, check)| check.name).collect()
}

/// Plays those that are wanted; all where none is named.
pub(super) async fn play<D: DeskUnderTest>(
    bench: &mut Bench<'_, D>,
    only: &[String],
) -> Result<Vec<Checked>> {
    let mut checked = Vec::new();
    for (what, check) in &ALL {
        if !only.is_empty() && !only.iter().any(|name| name == check.name) {
            continue;
        }
        let outcome = match what {
            Play::Texts => deliveries::texts(bench).await,
            Play::Twice => deliveries::twice(bench).await,
            Play::NewestWins => deliveries::newest_wins(bench).await,
            Play::EachField => deliveries::each_field(bench).await,
            Play::Removed => deliveries::removed(bench).await,
            Play::Early => deliveries::early(bench).await,
            Play::Redacted => deliveries::redacted(bench).await,
            Play::RedactedFirst => deliveries::redacted_first(bench).await,
            Play::Cleared => deliveries::cleared(bench).await,
            Play::LostRace => own::lost_race(bench).await,
            Play::OwnHold => own::own_hold(bench).await,
            Play::Receipts => own::receipts(bench).await,
            Play::Restart => lasting::restart(bench).await,
            Play::CommandKept => lasting::command_kept(bench).await,
            Play::AnyOrder => deliveries::any_order(bench).await,
            Play::SharedWhole => sent::whole(bench).await,
            Play::SharedAnswered => sent::answered(bench).await,
            Play::SharedAnsweredFirst => sent::answered_first(bench).await,
            Play::SharedOnHold => sent::on_hold(bench).await,
            Play::ShareKept => sent::kept(bench).await,
            Play::NoEcho => own::no_echo(bench).await,
            Play::CommandsAccepted => own::commands_accepted(bench).await,
            Play::AfterTheEnd => lasting::after_the_end(bench).await,
        }?;
        checked.push(Checked { check: *check, outcome });
    }
    Ok(checked)
}

fn outcome(wrong: Vec<String>) -> Outcome {
    if wrong.is_empty() { Outcome::Passed } else { Outcome::Wrong(wrong) }
}

/// The desk cannot be asked to change something.
fn no_change() -> Outcome {
    Outcome::Untried("the desk does not answer `change`".to_owned())
}
