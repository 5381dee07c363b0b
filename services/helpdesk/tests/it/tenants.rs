//! One account reaches nothing of another's: every route, with every id of the other, answers as it
//! does for what never was.

use serde_json::json;
use web::Role;

use crate::harness::{ACME, GLOBEX, HelpdeskHarness, created, id};

const NEVER: &str = "00000000-0000-4000-8000-000000000000";

/// Routes of one thing: method, path and form, with `{id}` where its id stands.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/tickets/{ticket}", ""),
    ("POST", "/tickets/{ticket}", "body=x&mode=note"),
    ("POST", "/tickets/{ticket}", "status=solved&was:status=new"),
    ("POST", "/tickets/{ticket}/share", "share_with={agreement}"),
    ("POST", "/tickets/{ticket}/unshare", "share={share}"),
    ("POST", "/tickets/{ticket}/requester", "name=x&email=x@x.example"),
    ("POST", "/tickets/{ticket}/redact", "comment={comment}"),
    ("POST", "/tickets/{ticket}/merge", "into=1"),
    ("GET", "/tickets?view={view}", ""),
    ("GET", "/tickets?view=from:initech", ""),
    ("POST", "/settings/people/{person}", "do=link"),
    ("POST", "/settings/people/{person}", "do=disable"),
    ("POST", "/settings/people/{person}", "role=agent"),
    ("POST", "/settings/fields", "key={field}&title=Taken"),
    ("POST", "/settings/fields/{field}/delete", ""),
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
    ("GET", "/sharing/tickets/{share}", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn anothers_things_answer_like_unknown_ones() {
    let harness = HelpdeskHarness::set("helpdesk-tenants").await;
    let acme = harness.person(ACME, "Ada", Role::Admin).await;
    let globex = harness.person(GLOBEX, "Gus", Role::Admin).await;
    // Acme has one of everything, its ticket under a number that Globex has not reached.
    for _ in 0..3 {
        harness.ticket(&acme, "Secret pump", &[("tags", "secret")]).await;
    }
    harness.agreement(ACME, &id(1), "sender", "initech", "public_and_private").await;
    harness.agreement(ACME, &id(4), "receiver", "initech", "public_and_private").await;
    let told = created(&id(2), &id(4), "initech", json!({}));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    harness.shows(&acme, "/tickets/4", "The pump leaks").await;
    let field = [("title", "Meter model"), ("type", "text")];
    harness.post(&acme, "/settings/fields", &field).await.is(303);
    let status = [("do", "add"), ("name", "Secret status"), ("category", "open")];
    harness.post(&acme, "/settings/statuses", &status).await.is(303);
    let rule = |kind: &str| {
        let path = format!("/settings/rules/{kind}/{}", id(50 + kind.len() as u128));
        (
            path,
            [
                ("new", "yes"),
                ("name", "Secret rule"),
                ("on", "on"),
                ("all_on", "status"),
                ("all_op", "is"),
                ("all_value", "New"),
                ("do_what", "add_tags"),
                ("do_value", "x"),
                ("do", "save"),
            ],
        )
    };
    for kind in ["trigger", "view"] {
        let (path, form) = rule(kind);
        harness.post(&acme, &path, &form).await.is(303);
        harness.get(&acme, &path).await.is(200).has("Secret rule");
    }
    let comment = harness.get(&acme, "/tickets/3").await.between("name=\"comment\" value=\"", "\"");
    let (trigger, view) = (id(57), id(54));
    let person = acme.id.to_string();
    let ids: [(&str, &str, &str); 9] = [
        ("{ticket}", "3", "999"),
        ("{agreement}", &id(1), NEVER),
        ("{share}", &id(2), NEVER),
        ("{comment}", &comment, NEVER),
        ("{person}", &person, NEVER),
        ("{field}", "meter_model", "never"),
        ("{status}", "secret_status", "never"),
        ("{trigger}", &trigger, NEVER),
        ("{view}", &view, NEVER),
    ];
    let filled = |text: &str, which: fn(&(&str, &str, &str)) -> String| {
        ids.iter().fold(text.to_owned(), |text, id| text.replace(id.0, &which(id)))
    };
    for (method, path, form) in ROUTES {
        let mut answers = Vec::new();
        for which in
            [|id: &(&str, &str, &str)| id.1.to_owned(), |id: &(&str, &str, &str)| id.2.to_owned()]
        {
            let (path, form) = (filled(path, which), filled(form, which));
            let form: Vec<(&str, &str)> =
                form.split('&').filter_map(|pair| pair.split_once('=')).collect();
            let form = (*method == "POST").then_some(form.as_slice());
            answers.push(harness.ask(method, &path, Some(&globex), form).await);
        }
        let [others, unknown] = [&answers[0], &answers[1]];
        others.is(404).lacks("Secret").lacks("pump");
        assert_eq!(others.body, unknown.body, "{method} {path}");
    }
    for path in [
        "/tickets?view=recent",
        "/search?q=secret",
        "/search?q=%233",
        "/settings/people",
        "/settings/fields",
        "/settings/statuses",
        "/settings/rules/trigger",
        "/settings/rules/view",
        "/settings/audit",
        "/settings/groups",
        "/settings/address",
    ] {
        let page = harness.get(&globex, path).await;
        page.is(200).lacks("Secret").lacks("pump").lacks("Ada").lacks("Meter model");
    }
    // Nothing of it had an effect.
    let page = harness.get(&acme, "/tickets/3").await;
    page.has("Secret pump").has("st--new").lacks("x@x.example");
    let (path, _) = rule("trigger");
    harness.get(&acme, &path).await.has("Secret rule");
    harness.get(&acme, "/settings/fields").await.has("Meter model");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_of_anothers_is_none_to_share_under() {
    let harness = HelpdeskHarness::set("helpdesk-others").await;
    let globex = harness.person(GLOBEX, "Gus", Role::Agent).await;
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
