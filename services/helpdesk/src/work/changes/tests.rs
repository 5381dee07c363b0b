use std::task::Poll;

use super::*;

const ACME: &str = "acme";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn account(newest: i64, recent: i64, agreements: i64) -> AccountChanges {
    AccountChanges { account: ACME.to_owned(), newest: Some(at(newest)), recent, agreements }
}

fn ticket(number: i64, changed: i64) -> TicketChange {
    (ACME.to_owned(), number, at(changed))
}

fn page(changes: &Changes, ticket: Option<i64>, made: i64) -> Looker {
    changes.look(ACME, ticket, MadeOf { told: 5, changed: Some(at(made).timestamp_micros()) })
}

/// Whether a page is told now.
async fn is_told(page: &mut Looker) -> bool {
    let told = page.changed();
    tokio::pin!(told);
    // Some turns of the runtime: what needs none of the clock is done then.
    for _ in 0..10 {
        if let Poll::Ready(()) = futures_util::poll!(&mut told) {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

#[test]
fn a_change_that_commits_late_is_news_and_age_is_not() {
    for (before, now, news) in [
        (None, None, false),
        (None, Some((at(1), 1)), true),
        (Some((at(1), 1)), Some((at(2), 1)), true),
        (Some((at(2), 1)), Some((at(2), 2)), true),
        (Some((at(2), 2)), Some((at(2), 1)), false),
        (Some((at(2), 1)), None, false),
    ] {
        assert_eq!(is_news(before, now), news, "{before:?} {now:?}");
    }
}

#[tokio::test]
async fn a_tickets_page_follows_its_ticket_and_a_list_follows_all() {
    let changes = Changes::default();
    let (mut five, mut six) = (page(&changes, Some(5), 10), page(&changes, Some(6), 10));
    let mut list = page(&changes, None, 10);
    changes.tell(&[account(10, 1, 5)], &[ticket(5, 10), ticket(6, 9)]);
    for page in [&mut five, &mut six, &mut list] {
        assert!(!is_told(page).await, "it shows what is there: {page:?}");
    }
    changes.tell(&[account(11, 1, 5)], &[ticket(5, 11), ticket(6, 9)]);
    assert!(is_told(&mut five).await && !is_told(&mut six).await);
    until_told(&mut list).await;
    for page in [&mut five, &mut six, &mut list] {
        assert!(!is_told(page).await, "nothing is told twice: {page:?}");
    }
}

#[tokio::test]
async fn what_came_between_a_page_and_its_stream_is_told() {
    let changes = Changes::default();
    let _first = page(&changes, None, 10);
    changes.tell(&[account(12, 1, 5)], &[]);
    let (mut list, mut five) = (page(&changes, None, 11), page(&changes, Some(5), 11));
    until_told(&mut list).await;
    changes.tell(&[account(12, 1, 5)], &[ticket(5, 12)]);
    until_told(&mut five).await;
}

#[tokio::test]
async fn a_list_is_told_of_what_commits_late() {
    let changes = Changes::default();
    let mut list = page(&changes, None, 10);
    changes.tell(&[account(10, 1, 5)], &[]);
    assert!(!is_told(&mut list).await);
    changes.tell(&[account(10, 2, 5)], &[]);
    until_told(&mut list).await;
}

#[tokio::test]
async fn an_invite_is_told_to_every_page() {
    let changes = Changes::default();
    let (mut list, mut five) = (page(&changes, None, 10), page(&changes, Some(5), 10));
    changes.tell(&[account(10, 1, 6)], &[ticket(5, 10)]);
    until_told(&mut list).await;
    until_told(&mut five).await;
    assert!(!is_told(&mut list).await && !is_told(&mut five).await);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_pages_have_their_turns_and_a_ticket_does_not_wait_for_lists() {
    let changes = Arc::new(Changes::default());
    let mut waiting = tokio::task::JoinSet::new();
    let began = tokio::time::Instant::now();
    for number in 0..200 {
        let mut page = page(&changes, (number == 199).then_some(5), 10);
        waiting.spawn(async move {
            page.changed().await;
            (number, began.elapsed())
        });
    }
    tokio::task::yield_now().await;
    changes.tell(&[account(11, 1, 5)], &[ticket(5, 11)]);
    let mut told = waiting.join_all().await;
    told.sort_by_key(|(_, after)| *after);
    for (place, (_, after)) in (0..).zip(&told) {
        assert!(*after >= Duration::from_millis(20) * place, "{place} after {after:?}");
    }
    let last = told.last().map(|(_, after)| *after).unwrap();
    assert!(last < Duration::from_millis(4_500), "{last:?}");
    let (_, of_ticket) = told.iter().find(|(number, _)| *number == 199).unwrap();
    assert!(*of_ticket <= Duration::from_millis(100), "{of_ticket:?}");
}

#[tokio::test]
async fn what_nobody_looks_at_is_let_go() {
    let changes = Changes::default();
    let (list, five) = (page(&changes, None, 10), page(&changes, Some(5), 10));
    assert_eq!(changes.looked_at(), (vec![ACME.to_owned()], vec![(ACME.to_owned(), 5)]));
    drop(five);
    assert_eq!(changes.looked_at(), (vec![ACME.to_owned()], Vec::new()));
    drop(list);
    assert_eq!(changes.looked_at(), (Vec::new(), Vec::new()));
}

/// It is told, if not at once then in its turn.
async fn until_told(page: &mut Looker) {
    tokio::time::timeout(Duration::from_secs(5), page.changed()).await.expect("it is told");
}
