//! Accounts and the canary, from the console.

use std::io::Write as _;
use std::path::PathBuf;

use local::Servers;
use local::test_environment::target;
use operator::account::attempts;
use operator::{address, secret};
use tokio::task::spawn_blocking;

use crate::console::{Console, Page, program};
use crate::site::Site;

/// A file with an address, under a name of its own.
fn file(name: &str, address: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("console-{name}"));
    std::fs::File::create(&file).unwrap().write_all(address.as_bytes()).unwrap();
    file
}

fn password(page: &Page) -> String {
    let rest = page.text.split("<code id=\"password\">").nth(1);
    let password = rest.and_then(|rest| rest.split('<').next());
    password.unwrap_or_else(|| panic!("{} has no password", page.text)).to_owned()
}

fn management_url() -> String {
    Servers::start(&target().join("test-servers")).unwrap().management_url
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_comes_changes_and_goes() {
    let mut site = Site::open("console-account").await;
    let account = site.name("acme");
    let mut command = program(&site.addresses());
    command
        .env("DESKMESH_VHOST", site.world.installation.vhost())
        .env("DESKMESH_BROKER_URL_FILE", file("broker-url", &site.doors.operator_url));
    let name = account.to_string();
    let looked = spawn_blocking(move || {
        command.env("DESKMESH_MANAGEMENT_URL", management_url());
        let console = Console::start(command);
        let nobody = console.submit("/add-account", &format!("name={name}"));
        assert!(nobody.status == 422 && nobody.text.contains("Your name is missing"));
        let form = format!("name={name}&display_name=Acme&admin=&email=&by=Dana+Weber");
        let added = console.submit("/add-account", &form);
        assert_eq!(added.status, 200, "{}", added.text);
        assert_eq!(added.header("cache-control"), "no-store");
        assert!(added.text.contains("is registered."), "{}", added.text);
        assert_eq!(added.text.matches("refused as it must be").count(), 4, "{}", added.text);
        let first = password(&added);

        let page = format!("/accounts/{name}");
        let shown = console.get(&page, &[]).text;
        assert!(!shown.contains(&first), "it is shown once");
        let limits = format!("{page}/limits");
        assert_eq!(console.submit(&limits, "connections=0&channels=7&by=Dana").status, 422);
        let limited = console.submit(&limits, "connections=3&channels=7&by=Dana");
        assert_eq!((limited.status, limited.header("location")), (303, page.as_str()));
        let shown = console.get(&page, &[]).text;
        assert!(shown.contains("max-connections: 3"), "{shown}");
        assert!(shown.contains("max-channels: 7"), "{shown}");

        let rotated = console.submit(&format!("{page}/rotate"), "by=Dana");
        assert_eq!(rotated.status, 200, "{}", rotated.text);
        assert_eq!(rotated.header("cache-control"), "no-store");
        (console, first, password(&rotated))
    });
    let (console, first, second) = looked.await.unwrap();
    let url = |password: &str| site.doors.url_of(account.as_str(), password).unwrap();
    assert!(attempts(&url(&first), &account).await.is_err(), "the first counts no more");
    assert_eq!(attempts(&url(&second), &account).await.unwrap().len(), 4);
    let name = account.to_string();
    let looked = spawn_blocking(move || {
        let page = format!("/accounts/{name}/revoke");
        let asked = console.get(&page, &[]).text;
        assert!(asked.contains("Its agreements and shares stay"), "{asked}");
        assert_eq!(console.submit(&page, "queue=keep").status, 422);
        let revoked = console.submit(&page, "queue=delete&by=Dana");
        assert!(revoked.text.contains("desk queue is deleted"), "{}", revoked.text);
        assert_eq!(console.get(&format!("/accounts/{name}"), &[]).status, 404);
        assert_eq!(console.submit(&page, "queue=keep&by=Dana").status, 404);
        // The administrator is no account, whatever it is called.
        let administrator = address::parse("the management API", &management_url()).unwrap();
        let rotate = format!("/accounts/{}/rotate", administrator.username());
        let refused = console.submit(&rotate, "by=Dana");
        assert_eq!(refused.status, 404, "{rotate}: {}", refused.text);
    });
    looked.await.unwrap();
    assert!(attempts(&url(&second), &account).await.is_err());
    site.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canary_is_played_in_the_background() {
    let mut site = Site::open("console-canary").await;
    let mut command = program(&site.addresses());
    for (stem, variable) in [("canary-a", "CANARY_A"), ("canary-b", "CANARY_B")] {
        let (account, password) = site.add(stem).await;
        let url = site.doors.url_of(account.as_str(), &password).unwrap();
        command.env(format!("DESKMESH_{variable}_URL_FILE"), file(variable, &url));
    }
    let looked = spawn_blocking(move || {
        let console = Console::start(command);
        assert!(console.get("/canary", &[]).text.contains("No round was played"));
        assert_eq!(console.submit("/canary", "").status, 303);
        let again = console.submit("/canary", "");
        assert!(again.status == 409 && again.text.contains("played already"), "{}", again.text);
        let page = console.until("/canary", "A round is played", false).text;
        assert!(page.contains("The last round is green"), "{page}");
        assert!(page.contains("data-label=\"unshare\""), "{page}");
    });
    looked.await.unwrap();
    // Nobody can log in with such a password: the round is red, and says why.
    let mut command = program(&site.addresses());
    let nobody = site.doors.url_of("canary-a", &secret::new_password()).unwrap();
    command.env("DESKMESH_CANARY_A_URL", &nobody).env("DESKMESH_CANARY_B_URL", &nobody);
    let looked = spawn_blocking(move || {
        let console = Console::start(command);
        assert_eq!(console.submit("/canary", "").status, 303);
        let page = console.until("/canary", "The last round is red", true).text;
        assert!(page.contains("logging in to the broker as canary-a"), "{page}");
    });
    looked.await.unwrap();
    site.remove().await;
}
