//! One account reaches nothing of another's: every route, with every id of the other, answers as it
//! does for what never was.

use std::path::Path;

use serde_json::json;
use web::StaffRole;

use crate::harness::{ACME, Answer, GLOBEX, HelpdeskHarness, Somebody, created, id};

const NEVER: &str = "00000000-0000-4000-8000-000000000000";
const ANN: &str = "ann@customer.example";

/// Routes of one thing: method, path and form, with `{id}` where its id stands. What is Globex's
/// own begins with `own_`.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/tickets/{ticket}", ""),
    ("POST", "/tickets/{ticket}", "body=x&mode=note"),
    ("POST", "/tickets/{ticket}", "status=solved&was:status=new"),
    ("POST", "/tickets/{ticket}/fields", "status=solved&was:status=new"),
    ("POST", "/tickets/{ticket}/sees", ""),
    ("POST", "/tickets/{ticket}/share", "share_with={agreement}"),
    ("POST", "/tickets/{ticket}/unshare", "share={share}"),
    ("POST", "/tickets/{ticket}/requester", "name=x&email=x@x.example"),
    ("POST", "/tickets/{ticket}/requester/address", "email=x@x.example"),
    ("POST", "/tickets/{ticket}/ccs", "email=x@x.example"),
    ("POST", "/tickets/{ticket}/ccs", "remove={cc}"),
    ("POST", "/tickets/{ticket}/redact", "comment={comment}"),
    ("POST", "/tickets/{ticket}/merge", "into=1"),
    ("POST", "/tickets/{own_ticket}", "group={group}&was:group="),
    ("POST", "/tickets/{own_ticket}", "assignee={person}&was:assignee="),
    ("POST", "/tickets/{own_ticket}/share", "share_with={agreement}"),
    ("POST", "/tickets/{own_ticket}/unshare", "share={share}"),
    ("POST", "/tickets/{own_ticket}/ccs", "remove={cc}"),
    ("POST", "/tickets/{own_ticket}/redact", "comment={comment}"),
    ("GET", "/tickets?view={view}", ""),
    ("GET", "/tickets?view=from:initech", ""),
    ("GET", "/people/{cc}", ""),
    ("POST", "/people/{cc}", "name=x"),
    ("POST", "/people/{cc}", "do=delete"),
    ("POST", "/people/{cc}", "do=merge&into=robin@customer.example"),
    ("POST", "/people/{own_asker}", "do=merge&into={address}"),
    ("POST", "/people/{own_asker}", "name=x&organisation={organisation}"),
    ("GET", "/organisations/{organisation}", ""),
    ("POST", "/organisations/{organisation}", "name=Taken"),
    ("POST", "/settings/people/{person}", "do=link"),
    ("POST", "/settings/people/{person}", "do=disable"),
    ("POST", "/settings/people/{person}", "role=agent"),
    ("POST", "/settings/sign-in/people/{person}", ""),
    ("POST", "/settings/fields", "key={field}&title=Taken"),
    ("POST", "/settings/fields/{field}/delete", ""),
    ("POST", "/settings/own-fields", "about=person&delete={own_field}"),
    ("POST", "/settings/statuses", "do=rename&key={status}&name=Taken"),
    ("POST", "/settings/statuses", "do=remove&key={status}"),
    ("GET", "/settings/rules/trigger/{trigger}", ""),
    ("POST", "/settings/rules/trigger/{trigger}", "name=x&do=delete"),
    ("POST", "/settings/rules/trigger/{trigger}", "name=x&do=save"),
    ("POST", "/settings/rules/trigger/{trigger}/earlier", ""),
    ("GET", "/settings/rules/view/{view}", ""),
    ("GET", "/sharing/agreements/{agreement}", ""),
    ("POST", "/sharing/agreements/{agreement}/decide", "key=k&decision=accept"),
    ("POST", "/sharing/agreements/{agreement}/deactivate", "key=k&sure=on"),
    ("POST", "/sharing/agreements/{agreement}/compare", "key=k"),
    (
        "POST",
        "/sharing/agreements/{agreement}/rehearse",
        "key=00000000-0000-4000-8000-000000000000",
    ),
    ("POST", "/sharing/agreements/{agreement}/calls", "act=retry"),
    ("GET", "/sharing/tickets/{share}", ""),
    ("GET", "/help/globex/confirm/{confirmation}/{confirms}", ""),
    ("POST", "/help/globex/confirm/{confirmation}/{confirms}", ""),
    ("GET", "/help/globex/requests/{ticket}/{follows}", ""),
    ("POST", "/help/globex/requests/{ticket}/{follows}", "body=x"),
];

/// Pages of what an account has: of another's they show nothing.
const LISTS: &[&str] = &[
    "/tickets?view=recent",
    "/tickets/new",
    "/search?q=secret",
    "/search?q=%233",
    "/people",
    "/people?q=cleo",
    "/organisations",
    "/settings/people",
    "/settings/sign-in",
    "/settings/fields",
    "/settings/own-fields",
    "/settings/statuses",
    "/settings/tickets",
    "/settings/rules/trigger",
    "/settings/rules/view",
    "/settings/audit",
    "/settings/groups",
    "/settings/address",
    "/sharing",
    "/sharing/invite",
    "/sharing/tickets",
    "/me",
];

/// Routes that name nothing of an account's: what is sent there is made anew, is whoever's who
/// sends it, or is said by whoever is asked in public.
const OF_NOBODY: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/live"),
    ("GET", "/tickets/live"),
    ("POST", "/tickets"),
    ("POST", "/organisations"),
    ("POST", "/settings/people"),
    ("POST", "/settings/sign-in"),
    ("POST", "/settings/sign-in/test"),
    ("POST", "/settings/sign-in/remove"),
    ("POST", "/settings/tickets"),
    ("POST", "/settings/groups"),
    ("POST", "/settings/address"),
    ("POST", "/sharing/opt-out"),
    ("POST", "/sharing/show-fields"),
    ("POST", "/sharing/invite"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/organisation"),
    ("GET", "/sign-in/organisation/go"),
    ("GET", "/sign-in/organisation/back"),
    ("GET", "/sign-in/link/{token}"),
    ("POST", "/sign-in/link/{token}"),
    ("POST", "/sign-out"),
    ("POST", "/me"),
    ("POST", "/me/password"),
    ("GET", "/help/{address}"),
    ("POST", "/help/{address}"),
];

/// Every route that the sources name: method and path.
fn served() -> Vec<(&'static str, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["src/pages", "../../shared/web/src"] {
        read_all(&here.join(folder), &mut sources);
    }
    let mut served = Vec::new();
    for route in sources.split(".route(").skip(1) {
        let Some((path, rest)) =
            route.trim_start().strip_prefix('"').and_then(|it| it.split_once('"'))
        else {
            continue;
        };
        let mut depth = 1;
        let handlers = rest.split_inclusive(['(', ')']).take_while(|part| {
            depth += if part.ends_with('(') { 1 } else { -1 };
            depth > 0
        });
        let handlers: String = handlers.collect();
        for (method, word) in [("GET", "get("), ("POST", "post(")] {
            let is_one = |at: usize| !handlers[..at].ends_with(|it: char| it.is_alphanumeric());
            if handlers.match_indices(word).any(|(at, _)| is_one(at)) {
                served.push((method, path.to_owned()));
            }
        }
    }
    served
}

fn read_all(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            into.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}

/// Whether a path with ids in it is one of a route's.
fn is_of(path: &str, route: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (path, route): (Vec<&str>, Vec<&str>) =
        (path.split('/').collect(), route.split('/').collect());
    let fits = |(given, named): (&&str, &&str)| named.starts_with('{') || given == named;
    path.len() == route.len() && path.iter().zip(&route).all(fits)
}

#[test]
fn every_route_is_walked_or_names_nothing_of_an_account() {
    let served = served();
    assert!(served.len() > 70, "{served:?}");
    let walked = |method: &str, route: &str| {
        ROUTES.iter().any(|(of, path, _)| *of == method && is_of(path, route))
            || method == "GET" && LISTS.iter().any(|path| is_of(path, route))
            || OF_NOBODY.contains(&(method, route))
    };
    let missing: Vec<_> = served.iter().filter(|(method, path)| !walked(method, path)).collect();
    assert!(missing.is_empty(), "these are not walked: {missing:?}");
    let is_served = |(method, path): &&(&str, &str)| {
        served.iter().any(|(of, route)| of == method && route == path)
    };
    let gone: Vec<_> = OF_NOBODY.iter().filter(|it| !is_served(it)).collect();
    assert!(gone.is_empty(), "these are not there any more: {gone:?}");
}

/// Ids of Acme's things, by their names in `ROUTES`, each with one of its kind that never was.
type Ids = Vec<(&'static str, String, String)>;

/// Acme has one of everything, its ticket under a number that Globex has not reached; Globex has a
/// ticket.
async fn everything(harness: &HelpdeskHarness, acme: &Somebody, globex: &Somebody) -> Ids {
    for _ in 0..3 {
        harness.ticket(acme, "Secret pump", &[("tags", "secret")]).await;
    }
    harness.ticket(globex, "Our own", &[]).await;
    harness.agreement(ACME, &id(1), "sender", "initech", "public_and_private").await;
    harness.agreement(ACME, &id(4), "receiver", "initech", "public_and_private").await;
    let told = created(&id(2), &id(4), "initech", json!({}));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    harness.shows(acme, "/tickets/4", "The pump leaks").await;
    let cc = [("name", "Secret Cleo"), ("email", "cleo@customer.example")];
    let status = [("do", "add"), ("name", "Secret status"), ("category", "open")];
    let made: [(&str, &[(&str, &str)]); 5] = [
        ("/settings/fields", &[("title", "Meter model"), ("type", "text")]),
        ("/settings/own-fields", &[("about", "person"), ("title", "Secret field")]),
        ("/settings/statuses", &status),
        ("/settings/groups", &[("name", "Secret group")]),
        ("/tickets/3/ccs", &cc),
    ];
    for (path, form) in made {
        harness.post(acme, path, form).await.is(303);
    }
    for kind in ["trigger", "view"] {
        let path = rule_path(kind);
        let form = [
            ("new", "yes"),
            ("name", "Secret rule"),
            ("on", "on"),
            ("all_on", "status"),
            ("all_op", "is"),
            ("all_value", "New"),
            ("do_what", "add_tags"),
            ("do_value", "x"),
            ("do", "save"),
        ];
        harness.post(acme, &path, &form).await.is(303);
        harness.get(acme, &path).await.is(200).has("Secret rule");
    }
    let added = harness.post(acme, "/organisations", &[("name", "Secret Farms")]).await;
    let organisation = added.is(303).location.replace("?said=said.saved", "");
    let ask = [("name", "Secret Ann"), ("email", ANN), ("subject", "Tap"), ("body", "It drips.")];
    harness.ask("POST", "/help/acme", None, Some(&ask)).await.is(303);
    let confirm = harness.link_in(&harness.mails_to(ANN, 1).await[0]);
    let mails = harness.mails_to("robin@customer.example", 4).await;
    let mut links = mails.iter().map(|mail| harness.link_in(mail));
    let follow = links.find(|link| link.starts_with("/help/acme/requests/3/"));
    let follow = follow.expect("a link to the third ticket");
    let group: String = sqlx::query_scalar("select id::text from agent_group where account = $1")
        .bind(ACME)
        .fetch_one(&harness.pool)
        .await
        .expect("the database answers");
    let page = harness.get(acme, "/tickets/3").await;
    let comment = page.between("name=\"comment\" value=\"", "\"");
    let cc = page.between("name=\"remove\" value=\"", "\"");
    let own_asker = harness.get(globex, "/people").await.between("<a href=\"/people/", "\"");
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let signature = "0".repeat(40);
    let never = NEVER.to_owned();
    let both = |one: &str| (one.to_owned(), one.to_owned());
    let confirmation = confirm.split('/').nth(4).unwrap_or_default();
    [
        ("{ticket}", ("3".to_owned(), "999".to_owned())),
        ("{agreement}", (id(1), never.clone())),
        ("{share}", (id(2), never.clone())),
        ("{comment}", (comment, never.clone())),
        ("{cc}", (cc, never.clone())),
        ("{person}", (acme.id.to_string(), never.clone())),
        ("{field}", ("meter_model".to_owned(), "never".to_owned())),
        ("{own_field}", ("secret_field".to_owned(), "never".to_owned())),
        ("{status}", ("secret_status".to_owned(), "never".to_owned())),
        ("{group}", (group, never.clone())),
        ("{organisation}", (last(&organisation), never.clone())),
        ("{address}", ("cleo@customer.example".to_owned(), "never@x.example".to_owned())),
        ("{trigger}", (last(&rule_path("trigger")), never.clone())),
        ("{view}", (last(&rule_path("view")), never.clone())),
        ("{confirmation}", (confirmation.to_owned(), never)),
        ("{confirms}", (last(&confirm), signature.clone())),
        ("{follows}", (last(&follow), signature)),
        ("{own_ticket}", both("1")),
        ("{own_asker}", both(&own_asker)),
    ]
    .map(|(name, (theirs, unknown))| (name, theirs, unknown))
    .to_vec()
}

fn rule_path(kind: &str) -> String {
    format!("/settings/rules/{kind}/{}", id(50 + kind.len() as u128))
}

/// What Globex is answered, where an id stands for each name.
async fn answered(
    harness: &HelpdeskHarness,
    globex: &Somebody,
    (method, path, form): (&str, &str, &str),
    ids: &[(&str, &str)],
) -> Answer {
    let filled =
        |text: &str| ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id));
    let (path, form) = (filled(path), filled(form));
    let form: Vec<(&str, &str)> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let form = (method == "POST").then_some(form.as_slice());
    harness.ask(method, &path, Some(globex), form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_things_answer_like_unknown_ones() {
    let harness = HelpdeskHarness::set("helpdesk-tenants").await;
    let acme = harness.person(ACME, "Agatha", StaffRole::Admin).await;
    let globex = harness.person(GLOBEX, "Gus", StaffRole::Admin).await;
    let ids = everything(&harness, &acme, &globex).await;
    let theirs: Vec<(&str, &str)> =
        ids.iter().map(|(name, theirs, _)| (*name, theirs.as_str())).collect();
    let unknown: Vec<(&str, &str)> =
        ids.iter().map(|(name, _, unknown)| (*name, unknown.as_str())).collect();
    for route in ROUTES {
        let others = answered(&harness, &globex, *route, &theirs).await;
        let unknown = answered(&harness, &globex, *route, &unknown).await;
        assert_eq!(others.status, 404, "{route:?}: {others:?}");
        others.lacks("Secret").lacks("pump");
        assert_eq!(others.body, unknown.body, "{route:?}");
    }
    for path in LISTS {
        let page = harness.get(&globex, path).await;
        page.is(200).lacks("Secret").lacks("pump").lacks("Agatha").lacks("Meter model");
        page.lacks("Jo Park").lacks("INITECH").lacks("cleo@");
    }
    // Nothing of it had an effect.
    let page = harness.get(&acme, "/tickets/3").await;
    page.has("Secret pump").has("st--new").has("Secret Cleo").lacks("x@x.example");
    harness.get(&acme, &rule_path("trigger")).await.has("Secret rule");
    harness.get(&acme, "/settings/fields").await.has("Meter model");
    harness.get(&acme, "/settings/own-fields").await.has("Secret field");
    harness.get(&acme, "/organisations").await.has("Secret Farms");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_of_anothers_is_none_to_share_under() {
    let harness = HelpdeskHarness::set("helpdesk-others").await;
    let globex = harness.person(GLOBEX, "Gus", StaffRole::Agent).await;
    harness.agreement(ACME, &id(1), "sender", "initech", "public_and_private").await;
    harness.ticket(&globex, "Meter", &[]).await;
    let acmes = [("share_with", id(1))].map(|(name, id)| (name, id));
    let acmes: Vec<(&str, &str)> = acmes.iter().map(|(name, id)| (*name, id.as_str())).collect();
    let others = harness.post(&globex, "/tickets/1/share", &acmes).await;
    let unknown = harness.post(&globex, "/tickets/1/share", &[("share_with", NEVER)]).await;
    others.is(404);
    assert_eq!(others.body, unknown.body);
    harness.remove().await;
}
