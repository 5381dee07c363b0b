//! What is read of a story, from the rows that services keep.

use contracts::receipt::{Decision, Item};
use contracts::{CommentId, Reason, Receipt, ReceiptOutcome, Timestamp};

use crate::trail::{
    CallOutcome, Decided, EdgeCall, Parked, SentMessage, Share, Trail, Undelivered,
};
use crate::{DeskQueue, Target, Timeline, TimelineFilter, render};

fn at(second: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T10:00:00Z").unwrap().plus_seconds(second)
}

fn decided(
    account: Option<&str>,
    id: &str,
    command: Option<&str>,
    second: i64,
    told: Vec<SentMessage>,
) -> Decided {
    Decided {
        account: account.map(str::to_owned),
        message_id: id.to_owned(),
        message_type: if account.is_some() { "ticket.update.v1" } else { "transfer.v1" }.to_owned(),
        command: command.map(str::to_owned),
        arrived_at: at(second),
        decided_at: at(second),
        waits: 0,
        trace_id: None,
        told,
        outputs: None,
    }
}

fn told(to: &str, kind: &str, receipt: Option<Receipt>) -> SentMessage {
    SentMessage { to: to.to_owned(), r#type: kind.to_owned(), share: None, receipt }
}

fn trails() -> Vec<Trail> {
    let comment = CommentId::new("acme/1").unwrap();
    let mut receipt = Receipt::new("u1", "ticket.update.v1", ReceiptOutcome::Partial);
    receipt.decisions =
        vec![Decision::withheld(Item::Comment(comment), Reason::PublicCommentsNotAllowed)];
    let entry = Trail {
        service: "share-dispatcher".to_owned(),
        shares: vec![Share {
            share_id: "s1".into(),
            agreement_id: "a1".into(),
            sender: "acme".into(),
            sender_ticket: "4711".into(),
            receiver: "globex".into(),
            receiver_ticket: Some("88".into()),
            ended: false,
        }],
        decided: vec![
            decided(Some("acme"), "u2", None, 5, vec![told("comment-sync", "transfer.v1", None)]),
            decided(Some("acme"), "u1", None, 0, vec![told("comment-sync", "transfer.v1", None)]),
        ],
        ..Trail::default()
    };
    let stage = Trail {
        service: "comment-sync".to_owned(),
        decided: vec![decided(
            None,
            "x",
            Some("acme/u1"),
            1,
            vec![told("acme", "command.receipt.v1", Some(receipt))],
        )],
        parked: vec![Parked {
            id: "p1".into(),
            state: "parked".into(),
            reason: "poison".into(),
            detail: "a rule panicked\u{1b}[2J".into(),
            account: None,
            message_id: Some("y".into()),
            message_type: Some("transfer.v1".into()),
            command: Some("acme/u2".into()),
            first_arrived_at: at(6),
            parked_at: at(6),
            closed_at: None,
        }],
        undelivered: vec![Undelivered {
            account: "globex".into(),
            message_type: "ticket.updated.v1".into(),
            share: None,
            first_failed_at: at(7),
            next_attempt_at: at(9),
            attempts: 1,
        }],
        ..Trail::default()
    };
    vec![stage, entry]
}

fn of(target: &str) -> Timeline {
    let words: Vec<&str> = target.split(' ').collect();
    Timeline::of(Target::of_words(&words).unwrap(), &trails(), Vec::new())
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_was_withheld_parked_and_not_taken_is_said_on_one_screen() {
    let text = render(&Timeline::of(
        Target::Ticket("acme/4711".into()),
        &trails(),
        vec!["field-sync gave no answer".into()],
    ));
    for expected in [
        "acme/4711 → globex/88  share s1, agreement a1",
        "▸ ticket.update.v1 u1",
        "share-dispatcher: 0 ms →",
        "comment:acme/1 STAYED",
        "(public_comments_not_allowed)",
        "comment:acme/1 of u1 STAYED: public_comments_not_allowed (as agreed): ",
        "set a message aside: poison",
        "desk.globex, is missing or full",
        "field-sync gave no answer",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "a stranger steers the terminal");
    let place = |word: &str| text.find(word).unwrap();
    assert!(
        place("▸ ticket.update.v1 u1") < place("▸ ticket.update.v1 u2"),
        "not in the order of time:\n{text}"
    );
    assert!(text.lines().all(|line| line.chars().count() < 200));
}

#[test]
fn the_verdict_comes_first() {
    let text = render(&of("acme/4711"));
    let (first, rest) = text.split_once('\n').unwrap();
    assert_eq!(first, "ticket acme/4711: 2 commands; 3 things did not cross, or wait");
    let place = |word: &str| rest.find(word).unwrap_or_else(|| panic!("no {word}:\n{text}"));
    assert!(place("STAYED") < place("acme/4711 → globex/88"));
    assert!(place("acme/4711 → globex/88") < place("▸ ticket.update.v1 u1"));
}

#[test]
fn what_lies_in_a_desks_queue_is_not_said_to_have_crossed() {
    let mut trails = trails();
    trails[0].undelivered.clear();
    trails[0].decided[0].told.push(told("globex", "ticket.updated.v1", None));
    let mut timeline = Timeline::of(Target::Ticket("acme/4711".into()), &trails, Vec::new());
    let text = render(&timeline);
    assert!(text.contains("globex ◂ ticket.updated.v1, put into its queue"), "{text}");
    let sent = "globex: 1 message, the last 03-01 10:00:01; whether its desk \
        took them, the broker alone tells";
    assert!(text.contains(sent), "{text}");
    assert!(!text.contains("crossed") && !text.contains("delivered"), "{text}");

    timeline.queued.get_mut("globex").unwrap().queue =
        Some(DeskQueue { messages: 1, consumers: 0 });
    let text = render(&timeline);
    assert!(text.contains("desk.globex holds 1 now, and nobody reads it"), "{text}");
}

#[test]
fn a_delivery_that_no_queue_took_is_told_with_its_command() {
    let mut trails = trails();
    trails[0].decided[0].told.push(told("globex", "ticket.updated.v1", None));
    let timeline = Timeline::of(Target::Message("acme/u1".into()), &trails, Vec::new());
    assert!(!timeline.queued.contains_key("globex"), "{:?}", timeline.queued);
    let waits = timeline.missing.iter().find(|found| found.text.contains("waits since"));
    assert_eq!(waits.unwrap().command.as_deref(), Some("acme/u1"));
    let text = render(&timeline);
    assert!(text.contains("globex ◂ ticket.updated.v1, WAITS"), "{text}");
    let other = Timeline::of(Target::Message("acme/u2".into()), &trails, Vec::new());
    assert!(!render(&other).contains("waits since"), "{}", render(&other));
}

#[test]
fn a_malformed_command_is_told_with_its_place() {
    let mut trails = trails();
    let mut receipt = Receipt::new("u3", "ticket.update.v1", ReceiptOutcome::Rejected);
    (receipt.reason, receipt.detail) =
        (Some(Reason::Malformed), Some("/actor/name: is required".into()));
    let answer = vec![told("acme", "command.receipt.v1", Some(receipt))];
    trails[1].decided.push(decided(Some("acme"), "u3", None, 8, answer));
    let text = render(&Timeline::of(Target::Ticket("acme/4711".into()), &trails, Vec::new()));
    let said = "ticket.update.v1 u3 of acme was REJECTED: malformed (mendable by the publisher): \
        /actor/name: is required";
    assert!(text.contains(said), "{text}");
}

#[test]
fn a_malformed_value_is_not_told() {
    let mut trails = trails();
    let mut receipt = Receipt::new("u3", "ticket.update.v1", ReceiptOutcome::Rejected);
    let detail = r#"/occurred_at: "a \"secret\" \\" is not a date and time"#;
    (receipt.reason, receipt.detail) = (Some(Reason::Malformed), Some(detail.into()));
    let answer = vec![told("acme", "command.receipt.v1", Some(receipt))];
    trails[1].decided.push(decided(Some("acme"), "u3", None, 8, answer));
    for target in [Target::Ticket("acme/4711".into()), Target::Message("acme/u3".into())] {
        let text = render(&Timeline::of(target, &trails, Vec::new()));
        assert!(text.contains(r#"/occurred_at: "…" is not a date and time"#), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn members_that_are_not_known_are_told_with_their_places() {
    let mut trails = trails();
    let mut receipt = Receipt::new("u3", "ticket.update.v1", ReceiptOutcome::Applied);
    (receipt.reason, receipt.detail) = (Some(Reason::UnknownMembers), Some("/prioritiy".into()));
    let answer = vec![told("acme", "command.receipt.v1", Some(receipt))];
    trails[1].decided.push(decided(Some("acme"), "u3", None, 8, answer));
    let text = render(&Timeline::of(Target::Ticket("acme/4711".into()), &trails, Vec::new()));
    let said = "ticket.update.v1 u3 of acme has more than is known: unknown_members \
        (mendable by the publisher): ";
    assert!(text.contains(said) && text.contains("/prioritiy"), "{text}");
}

#[test]
fn many_items_that_stay_for_one_reason_are_one_finding() {
    let mut trails = trails();
    let tag =
        |number: usize| Decision::withheld(Item::Tag(format!("t{number}")), Reason::TagsNotSynced);
    let told = &mut trails[0].decided[0].told[0];
    told.receipt.as_mut().unwrap().decisions.extend((0..200).map(tag));
    let timeline = Timeline::of(Target::Ticket("acme/4711".into()), &trails, Vec::new());
    let about_tags: Vec<_> =
        timeline.missing.iter().filter(|found| found.text.contains("tag:")).collect();
    let [one] = about_tags[..] else { panic!("{about_tags:?}") };
    assert!(
        one.text.starts_with("tag:t0, tag:t1, tag:t2, tag:t3, tag:t4 and 195 more of u1 STAYED"),
        "{}",
        one.text
    );
}

/// Forty commands of acme, each through all services; the tenth was refused.
fn forty() -> Timeline {
    let mut trails: Vec<Trail> = ["share-dispatcher", "comment-sync", "field-sync"]
        .map(|service| Trail { service: service.to_owned(), ..Trail::default() })
        .into();
    for number in 0..40 {
        let (id, second) = (format!("c{number}"), i64::from(number) * 60);
        let root = format!("acme/{id}");
        let mut receipt = Receipt::new(&*id, "ticket.update.v1", ReceiptOutcome::Applied);
        if number == 10 {
            receipt = receipt.because(Reason::NotShared, None);
            receipt.outcome = ReceiptOutcome::Rejected;
        }
        let onward = |to| vec![told(to, "transfer.v1", None)];
        trails[0].decided.push(decided(Some("acme"), &id, None, second, onward("comment-sync")));
        trails[1].decided.push(decided(None, "x", Some(&root), second + 1, onward("field-sync")));
        let last = vec![
            told("globex", "ticket.updated.v1", None),
            told("acme", "command.receipt.v1", Some(receipt)),
        ];
        trails[2].decided.push(decided(None, "y", Some(&root), second + 2, last));
    }
    Timeline::of(Target::Ticket("acme/4711".into()), &trails, Vec::new())
}

#[test]
fn a_long_story_is_cut_and_says_how_to_see_the_rest() {
    let text = render(&forty().narrowed(&TimelineFilter::of(false, None, None)));
    assert!(text.lines().count() < 50, "{} lines\n{text}", text.lines().count());
    assert!(text.starts_with("ticket acme/4711: 40 commands; 1 thing did not"), "{text}");
    assert!(text.contains("was REJECTED: not_shared"), "a finding is told, old as it is: {text}");
    assert!(text.contains("30 older commands are left out: --limit 0 tells of all"), "{text}");
    assert!(text.contains("▸ ticket.update.v1 c39") && !text.contains("▸ ticket.update.v1 c29"));
    assert!(!text.contains("share-dispatcher"), "what only passed it on: {text}");
    let all = render(&forty().narrowed(&TimelineFilter::of(false, None, Some(0))));
    assert!(all.contains("▸ ticket.update.v1 c0") && !all.contains("left out"), "{all}");
}

#[test]
fn only_what_failed_and_only_what_is_new_can_be_asked_for() {
    let roots =
        |filter: TimelineFilter| forty().narrowed(&filter).roots().into_keys().collect::<Vec<_>>();
    assert_eq!(roots(TimelineFilter::of(true, None, None)), ["acme/c10"]);
    assert_eq!(roots(TimelineFilter::of(false, Some(at(38 * 60)), None)), ["acme/c38", "acme/c39"]);
    let nothing = render(&forty().narrowed(&TimelineFilter::of(true, Some(at(38 * 60)), None)));
    assert!(nothing.contains("2 commands; nothing was refused, withheld"), "{nothing}");
}

#[test]
fn what_waits_is_among_what_failed() {
    let timeline = of("acme/4711").narrowed(&TimelineFilter::of(true, None, None));
    assert!(timeline.entries.iter().any(|entry| entry.what == "not delivered"));
    assert!(timeline.entries.iter().any(|entry| entry.what.starts_with("PARKED")));
}

#[test]
fn a_command_that_went_no_further_shows_how_far_it_came() {
    let mut trails = trails();
    trails[0].parked.clear();
    let timeline = Timeline::of(Target::Ticket("acme/4711".into()), &trails, Vec::new());
    let text = flat(&render(&timeline.narrowed(&TimelineFilter::default())));
    assert_eq!(text.matches("share-dispatcher: 0 ms →").count(), 1, "u2's alone: {text}");
}

#[test]
fn one_message_is_told_alone() {
    let timeline = of("message acme/u1").narrowed(&TimelineFilter::of(false, None, None));
    let roots: Vec<_> =
        timeline.entries.iter().filter_map(|entry| entry.command.as_deref()).collect();
    assert_eq!(roots, ["acme/u1", "acme/u1", "acme/u1"]);
    assert!(render(&timeline).lines().count() < 25, "{}", render(&timeline));
}

#[test]
fn nothing_is_said_to_be_nothing() {
    let text = render(&Timeline::of(Target::Ticket("acme/1".into()), &[], Vec::new()));
    assert!(text.starts_with("nothing is known of ticket acme/1"), "{text}");
}

#[test]
fn how_an_edge_called_whoever_is_behind_an_account_is_told() {
    let call = |second, kind: &str, outcome, reason: Option<&str>| EdgeCall {
        account: "nhd-bridge-1".into(),
        to: "globex.example".into(),
        kind: kind.into(),
        at: at(second),
        outcome,
        reason: reason.map(str::to_owned),
    };
    let waits = |tried, next| CallOutcome::Waits { tried, next };
    let edge = Trail {
        service: "nhd-bridge".to_owned(),
        decided: vec![decided(Some("nhd-bridge-1"), "d1", None, 20, Vec::new())],
        calls: vec![
            call(21, "share", CallOutcome::Taken, None),
            call(22, "update", CallOutcome::Failed, Some("503")),
            call(23, "update", CallOutcome::Refused, Some("422")),
            call(24, "update", waits(3, Some(at(60))), Some("timeout")),
            call(25, "update", waits(0, Some(at(25))), None),
            call(26, "unshare", waits(0, None), None),
        ],
        ..Trail::default()
    };
    let trails = [trails(), vec![edge]].concat();
    let of = |target: Target| Timeline::of(target, &trails, Vec::new());
    let told = of(Target::Ticket("acme/4711".into()));
    let text = flat(&render(&told));
    for expected in [
        "nhd-bridge: took it nhd-bridge-1 ◂ ticket.update.v1, taken",
        "nhd-bridge: called nhd-bridge-1 ◂ share, taken by",
        "the update to globex.example was REFUSED: 422",
        "the update to globex.example waits since 2026-03-01T10:00:24.000Z: timeout",
        "the unshare to globex.example waits: its calls are paused",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let of_calls = told.missing.iter().filter(|found| found.text.starts_with("the "));
    assert_eq!(of_calls.count(), 3, "what was taken, or waits for its turn, is nothing to mend");
    assert_eq!(told.commands, of(Target::Message("acme/u1".into())).commands + 1);
    let one = render(&of(Target::Message("acme/u1".into())));
    assert!(!one.contains("globex.example"), "nobody knows which command is behind a call: {one}");
}
