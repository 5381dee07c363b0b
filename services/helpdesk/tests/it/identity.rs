//! Signing in through an identity provider, as the help desk's settings have it. The way to a
//! provider and back is tested where one runs, in the gateway's tests: these pages are the same.

use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness};

const HERE: &str = "/settings/sign-in";

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sets_it_up_among_the_settings_and_it_is_noted() {
    let harness = HelpdeskHarness::set("helpdesk-identity").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.get(&sam, HERE).await.is(403);
    let back = format!("{}/sign-in/organisation/back", harness.url);
    harness.get(&ada, HERE).await.is(200).has(&back).has("/settings/people").lacks("Test");
    harness.get(&ada, "/settings/people").await.has("href=\"/settings/sign-in\"");

    // Nobody listens there, which is said before it is kept.
    let provider = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let issuer = format!("http://{}", provider.local_addr().expect("an address"));
    drop(provider);
    let form = [("issuer", issuer.as_str()), ("client_id", "deskmesh"), ("client_secret", "hush")];
    let refused = harness.post(&ada, HERE, &form).await;
    refused.is(422).has("id=\"issuer-e\"").has("refuses connections").lacks("hush");

    sqlx::query(
        "insert into web_provider (account, issuer, client_id, client_secret)
         values ($1, $2, 'deskmesh', 'of another secret')",
    )
    .bind(ACME)
    .bind(&issuer)
    .execute(&harness.pool)
    .await
    .expect("it is kept");
    harness.post(&ada, "/settings/sign-in/test", &[]).await.has("refuses connections");
    harness.post(&ada, "/settings/sign-in/remove", &[("sure", "yes")]).await.is(303);
    harness.get(&ada, "/settings/audit").await.has("removed the identity provider");
    harness.remove().await;
}
