//! The service in the real runtime: notices from field-sync, mails at a mail server, and what is
//! stored.

#![expect(
    clippy::unwrap_used,
    reason = "the mail server is the unit tests' own, where unwrap is allowed"
)]

mod harness;
#[path = "../../../../shared/mail/src/responder.rs"]
mod responder;

use std::collections::BTreeSet;

use contracts::address::Party;
use contracts::sync::{About, AgreementEvent, AgreementNotice, CommentNotice, Notice, Recipient};
use contracts::terms::CommentTerms;
use contracts::{AccountName, AgreementId, CommentId, Terms, TicketId, Timestamp};

use crate::harness::{NoticeRow, ServiceHarness};
use crate::responder::Answers;

/// Longer than the longest first pause of a mail that is put off.
const PAUSE: i64 = 10;
/// Longer than a claim.
const CLAIM: i64 = 600;

fn told(about: About, to: &[&str]) -> Notice {
    let account = |name: &str| AccountName::new(name).expect("a name");
    Notice {
        about,
        account: account("acme"),
        to: to
            .iter()
            .map(|email| Recipient { name: "Agent Ada".into(), email: (*email).to_owned() })
            .collect(),
        locale: None,
        partner: Party {
            account: account("globex"),
            address: "globex".into(),
            display_name: "Globex Support".into(),
            sharing_url: None,
        },
        by: "Agent Gil".into(),
        at: Timestamp::parse("2026-03-01T10:00:00Z").expect("a time"),
        partner_support_addresses: vec!["@globex.example".into()],
    }
}

fn notice(to: &[&str]) -> Notice {
    let agreement = AgreementNotice {
        event: AgreementEvent::Deactivated,
        agreement_id: AgreementId::new("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10").expect("a UUID"),
        name: Some("Network faults".into()),
        withdrawn: false,
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: false },
    };
    told(About::Agreement(agreement), to)
}

fn comment(ccs: &[&str]) -> Notice {
    let comment = CommentNotice {
        comment_id: CommentId::new("globex/77").expect("an id"),
        body: "It works again.\r\nPlease try.".into(),
        ticket_id: TicketId::new("4711").expect("a number"),
        link: Some("https://desk.acme.example/tickets/4711".into()),
    };
    told(About::Comment(comment), ccs)
}

fn all(state: &str) -> impl Fn(&[NoticeRow]) -> bool {
    move |rows| !rows.is_empty() && rows.iter().all(|row| row.state == state)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_the_mail_server_puts_off_is_one_mail_at_the_next_try() {
    let answers = Answers { data_end: vec!["451 try later", "250 taken"], ..Answers::default() };
    let mut stage = ServiceHarness::set("notifier-put-off", answers).await;
    stage.start_intake();
    stage.start_mail_loop();
    stage.publish("n1", &notice(&["ada@acme.example"])).await;
    let rows = stage.rows("the first try", |rows| rows.iter().any(|row| row.attempts == 1)).await;
    assert_eq!(
        (rows[0].state.as_str(), stage.mail_server.mails().len()),
        ("pending", 0),
        "{rows:?}"
    );
    assert!(rows[0].reason.as_ref().is_some_and(|reason| reason.contains("try later")), "{rows:?}");

    stage.let_pass(PAUSE);
    let rows = stage.rows("the second try", all("sent")).await;
    let sent = NoticeRow {
        message_id: "n1".into(),
        recipient: "ada@acme.example".into(),
        state: "sent".into(),
        reason: None,
        attempts: 2,
        comment: None,
    };
    assert_eq!(rows, [sent]);
    let mails = stage.mail_server.mails();
    assert_eq!((mails.len(), stage.mail_server.sessions()), (1, 2), "{mails:?}");
    assert!(mails[0].contains("To: \"Agent Ada\" <ada@acme.example>"), "{}", mails[0]);
    assert!(
        mails[0].contains("Subject: Globex Support ended the sharing agreement with you"),
        "{}",
        mails[0]
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_twice_at_two_replicas_is_one_mail_and_none_where_suppressed() {
    const NOTICES: usize = 12;
    let mut stage = ServiceHarness::set("notifier-twice", Answers::default()).await;
    for _ in 0..2 {
        stage.start_intake();
        stage.start_mail_loop();
    }
    for number in 0..NOTICES {
        for _ in 0..2 {
            stage.publish(&format!("n{number:02}"), &notice(&["ada@acme.example"])).await;
        }
    }
    stage.publish("suppressed", &notice(&["help@globex.example"])).await;
    stage
        .rows("all notices", |rows| {
            rows.len() == NOTICES + 1 && rows.iter().all(|row| row.state != "pending")
        })
        .await;
    // Whatever came a second time was before this one in the queue.
    stage.publish("x-last", &notice(&["bo@acme.example"])).await;
    let is_last = |row: &NoticeRow| row.message_id == "x-last" && row.state == "sent";
    let rows = stage.rows("the last mail", |rows| rows.iter().any(is_last)).await;

    let ids = stage.mail_ids();
    assert_eq!(ids.len(), NOTICES + 1, "each once, and the last: {ids:?}");
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "each is a mail of its own: {ids:?}"
    );
    assert_eq!(rows.len(), NOTICES + 2, "{rows:?}");
    assert!(stage.mail_server.mails().iter().all(|mail| !mail.contains("help@globex.example")));
    let kept =
        rows.iter().find(|row| row.recipient == "help@globex.example").expect("a record is kept");
    assert_eq!((kept.state.as_str(), kept.attempts), ("suppressed", 0));
    assert!(
        kept.reason.as_ref().is_some_and(|reason| reason.contains("@globex.example")),
        "{kept:?}"
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_25_a_comment_twice_is_one_mail_to_each_cc_and_none_to_the_partner() {
    let mut stage = ServiceHarness::set("notifier-ccs", Answers::default()).await;
    stage.start_intake();
    let ccs = ["ada@acme.example", "bo@acme.example", "Ada@acme.example", "help@globex.example"];
    for _ in 0..2 {
        stage.publish("c1", &comment(&ccs)).await;
    }
    stage.publish("c2", &comment(&["ada@acme.example"])).await;
    let rows = stage.rows("both comments", |rows| rows.len() == 4).await;
    let kept = |rows: &[NoticeRow], recipient: &str| {
        rows.iter().find(|row| row.recipient == recipient).expect("a row").clone()
    };
    assert_eq!(
        kept(&rows, "bo@acme.example").comment.as_deref(),
        Some("It works again.\nPlease try.")
    );
    let suppressed = kept(&rows, "help@globex.example");
    assert_eq!(
        (suppressed.state.as_str(), suppressed.attempts, suppressed.comment.as_deref()),
        ("suppressed", 0, Some(""))
    );
    assert!(
        suppressed.reason.as_ref().is_some_and(|reason| reason.contains("@globex.example")),
        "{suppressed:?}"
    );

    for _ in 0..2 {
        stage.start_mail_loop();
    }
    let rows = stage.rows("all mails", |rows| rows.iter().all(|row| row.state != "pending")).await;
    assert_eq!(rows.iter().filter(|row| row.state == "sent").count(), 3, "{rows:?}");
    assert!(
        rows.iter().all(|row| row.comment.as_deref() == Some("")),
        "what was sent is not kept: {rows:?}"
    );
    let mails = stage.mail_server.mails();
    let mut to: Vec<&str> = mails
        .iter()
        .filter_map(|mail| mail.lines().find(|line| line.starts_with("To: ")))
        .collect();
    to.sort_unstable();
    let (ada, bo) = ("To: \"Agent Ada\" <ada@acme.example>", "To: \"Agent Ada\" <bo@acme.example>");
    assert_eq!(to, [ada, ada, bo], "the first comment to both, the second to one");
    assert_eq!(stage.mail_ids().iter().collect::<BTreeSet<_>>().len(), 3);
    for mail in &mails {
        assert!(
            mail.contains("Subject: Ticket 4711: new comment by Agent Gil (Globex Support)\r\n"),
            "{mail}"
        );
        assert!(mail.contains("\r\nIt works again.\r\nPlease try.\r\n"), "{mail}");
        assert!(
            mail.contains("\r\nLink:     https://desk.acme.example/tickets/4711\r\n"),
            "{mail}"
        );
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_killed_after_a_mail_repeats_that_one_under_its_own_id() {
    let mut stage = ServiceHarness::set("notifier-killed", Answers::default()).await;
    stage.start_intake();
    for id in ["n1", "n2", "n3"] {
        stage.publish(id, &notice(&["ada@acme.example"])).await;
    }
    stage.rows("three notices", |rows| rows.len() == 3).await;
    stage.run_mail_loop_that_dies_after_a_mail().await;
    let first = stage.mail_ids();
    assert_eq!(first.len(), 1, "it sent one: {first:?}");
    let rows = stage.rows("three notices", all("pending")).await;
    assert!(rows.iter().all(|row| row.attempts == 0), "it recorded nothing: {rows:?}");

    // As long as its claim lasts, what it claimed is nobody else's: only what is new is sent.
    stage.start_mail_loop();
    stage.publish("x-new", &notice(&["bo@acme.example"])).await;
    let sent = |rows: &[NoticeRow]| {
        rows.iter()
            .filter(|row| row.state == "sent")
            .map(|row| row.message_id.clone())
            .collect::<Vec<_>>()
    };
    let rows = stage.rows("the new mail", |rows| !sent(rows).is_empty()).await;
    assert_eq!(sent(&rows), ["x-new"]);

    stage.let_pass(CLAIM);
    stage.rows("all mails", all("sent")).await;
    let ids = stage.mail_ids();
    assert_eq!(ids.len(), 5, "four mails, and one of them again: {ids:?}");
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        4,
        "what is repeated is known by its id: {ids:?}"
    );
    assert_eq!(ids.iter().filter(|id| **id == first[0]).count(), 2, "{ids:?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_goes_when_it_is_old_and_not_while_it_is_pending() {
    let mut stage = ServiceHarness::set("notifier-old", Answers::default()).await;
    let rows = "insert into notice (id, message_id, recipient, notice, state, next_attempt_at,
        created_at, sent_at)
                select gen_random_uuid(), 'n', days || ' ' || state, '{}', state,
                  case state when 'pending' then now() + interval '1 day' end,
                  now() - make_interval(days => days),
                  case state when 'sent' then now() end
                from (values (32, 'sent'), (32, 'suppressed'), (32, 'pending'),
                (30, 'sent')) one (days, state)";
    sqlx::query(rows).execute(&stage.pool).await.expect("rows");
    stage.start_intake();
    let left = stage.rows("what is old to be gone", |rows| rows.len() == 2).await;
    let left: Vec<&str> = left.iter().map(|row| row.recipient.as_str()).collect();
    assert_eq!(left, ["30 sent", "32 pending"]);
    stage.end().await;
}
