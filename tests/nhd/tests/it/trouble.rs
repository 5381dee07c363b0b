//! A partner that does wrong, and the bridge: what was to be told arrives once it behaves again,
//! once and in order; nothing leaks meanwhile; what ends, ends with its reason.

use contracts::AgreementId;
use nhd_partner::{Deed, Dialect, Misbehaviour, Partner};
use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use crate::story::{agreed_to, alike};
use crate::system::{CALL_TIMEOUT, System, agreement, comment, invite, share, taken, update};

/// Waits until the partner was called so often.
async fn called(partner: &Partner, times: usize) {
    until(&format!("{times} calls"), PATIENCE, async || {
        let told = partner.desk(|it| it.books.told.len());
        (told >= times).then_some(()).ok_or_else(|| format!("{told}"))
    })
    .await;
}

/// A ticket that the desk shares with a partner; its number is 1. The agreement, and the ticket's
/// id there.
async fn shared(desk: &Desk, partner: &Partner) -> (AgreementId, String) {
    let (agreement, _) = agreed_to(desk, partner).await;
    let ticket = json!({ "id": "1", "subject": "Meter", "status": "open",
        "requester": { "id": "r", "name": "Max", "role": "end_user" } });
    share(desk, &agreement, ticket).await;
    let uuid = until("the ticket at the partner", PATIENCE, async || {
        partner.desk(|it| it.tickets.keys().next().cloned().ok_or("none".to_owned()))
    });
    (agreement, uuid.await)
}

async fn says(desk: &Desk, text: &str) {
    let said = json!({ "comments": [comment(desk, text, true)] });
    taken(&update(desk, "1", said).await);
}

/// What went wrong is told again until it is there, once.
pub async fn told_again(system: &System) {
    let desk = system.desk("hooli").await;
    let partner = system.partner("Partner Desk", Dialect::Zendesk.habits()).await;
    let stranger = system.partner("Stranger", Dialect::Zendesk.habits()).await;
    let (_, uuid) = shared(&desk, &partner).await;
    alike(&desk, "1", &partner, &uuid).await;
    let refused = |status| Deed::Refuse { status, body: "not now".to_owned() };
    let location = format!("{}/tickets/{uuid}", stranger.url);
    let deeds = [
        refused(503),
        refused(429),
        Deed::Drop,
        Deed::HtmlPage,
        Deed::DoneButFailed(500),
        Deed::DoneButDropped,
        Deed::DoneLate(CALL_TIMEOUT * 2),
        Deed::Hang(CALL_TIMEOUT * 2),
        Deed::Elsewhere { status: 307, location },
        Deed::Huge(10 * 1024 * 1024),
    ];
    for (at, deed) in deeds.into_iter().enumerate() {
        let before = partner.desk(|it| it.books.told.len());
        partner.misbehave(Misbehaviour::always(deed.clone()));
        says(&desk, &format!("First of {at}")).await;
        says(&desk, &format!("Second of {at}")).await;
        called(&partner, before + 1).await;
        partner.misbehave(Misbehaviour::default());
        alike(&desk, "1", &partner, &uuid).await;
        let (doubled, taken) =
            partner.desk(|it| (it.books.doubled(), it.books.first_taken().split_off(2 * at)));
        assert!(doubled.is_empty(), "{deed:?}: {doubled:?}");
        assert_eq!(taken, [format!("First of {at}"), format!("Second of {at}")], "{deed:?}");
    }
    let told = stranger.desk(|it| it.books.told.clone());
    assert!(told.is_empty(), "nothing goes to another host: {told:?}");
}

/// A word that is refused holds up no other, and a no to the token ends the agreement.
pub async fn refused(system: &System) {
    let desk = system.desk("vandelay").await;
    let partner = system.partner("Partner Desk", Dialect::Zendesk.habits()).await;
    let (at_home, uuid) = shared(&desk, &partner).await;
    let refused = |status| Deed::Refuse { status, body: "we do not want this".to_owned() };
    // Not one that may mean the media type, which is tried again by another.
    partner.misbehave(Misbehaviour::always(refused(409)));
    let before = partner.desk(|it| it.books.told.len());
    says(&desk, "Unwanted").await;
    called(&partner, before + 1).await;
    partner.misbehave(Misbehaviour::default());
    says(&desk, "Wanted").await;
    until("the next word", PATIENCE, async || {
        let said = partner.desk(|it| it.ticket(&uuid).said());
        (said == [("Wanted".to_owned(), true)]).then_some(()).ok_or_else(|| format!("{said:?}"))
    })
    .await;
    // At three in the morning it is found from the ticket's number.
    until("the refusal in the ticket's story", PATIENCE, async || {
        let told = system.traced("vandelay/1");
        let is_told = told.contains("the update to localhost") && told.contains("REFUSED: 409");
        is_told.then_some(()).ok_or(told)
    })
    .await;
    partner.misbehave(Misbehaviour::always(refused(403)));
    says(&desk, "Anybody there?").await;
    let ended = agreement(&desk, "agreement.deactivated.v1", |it| it.agreement_id == at_home).await;
    assert!(ended.by.name.as_str().contains("403"), "{ended:?}");
}

/// A partner whose certificate has expired hears nothing.
pub async fn expired(system: &System) {
    let desk = system.desk("stark").await;
    let habits = Dialect::Zendesk.habits();
    let (expired, good) = (
        system.partner_until("Expired", habits.clone(), 2020).await,
        system.partner("Good", habits).await,
    );
    invite(&desk, &expired.url).await;
    invite(&desk, &good.url).await;
    called(&good, 1).await;
    // The other was invited before, and had its turn.
    assert!(expired.desk(|it| it.books.told.is_empty()));
}
