//! Partners that fail, hang, lie or speak otherwise.

use std::collections::BTreeSet;
use std::sync::Arc;

use bootstrap::Question;
use desk::calls::PausedBy;
use nhd_bridge::store::health;
use nhd_bridge::trailing;
use serde_json::{Value, json};
use testkit::desk::{PATIENCE, clock};
use testkit::{Desk, until};
use timeline::CallOutcome;

use crate::inviting::{accepted, agreed, invite, share, shares, shares_as};
use crate::partner::{Known, Said};
use crate::world::{AT_ONCE, World, agreement_told, answers, applied};

/// Calls of one agreement at the same time, at most.
const OF_AGREEMENT: usize = 4;

/// No answer comes at all.
const NEVER: Said = (0, Vec::new(), String::new());

fn said(status: u16, text: &str) -> Said {
    (status, vec![("content-type", "text/plain".to_owned())], text.to_owned())
}

/// Acme writes a comment on a shared ticket.
async fn writes(acme: &Desk, share_id: &Value, number: u64, text: &str) {
    let update = json!({ "share_id": share_id, "occurred_at": clock(),
        "actor": { "id": "7", "name": "Ada", "role": "agent" },
        "comments": [{ "id": format!("{}/w{number}", acme.account), "body": text }] });
    applied(&acme.ask("ticket.update.v1", &update).await);
}

pub async fn a_failing_partner_gets_everything_once_and_in_order(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    // Of all calls about tickets each third is taken.
    let mut count = 0;
    partner.answers(move |heard| {
        if !heard.path.contains("/tickets/") {
            return None;
        }
        count += 1;
        let busy = if count % 2 == 0 { 503 } else { 500 };
        (count % 3 != 0).then(|| said(busy, "not now"))
    });
    let (uuid, share_id) = share(&world, &acme, &partner, &known).await;
    for number in 0..5 {
        writes(&acme, &share_id, number, &format!("comment {number}")).await;
    }
    let path = format!("/tickets/{uuid}");
    partner.hears("PUT", &path, |it| it.body.to_string().contains("comment 4")).await;
    let query = "select count(*)::text from call join agreement on agreement.id = call.agreement
        where uuid = $1";
    answers(&world.pool, "an empty queue", query, &known.uuid, "0").await;
    // Each third request was taken: those are the share and then the comments as they were written.
    let heard = partner.heard().into_iter().filter(|it| it.path.contains("/tickets/"));
    let taken: Vec<String> = heard
        .enumerate()
        .filter(|(place, _)| (place + 1) % 3 == 0)
        .map(|(_, it)| {
            format!("{} {}", it.method, it.body["comments"][0]["body"].as_str().unwrap_or_default())
        })
        .collect();
    let mut expected = vec!["POST It drips.".to_owned()];
    expected.extend((0..5).map(|number| format!("PUT comment {number}")));
    assert_eq!(taken, expected);
    let query =
        "select failures::text || ' ' || (last_failure is not null) from agreement where uuid = $1";
    answers(&world.pool, "its health", query, &known.uuid, "0 true").await;
}

pub async fn a_partner_that_hangs_holds_up_no_other(world: Arc<World>) {
    let (acme, hanging) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &hanging, "public_and_private").await;
    hanging
        .answers(|heard| heard.path.contains("/tickets/").then(|| (0, Vec::new(), String::new())));
    // More than both replicas call at the same time, and more than those of one agreement.
    for _ticket in 0..AT_ONCE {
        shares(&world, &acme).await;
    }
    let called = || hanging.heard().iter().filter(|it| it.path.contains("/tickets/")).count();
    until("the first calls", PATIENCE, async || {
        if called() >= OF_AGREEMENT { Ok(()) } else { Err(called().to_string()) }
    })
    .await;
    let query = "select count(*)::text from call join agreement on agreement.id = call.agreement
        where uuid = $1";
    answers(&world.pool, "a queue", query, &known.uuid, &AT_ONCE.to_string()).await;
    let (globex, healthy) = (world.desk("globex").await, world.partner());
    let known = agreed(&world, &globex, &healthy, "public_and_private").await;
    share(&world, &globex, &healthy, &known).await;
    assert_eq!(called(), OF_AGREEMENT);
}

pub async fn a_page_for_people_is_no_success(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    let mut pages = 0;
    partner.answers(move |heard| {
        if heard.method == "GET" || !heard.path.contains("/tickets/") {
            return (heard.method == "GET").then(|| {
                (404, vec![("content-type", "text/plain".to_owned())], "no ticket".to_owned())
            });
        }
        pages += 1;
        let page = (
            200,
            vec![("content-type", "text/html".to_owned())],
            "<html>Sign in</html>".to_owned(),
        );
        (pages == 1).then_some(page)
    });
    let (uuid, _) = share(&world, &acme, &partner, &known).await;
    // It was read back, was not there, and was sent again.
    partner.hears("GET", &format!("/tickets/{uuid}"), |_| true).await;
    let query = "select count(*)::text from attempt where ticket = $1 and outcome = 'taken'";
    answers(&world.pool, "the second attempt", query, &uuid, "1").await;
    let posts =
        partner.heard().iter().filter(|it| it.method == "POST" && it.path.ends_with(&uuid)).count();
    assert_eq!(posts, 2);
}

pub async fn a_share_that_is_refused_at_its_second_try_keeps_the_reason(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    let mut posts = 0;
    partner.answers(move |heard| {
        if !heard.path.contains("/tickets/") {
            return None;
        }
        posts += usize::from(heard.method == "POST");
        match (heard.method.as_str(), posts) {
            ("POST", 1) => Some(said(503, "not now")),
            ("POST", _) => Some(said(422, "no such status")),
            _ => Some(said(404, "")),
        }
    });
    let (uuid, share_id) = share(&world, &acme, &partner, &known).await;
    let query = "select outcome || ' ' || status || ' ' || answer from attempt
        where ticket = $1 and outcome <> 'failed'";
    answers(&world.pool, "why", query, &uuid, "refused 422 no such status").await;
    let question = Question::Names(vec![share_id.as_str().expect("an id").to_owned()]);
    let mut connection = world.pool.acquire().await.expect("a connection");
    let trail = trailing(&mut connection, &question, false).await.expect("an answer");
    let told: Vec<_> = trail.calls.iter().map(|it| (it.kind.as_str(), it.outcome)).collect();
    assert_eq!(told, [("share", CallOutcome::Failed), ("share", CallOutcome::Refused)]);
    assert_eq!(trail.calls[1].reason.as_deref(), Some("422"), "never what was answered");
    assert!(partner.url.contains(&trail.calls[0].to), "{:?}", trail.calls[0]);
    // The agreement is not asked for: nothing says that it is unknown.
    let query =
        "select count(*)::text from attempt join agreement on agreement.id = attempt.agreement
        where agreement.uuid = $1 and attempt.kind = 'prove'";
    answers(&world.pool, "no proof", query, &known.uuid, "0").await;
}

pub async fn a_ticket_that_a_partner_begins_as_open_alone_gets_its_status_after(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    partner.answers(|heard| {
        let begins_otherwise = heard.method == "POST" && heard.body["status"] != "open";
        begins_otherwise.then(|| said(422, "no ticket begins so"))
    });
    shares_as(&world, &acme, "pending").await;
    let open = partner.hears("POST", "/tickets/", |it| it.body["status"] == "open").await;
    partner.hears("PUT", &open.path, |it| it.body["status"] == "pending").await;
    let query = "select string_agg(kind || ' ' || outcome, ', ' order by attempt.id)
        from attempt join agreement on agreement.id = attempt.agreement
        where agreement.uuid = $1 and ticket <> ''";
    answers(&world.pool, "the calls", query, &known.uuid, "share taken, update taken").await;
}

pub async fn the_other_media_type_is_tried_and_kept(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    partner.answers(|heard| {
        let strict = heard.header("content-type").starts_with("text/x-json");
        let other = !strict && heard.method != "DELETE";
        other.then(|| said(415, "text/x-json, please"))
    });
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    share(&world, &acme, &partner, &known).await;
    let heard = partner.heard();
    let media: Vec<&str> = heard.iter().map(|it| it.header("content-type")).collect();
    let strict = "text/x-json; charset=UTF-8";
    assert_eq!(media, ["application/json", strict, strict], "the invite twice, then the ticket");
}

pub async fn redirects_stay_at_the_host(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let elsewhere = world.partner();
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    partner.answers(|heard| {
        let moved = heard.path.starts_with("/moved");
        let to = format!("/moved{}", heard.path);
        (!moved).then(|| (302, vec![("location", to)], String::new()))
    });
    share(&world, &acme, &partner, &known).await;
    let moved = partner.hears("POST", "/moved/", |_| true).await;
    assert_eq!(moved.header("x-ticket-sharing-token"), known.token());
    let to = elsewhere.url.clone();
    partner.answers(move |heard| {
        Some((307, vec![("location", format!("{to}{}", heard.path))], String::new()))
    });
    let (_uuid, _) = share(&world, &acme, &partner, &known).await;
    let query = "select coalesce(max(last_failure), '') from agreement where uuid = $1";
    let host = partner.url.trim_start_matches("https://").trim_end_matches("/sharing");
    let why = format!(
        "redirect_refused: {host} redirects, and that is not followed: it leads to another host"
    );
    answers(&world.pool, "the refusal", query, &known.uuid, &why).await;
    assert!(elsewhere.heard().is_empty(), "the token went to another host");
}

pub async fn a_ticket_that_a_partner_lost_ends_alone(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    let (lost, lost_share) = share(&world, &acme, &partner, &known).await;
    let (kept, kept_share) = share(&world, &acme, &partner, &known).await;
    let gone = lost.clone();
    partner.answers(move |heard| heard.path.contains(&gone).then(|| said(404, "no ticket")));
    writes(&acme, &lost_share, 1, "Still there?").await;
    let query = "select state from shared where uuid = $1";
    answers(&world.pool, "the lost ticket", query, &lost, "refused").await;
    // The agreement was asked for, and stands.
    let path = format!("/agreements/{}", known.uuid);
    partner.hears("PUT", &path, |it| it.body["status"] == "accepted").await;
    writes(&acme, &kept_share, 2, "And this one?").await;
    let path = format!("/tickets/{kept}");
    partner.hears("PUT", &path, |it| it.body.to_string().contains("And this one?")).await;

    // A partner that refuses the token is gone: the agreement ends, and says why.
    partner.answers(|_| Some(said(403, "who are you?")));
    writes(&acme, &kept_share, 3, "Hello?").await;
    let ended = agreement_told(&acme, "inactive").await;
    assert!(ended["by"]["name"].as_str().is_some_and(|name| name.contains("403")), "{ended}");
}

pub async fn a_share_that_a_partner_never_took_ends_alone(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    // It fails, says that it has the ticket, and has not.
    let mut posts = 0;
    partner.answers(move |heard| {
        posts += usize::from(heard.method == "POST");
        match (heard.path.contains("/tickets/"), heard.method.as_str(), posts) {
            (true, "POST", 1) => Some(said(500, "not now")),
            (true, "POST", _) => Some(said(422, "it is here already")),
            (true, ..) => Some(said(404, "no such ticket")),
            _ => None,
        }
    });
    let (uuid, _) = share(&world, &acme, &partner, &known).await;
    let query = "select state from shared where uuid = $1";
    answers(&world.pool, "the ticket", query, &uuid, "refused").await;
    let query = "select status from agreement where uuid = $1";
    answers(&world.pool, "the agreement", query, &known.uuid, "accepted").await;
}

pub async fn our_own_trouble_is_no_failure_of_the_partner(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    let (uuid, share_id) = share(&world, &acme, &partner, &known).await;
    let query = "select count(*)::text from call where ticket = $1";
    answers(&world.pool, "an empty queue", query, &uuid, "0").await;
    let spoil = "update agreement set sealed_key = sealed_key || '\\x00' where uuid = $1";
    sqlx::query(spoil).bind(&known.uuid).execute(&world.pool).await.expect("it is unreadable");
    writes(&acme, &share_id, 1, "Is the key well?").await;
    let query = "select (due_at > created_at)::text || ' ' || failures from call where ticket = $1";
    answers(&world.pool, "a call that was let go", query, &uuid, "true 0").await;
    let mend = "update agreement set sealed_key = substr(sealed_key, 1, length(sealed_key) - 1)
        where uuid = $1";
    sqlx::query(mend).bind(&known.uuid).execute(&world.pool).await.expect("it is readable");
    let path = format!("/tickets/{uuid}");
    partner.hears("PUT", &path, |it| it.body.to_string().contains("Is the key well?")).await;
}

pub async fn what_a_dead_replica_held_is_called_after_its_lease(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    let (uuid, share_id) = share(&world, &acme, &partner, &known).await;
    let path = format!("/tickets/{uuid}");
    let query = "select count(*)::text from call where ticket = $1";
    answers(&world.pool, "an empty queue", query, &uuid, "0").await;
    let pause = "update agreement set paused_at = now() where uuid = $1";
    sqlx::query(pause).bind(&known.uuid).execute(&world.pool).await.expect("it is paused");
    writes(&acme, &share_id, 1, "Anybody there?").await;
    answers(&world.pool, "a call that waits", query, &uuid, "1").await;
    let leave = "update call set lease = gen_random_uuid(), leased_until = 'infinity'
        where ticket = $1";
    sqlx::query(leave).bind(&uuid).execute(&world.pool).await.expect("it is held");
    let resume = "update agreement set paused_at = null where uuid = $1";
    sqlx::query(resume).bind(&known.uuid).execute(&world.pool).await.expect("it goes on");
    // Another ticket of the agreement is called for meanwhile, and this one is not.
    share(&world, &acme, &partner, &known).await;
    assert!(partner.heard().iter().all(|it| it.method != "PUT"), "it was called while it was held");
    let end = "update call set leased_until = now() where ticket = $1";
    sqlx::query(end).bind(&uuid).execute(&world.pool).await.expect("its lease ends");
    partner.hears("PUT", &path, |it| it.body.to_string().contains("Anybody there?")).await;
    answers(&world.pool, "an empty queue again", query, &uuid, "0").await;
}

pub async fn what_a_dead_replica_began_may_have_been_taken(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    // It takes each new thing, and nobody hears its answer; then it says that it has it, and an
    // agent of its own has decided about the invite already.
    let mut begun = BTreeSet::new();
    partner.answers(move |heard| match heard.method.as_str() {
        "POST" if begun.insert(heard.path.clone()) => Some(NEVER),
        "POST" => Some(said(422, "it is here already")),
        "GET" => {
            let uuid = heard.path.rsplit('/').next().unwrap_or_default();
            let body = json!({ "uuid": uuid, "status": "accepted" }).to_string();
            Some((200, vec![("content-type", "application/json".to_owned())], body))
        }
        _ => None,
    });
    let known = invite(&world, &acme, &partner, "public_and_private").await;
    its_maker_dies(&world, &known).await;
    let query = "select outcome from attempt join agreement on agreement.id = attempt.agreement
        where uuid = $1";
    answers(&world.pool, "the invite", query, &known.uuid, "taken").await;
    accepted(&world, &acme, &partner, &known).await;
    let (uuid, _) = share(&world, &acme, &partner, &known).await;
    its_maker_dies(&world, &known).await;
    let query = "select outcome from attempt where ticket = $1";
    answers(&world.pool, "the share", query, &uuid, "taken").await;
    partner.hears("PUT", &format!("/tickets/{uuid}"), |_| true).await;
}

/// Whoever calls for the agreement is not heard of any more, and what it held is free.
async fn its_maker_dies(world: &World, known: &Known) {
    let end = "update call set leased_until = now() - interval '1 second'
        where agreement = (select id from agreement where uuid = $1) and lease is not null";
    let ended = sqlx::query(end).bind(&known.uuid).execute(&world.pool).await.expect("it ends");
    assert_eq!(ended.rows_affected(), 1, "a call is under way");
}

pub async fn what_the_operator_paused_the_account_cannot_let_go_on(world: Arc<World>) {
    use PausedBy::{Account, Operator};
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "private_only").await;
    let id: String = sqlx::query_scalar("select id from agreement where uuid = $1")
        .bind(&known.uuid)
        .fetch_one(&world.pool)
        .await
        .expect("it is kept");
    for (pauses, by, expected) in [
        (true, Account, Some(Account)),
        (false, Account, None),
        (true, Account, Some(Account)),
        (true, Operator, Some(Operator)),
        (true, Account, Some(Operator)),
        (false, Account, Some(Operator)),
        (false, Operator, None),
    ] {
        let done = if pauses {
            health::pause(&world.pool, &id, by).await
        } else {
            health::resume(&world.pool, &id, by).await
        };
        done.expect("the database answers");
        let home = acme.account.as_str();
        let shown = health::of_agreement(&world.pool, home, &id).await.expect("an answer");
        assert_eq!(shown.expect("it is known").paused_by, expected, "{pauses} {by:?}");
    }
    let elsewhere = health::of_agreement(&world.pool, "globex", &id).await.expect("an answer");
    assert_eq!(elsewhere, None, "another address's agreement");
}

pub async fn a_partner_that_moves_is_proven_at_its_new_place(world: Arc<World>) {
    let (acme, old, new) = (world.desk("acme").await, world.partner(), world.partner());
    let known = agreed(&world, &acme, &old, "public_and_private").await;
    let path = format!("/agreements/{}", known.uuid);
    // Ours is not the partner's to change.
    let ours = json!({ "sender_url": "https://elsewhere.example/sharing" });
    old.with(&known, "PUT", &path, &ours).await.is(403).says("sender_url");
    let moved = json!({ "receiver_url": new.url, "sender_url": known.url });
    old.with(&known, "PUT", &path, &moved).await.is(200);
    let proof = new.hears("PUT", &path, |it| it.body["status"] == "accepted").await;
    assert_eq!(proof.header("x-ticket-sharing-token"), known.token());
    new.is_proven(&known).await;
    share(&world, &acme, &new, &known).await;
    assert!(old.heard().iter().all(|it| it.method != "PUT"), "the old place was called");
}
