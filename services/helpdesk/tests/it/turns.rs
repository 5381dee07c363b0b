//! Two hundred pages that are open: each is told of what changed last, and no two in one moment.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use testkit::desk::PATIENCE;
use testkit::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness, Somebody};

const PAGES: usize = 200;
/// What lies between two that are told, as `rules::pace` has it.
const SPACE: Duration = Duration::from_millis(20);
/// How late a test may hear what was said in time.
const LATE: Duration = Duration::from_secs(1);

/// When which stream was told.
type Heard = Arc<Mutex<Vec<(usize, Instant)>>>;

/// Opens a list's stream, and listens until it is dropped.
async fn listen(address: String, cookie: String, page: usize, heard: Heard) {
    let mut stream = TcpStream::connect(&address).await.expect("the help desk listens");
    let request = format!(
        "GET /tickets/live?after=0 HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    let mut read = Vec::new();
    while stream.read_buf(&mut read).await.expect("it is read") > 0 {
        let text = String::from_utf8_lossy(&read);
        if text.starts_with("HTTP/1.1 200") && text.contains("event: changed") {
            heard.lock().expect("nobody panicked").push((page, Instant::now()));
            read = b"HTTP/1.1 200".to_vec();
        }
    }
}

async fn change(harness: &HelpdeskHarness, who: &Somebody) {
    harness.post(who, "/tickets/1", &[("body", "A note."), ("mode", "note")]).await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_pages_are_told_in_turn_and_each_of_the_last_change() {
    let harness = HelpdeskHarness::set("helpdesk-turns").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ticket(&sam, "The pump leaks", &[]).await;
    let (heard, mut pages) = (Heard::default(), JoinSet::new());
    let address = harness.url.trim_start_matches("http://").to_owned();
    for page in 0..PAGES {
        pages.spawn(listen(address.clone(), sam.cookie().to_owned(), page, Arc::clone(&heard)));
    }
    let who_heard = |since: Instant| {
        let heard = heard.lock().expect("nobody panicked");
        let mut pages: Vec<usize> =
            heard.iter().filter(|(_, at)| *at >= since).map(|(page, _)| *page).collect();
        pages.sort_unstable();
        pages.dedup();
        pages.len()
    };
    // Until all listen: what is said while one does not yet is no news to it.
    let began = Instant::now();
    until("all pages hear something", PATIENCE, async || {
        change(&harness, &sam).await;
        let heard = who_heard(began);
        if heard == PAGES { Ok(()) } else { Err(format!("{heard} of {PAGES}")) }
    })
    .await;
    let last = Instant::now();
    change(&harness, &sam).await;
    until("all pages hear of the last change", PATIENCE, async || {
        let heard = who_heard(last);
        if heard == PAGES { Ok(()) } else { Err(format!("{heard} of {PAGES}")) }
    })
    .await;
    let heard = heard.lock().expect("nobody panicked").clone();
    let (first, end) = (heard[0].1, heard[heard.len() - 1].1);
    let turns = u32::try_from(heard.len() - 1).expect("few");
    assert!(end - first + LATE >= SPACE * turns, "{turns} turns in {:?}", end - first);
    harness.remove().await;
}
