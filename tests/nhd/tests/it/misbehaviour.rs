//! Each thing that a partner can do wrong: what a caller sees of it, and what is done all the same.

use std::time::Duration;

use http::Method;
use nhd_partner::dialect::agreement::AgreementChange;
use nhd_partner::held::{PartnerTerms, Standing, TicketChange};
use nhd_partner::{
    Authority, Deed, Dialect, Misbehaviour, NewTicket, Partner, PartnerCall, Verdict,
};

/// A deed, what is made of it, and whether it was carried out all the same.
type Row = (Deed, fn(&Verdict) -> bool, bool);

const LIMIT: Duration = Duration::from_mins(1);

/// Two Zendesks that share a ticket.
struct Pair {
    a: Partner,
    b: Partner,
    ticket: String,
}

impl Pair {
    async fn open() -> Self {
        let a = Partner::plain("A", Dialect::Zendesk.habits()).await.expect("a partner");
        let b = Partner::plain("B", Dialect::Zendesk.habits()).await.expect("a partner");
        let there = b.url.clone();
        let (agreement, invite) = a.desk(|desk| desk.invite(&there, PartnerTerms::everything()));
        assert!(a.call(invite).await.0.is_done());
        let accepted = AgreementChange::Standing(Standing::Accepted);
        assert!(b.say(|desk| desk.change_agreement(&agreement, &accepted)).await.is_done());
        let new =
            NewTicket { subject: "Meter".into(), status: "open".into(), ..NewTicket::default() };
        let (ticket, share) = a.desk(|desk| desk.share(&agreement, new));
        assert!(a.call(share).await.0.is_done());
        Self { a, b, ticket }
    }

    /// A comment by A, as a call.
    fn comment(&self, body: &str) -> PartnerCall {
        self.a.desk(|desk| {
            let comments = vec![desk.comment(body, true)];
            desk.update(&self.ticket, TicketChange { comments, ..TicketChange::default() })
        })
    }

    /// Whether both hold the same conversation.
    fn is_alike(&self) -> bool {
        let said = |partner: &Partner| partner.desk(|desk| desk.ticket(&self.ticket).said());
        said(&self.a) == said(&self.b)
    }
}

#[tokio::test]
async fn each_deed_is_what_it_says() {
    let soon = Duration::from_millis(1);
    let refused = |status| Deed::Refuse { status, body: "no".to_owned() };
    let done = |verdict: &Verdict| verdict.is_done();
    let silent = |verdict: &Verdict| matches!(verdict, Verdict::Silent(_));
    let failed = |verdict: &Verdict| matches!(verdict, Verdict::Failed(_));
    let raised = |verdict: &Verdict| matches!(verdict, Verdict::Raised(_));
    let table: [Row; 9] = [
        (refused(503), failed, false),
        (refused(429), raised, false),
        (Deed::Drop, silent, false),
        (Deed::Hang(soon), silent, false),
        (Deed::HtmlPage, done, false),
        (Deed::DoneButFailed(500), failed, true),
        (Deed::DoneButDropped, silent, true),
        (Deed::DoneLate(soon), done, true),
        (Deed::Huge(1024 * 1024), done, true),
    ];
    for (deed, is_seen, is_done) in table {
        let pair = Pair::open().await;
        pair.b.misbehave(Misbehaviour::always(deed.clone()));
        let call = pair.comment("Hello");
        let (verdict, _) = pair.a.call(call).await;
        assert!(is_seen(&verdict), "{deed:?}: {verdict:?}");
        assert_eq!(pair.is_alike(), is_done, "{deed:?}");
        let noted = pair.b.desk(|desk| desk.books.told.last().map(|told| told.is_done));
        assert_eq!(noted, Some(is_done), "{deed:?}");
    }
}

#[tokio::test]
async fn zendesk_carries_its_token_to_whatever_host_it_is_sent_to() {
    let pair = Pair::open().await;
    let stranger = Partner::plain("S", Dialect::Zendesk.habits()).await.expect("a partner");
    let location = format!("{}/tickets/{}", stranger.url, pair.ticket);
    pair.b.misbehave(Misbehaviour::always(Deed::Elsewhere { status: 307, location }));
    let (verdict, _) = pair.a.call(pair.comment("Hello")).await;
    assert_eq!(verdict, Verdict::Failed(403), "the stranger knows no such agreement");
    let told = stranger.desk(|desk| desk.books.told[0].clone());
    let token = pair.a.desk(|desk| {
        let agreement = &desk.ticket(&pair.ticket).agreement;
        desk.agreement(agreement).token()
    });
    assert_eq!(told.headers["x-ticket-sharing-token"], token);
    assert_eq!(told.method, "PUT");
    assert!(told.body.contains("Hello"));
}

#[tokio::test]
async fn a_third_redirect_raises() {
    let pair = Pair::open().await;
    let location = format!("{}/tickets/{}", pair.b.url, pair.ticket);
    pair.b.misbehave(Misbehaviour::always(Deed::Elsewhere { status: 301, location }));
    let (verdict, answers) = pair.a.call(pair.comment("Hello")).await;
    assert!(matches!(verdict, Verdict::Raised(_)), "{verdict:?}");
    assert_eq!(answers.len(), 3);
}

#[tokio::test]
async fn a_restart_loses_nothing_and_who_insists_is_heard() {
    let pair = Pair::open().await;
    let call = pair.comment("Hello");
    let (insisted, restarted) =
        tokio::join!(pair.a.insist(call, LIMIT), pair.b.restart(Duration::from_millis(300)));
    restarted.expect("the port is free");
    assert_eq!(insisted.expect("an answer"), Verdict::Done);
    assert!(pair.is_alike());
}

#[tokio::test]
async fn the_books_find_what_a_liar_lost() {
    let pair = Pair::open().await;
    pair.b.misbehave(Misbehaviour { fails: 200, lies: 100, seed: 3, ..Misbehaviour::default() });
    for number in 0..100 {
        let call = pair.comment(&format!("Comment {number}"));
        pair.a.insist(call, LIMIT).await.expect("an answer");
    }
    // It believes a page for people: what it was told is there, is not.
    let taken = pair.a.desk(|desk| desk.books.comments_taken());
    let held = pair.b.desk(|desk| desk.ticket(&pair.ticket).comments.len());
    assert_eq!(taken.len(), 100);
    assert!(held < 100, "{held}");
    assert!(!pair.is_alike());
    assert!(pair.b.desk(|desk| desk.books.doubled().is_empty()));
}

#[tokio::test]
async fn an_expired_certificate_is_no_answer() {
    let authority = Authority::new().expect("an authority");
    let habits = || Dialect::Zendesk.habits();
    let open = |until| Partner::with_tls("B", habits(), &authority, "", until);
    let a = open(2090).await.expect("a partner");
    for (until, is_reached) in [(2090, true), (2020, false)] {
        let b = open(until).await.expect("a partner");
        let there = b.url.clone();
        let (_, invite) = a.desk(|desk| desk.invite(&there, PartnerTerms::default()));
        let (verdict, _) = a.call(invite).await;
        assert_eq!(verdict.is_done(), is_reached, "{until}: {verdict:?}");
        assert_eq!(b.desk(|desk| desk.books.told.len()), usize::from(is_reached));
    }
}

#[tokio::test]
async fn a_link_to_a_file_expires() {
    let pair = Pair::open().await;
    let file = pair.b.desk(|desk| desk.attach("meter.txt", "text/plain", b"12,4 kWh"));
    let fetch = || pair.a.ask(Method::GET, &file.url, Vec::new(), Vec::new());
    let fetched = fetch().await.expect("an answer");
    assert_eq!((fetched.status, fetched.body.as_str()), (200, "12,4 kWh"));
    pair.b.desk(nhd_partner::PartnerDesk::expire_links);
    assert_eq!(fetch().await.expect("an answer").status, 410);
}
