//! How a partner is called, on the pages of the account that shares with it.

use std::collections::BTreeSet;

use http::Method;
use nhd_partner::dialect::agreement::AgreementChange;
use nhd_partner::held::Standing;
use nhd_partner::{Deed, Dialect, Misbehaviour, Partner};
use serde_json::{Value, json};
use testkit::desk::{PATIENCE, clock};
use testkit::until;
use tokio::task::spawn_blocking;

use crate::story::done;
use crate::system::System;

const PASSWORD: &str = "three quiet pumps";
const FORM: &str = "application/x-www-form-urlencoded";

/// An admin's browser at the gateway's pages.
struct Browser {
    agent: ureq::Agent,
    url: String,
    cookie: String,
}

struct Page {
    status: u16,
    location: String,
    cookie: String,
    text: String,
}

impl Browser {
    async fn signed_in(url: &str, link: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut browser = Self { agent, url: url.to_owned(), cookie: String::new() };
        let path = link.strip_prefix(url).expect("a link of the gateway's");
        let answer = browser.sends(path, &[("password", PASSWORD), ("again", PASSWORD)]).await;
        answer.cookie.split(';').next().unwrap_or_default().clone_into(&mut browser.cookie);
        browser
    }

    async fn ask(&self, method: Method, path: &str, kind: &str, body: String) -> Page {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", kind);
        request = match kind {
            FORM => request.header("cookie", &self.cookie),
            _ => request.header("authorization", &self.cookie),
        };
        let (agent, request) = (self.agent.clone(), request.body(body).expect("a request"));
        let asked = spawn_blocking(move || {
            let mut answer = agent.run(request).expect("the gateway answers");
            let header = |name: &str| {
                let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            };
            Page {
                status: answer.status().as_u16(),
                location: header("location"),
                cookie: header("set-cookie"),
                text: answer.body_mut().read_to_string().expect("a page"),
            }
        });
        asked.await.expect("the request ends")
    }

    async fn page(&self, path: &str) -> String {
        let page = self.ask(Method::GET, path, FORM, String::new()).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        page.text
    }

    async fn sends(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let page = self.ask(Method::POST, path, FORM, body).await;
        assert_eq!(page.status, 303, "{path}: {}", page.text);
        page
    }

    /// Waits until a page says all of this.
    async fn says(&self, path: &str, texts: &[&str]) -> String {
        until(&format!("{texts:?} at {path}"), PATIENCE, async || {
            let page = self.page(path).await;
            let calls = page.split("id=\"calls\"").nth(1).unwrap_or(&page);
            let calls = calls.split("</section>").next().unwrap_or_default().to_owned();
            if texts.iter().all(|text| calls.contains(text)) { Ok(calls) } else { Err(calls) }
        })
        .await
    }
}

/// The value of the hidden field `key` of a page.
fn key(page: &str) -> &str {
    let after = page.split("name=\"key\" value=\"").nth(1).expect("a form with a key");
    after.split('"').next().expect("its end")
}

/// The account invites the partner on its page, and the partner accepts; the agreement's page.
async fn agreed(browser: &Browser, partner: &Partner) -> String {
    let form = browser.page("/sharing/invite").await;
    let invite = [
        ("key", key(&form)),
        ("kind", "third_party"),
        ("sharing_url", &partner.url),
        ("comments", "public_and_private"),
        ("tags", "yes"),
        ("custom_fields", "yes"),
    ];
    let sent = browser.sends("/sharing/invite", &invite).await.location;
    let path = sent.split('?').next().unwrap_or_default().to_owned();
    let uuid = until("the invite at the partner", PATIENCE, async || {
        partner.desk(|it| it.agreements.keys().next().cloned().ok_or("none".to_owned()))
    })
    .await;
    let accepted = AgreementChange::Standing(Standing::Accepted);
    done(partner, partner.desk(|it| it.change_agreement(&uuid, &accepted))).await;
    until("the acceptance", PATIENCE, async || {
        let page = browser.page(&path).await;
        if page.contains("Deactivate agreement") { Ok(()) } else { Err(page) }
    })
    .await;
    path
}

/// The account shares a ticket, by the gateway's API.
async fn shares(browser: &Browser, token: &str, agreement: &str, number: &str) {
    let api = Browser {
        agent: browser.agent.clone(),
        url: browser.url.clone(),
        cookie: format!("Bearer {token}"),
    };
    let ticket: Value = json!({ "subject": "The meter restarts", "status": "open",
        "requester": { "id": "r", "name": "Max", "role": "end_user" } });
    let share = json!({ "agreement_id": agreement, "ticket": ticket, "occurred_at": clock(),
        "actor": { "id": "7", "name": "Sam", "role": "agent" } });
    let path = format!("/v1/tickets/{number}/shares");
    let answer = api.ask(Method::POST, &path, "application/json", share.to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

async fn has(partner: &Partner, tickets: usize) {
    until(&format!("{tickets} tickets at the partner"), PATIENCE, async || {
        let (held, told) = partner.desk(|it| (it.tickets.len(), it.books.told.len()));
        if held == tickets { Ok(()) } else { Err(format!("{held}, told {told} times")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_sees_how_its_partner_is_called_and_what_it_can_do() {
    let mut system = System::with_gateway("nhd_pages").await;
    let partner = system.partner("Partner Desk", Dialect::Zendesk.habits()).await;
    let (kept, url) = system.account("hooli").await;
    let link = kept.sign_in.expect("a first admin").link;
    let browser = Browser::signed_in(&url, &link).await;
    let path = agreed(&browser, &partner).await;
    let agreement = path.rsplit('/').next().expect("an id").to_owned();
    let calls = format!("{path}/calls");
    browser.says(&path, &["Last success", "Pause"]).await;

    let body = "we mend the roof".to_owned();
    partner.misbehave(Misbehaviour::always(Deed::Refuse { status: 503, body }));
    shares(&browser, &kept.token.secret, &agreement, "1").await;
    browser.says(&path, &["it answered 503", "we mend the roof", "Retry now"]).await;

    // While it is paused, nothing is called.
    browser.sends(&calls, &[("act", "pause")]).await;
    browser.says(&path, &["Paused", "Go on"]).await;
    shares(&browser, &kept.token.secret, &agreement, "2").await;
    browser.says(&path, &["<td>2 "]).await;
    let called: BTreeSet<String> = partner.desk(|it| {
        let told = it.books.told.iter().filter(|call| call.path.contains("/tickets/"));
        told.map(|call| call.path.clone()).collect()
    });
    assert_eq!(called.len(), 1, "it was called while it was paused: {called:?}");
    partner.misbehave(Misbehaviour::default());
    browser.sends(&calls, &[("act", "resume")]).await;
    browser.sends(&calls, &[("act", "retry")]).await;
    has(&partner, 2).await;
    browser.says(&path, &["Pause", "<td>0</td>"]).await;

    system.end_bridge().await;
    browser.says(&path, &["does not answer right now"]).await;
    let page = browser.ask(Method::POST, &calls, FORM, "act=retry".to_owned()).await;
    assert_eq!(page.status, 503, "{}", page.text);
    system.close().await;
}
