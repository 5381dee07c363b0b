//! `serve`: the pages, as a browser or a program asks for them.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use contracts::topology::Service;
use local::Servers;
use local::test_environment::target;
use operator::wait;
use tokio::task::spawn_blocking;
use ureq::Agent;
use ureq::http::{HeaderMap, Response};

use crate::site::Site;

const PAGES: [&str; 9] = [
    "/",
    "/timeline",
    "/parked",
    "/accounts",
    "/add-account",
    "/canary",
    "/nothing",
    "/trace/4711",
    "/livez",
];
/// What changes something.
const FORMS: [&str; 8] = [
    "/parked/share-dispatcher/poison",
    "/parked/actions/1/cancel",
    "/accounts/acme/rotate",
    "/accounts/acme/limits",
    "/accounts/acme/revoke",
    "/add-account",
    "/canary",
    "/sign-out",
];
const SECRET: &str = "a secret of some length";
const LIMIT: Duration = Duration::from_secs(30);

/// A console that ends with its test.
pub struct Console {
    process: Child,
    address: SocketAddr,
    agent: Agent,
}

impl Drop for Console {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub fn program(services: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deskmesh-operator"));
    command.env("DESKMESH_SERVICES", services).stderr(Stdio::piped());
    for name in ["MANAGEMENT_URL", "BROKER_URL", "CANARY_A_URL", "CANARY_B_URL"] {
        command.env_remove(format!("DESKMESH_{name}")).env_remove(format!("DESKMESH_{name}_FILE"));
    }
    for name in ["CONSOLE_SECRET_FILE", "CONSOLE_URL", "OPERATOR_SECRET_FILE", "VHOST"] {
        command.env_remove(format!("DESKMESH_{name}"));
    }
    command
}

/// A file with the secret, under a name of its own.
pub fn secret_file(test: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("console-secret-{test}"));
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    file
}

impl Console {
    pub fn start(mut command: Command) -> Self {
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("{line:?} names no address"));
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
        // A form that is refused unread ends its connection.
        let config = config.max_idle_connections(0).build();
        Self { process, address: address.parse().unwrap(), agent: config.into() }
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = self.agent.get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Page::of(request.call().unwrap())
    }

    pub fn post(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = self.agent.post(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let kind = "application/x-www-form-urlencoded";
        Page::of(request.header("content-type", kind).send(form).unwrap())
    }

    /// Sends a form from a page of the console's own.
    pub fn submit(&self, path: &str, form: &str) -> Page {
        self.post(path, form, &[("origin", &self.own())])
    }

    pub fn own(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until a page has a text, or has it no more.
    pub fn until(&self, path: &str, text: &str, is_there: bool) -> Page {
        wait::until(&format!("{text:?} on {path}"), LIMIT, || {
            let page = self.get(path, &[]);
            Ok::<_, operator::Error>(if page.text.contains(text) == is_there {
                ControlFlow::Break(page)
            } else {
                ControlFlow::Continue(page.text)
            })
        })
        .unwrap()
    }
}

pub struct Page {
    pub status: u16,
    headers: HeaderMap,
    pub text: String,
}

impl Page {
    fn of(mut response: Response<ureq::Body>) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.body_mut().read_to_string().unwrap(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// Five addresses at which nobody listens.
pub fn nobody() -> String {
    Service::ALL.map(|service| format!("{}=http://127.0.0.1:1", service.name())).join(",")
}

#[test]
fn services_that_are_away_are_gaps_and_no_page_fails() {
    let console = Console::start(program(&nobody()));
    let overview = console.get("/", &[]);
    assert_eq!(overview.status, 200, "{}", overview.text);
    for service in Service::ALL {
        let gap = format!("{} gave no answer: 127.0.0.1:1", service.name());
        assert!(overview.text.contains(&gap), "{gap} is not in {}", overview.text);
    }
    assert!(overview.text.contains("0 of 5 services ready"), "{}", overview.text);
    let timeline = console.get("/timeline?of=acme/4711", &[]);
    assert_eq!(timeline.status, 200);
    assert!(timeline.text.contains("This is not the whole story"), "{}", timeline.text);
    let parked = console.get("/parked", &[]);
    assert!(parked.text.contains("at the services that answered"), "{}", parked.text);
    let accounts = console.get("/accounts", &[]);
    assert!(accounts.text.contains("--management-url-file"), "{}", accounts.text);
    assert_eq!(console.get("/accounts/acme", &[]).status, 404);
    assert_eq!(console.get("/nothing", &[]).status, 404);
    assert_eq!(console.get("/timeline?of=acme/4711&since=soon", &[]).status, 400);
    assert_eq!(console.get("/trace/4711", &[]).status, 400);
}

#[test]
fn every_answer_forbids_what_pages_do_not_need() {
    let console = Console::start(program(&nobody()));
    for path in PAGES {
        let page = console.get(path, &[]);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        for inline in ["<style", "style=", "onclick", "<script>"] {
            assert!(!page.text.contains(inline), "{path} has {inline}");
        }
    }
    let overview = console.get("/", &[]).text;
    let script = overview.split("script src=\"").nth(1).and_then(|it| it.split('"').next());
    let script = console.get(script.unwrap(), &[]);
    assert_eq!(
        (script.status, script.header("content-type")),
        (200, "text/javascript; charset=utf-8")
    );
}

#[test]
fn nobody_looks_without_the_secret() {
    let mut command = program(&nobody());
    command.env("DESKMESH_CONSOLE_SECRET_FILE", secret_file("closed"));
    let console = Console::start(command);
    let own = console.own();
    let origin = [("origin", own.as_str())];
    let away = console.get("/timeline?of=acme/4711", &[]);
    assert_eq!(away.status, 303);
    assert_eq!(away.header("location"), "/sign-in?next=%2Ftimeline%3Fof%3Dacme%2F4711");
    assert!(!away.header("content-security-policy").is_empty());
    let program = console.get("/trace/acme/4711", &[]);
    assert_eq!((program.status, program.header("www-authenticate")), (401, "Bearer"));
    let form = "next=%2Ftimeline%3Fof%3Dacme%2F4711&secret=";
    let right = format!("{form}{}", SECRET.replace(' ', "+"));

    let wrong = console.post("/sign-in", &format!("{form}wrong"), &origin);
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("not the console") && wrong.header("set-cookie").is_empty());
    for other in
        [&[][..], &[("origin", "https://evil.example")], &[("sec-fetch-site", "cross-site")]]
    {
        let refused = console.post("/sign-in", &right, other);
        assert_eq!(refused.status, 403, "{other:?}");
        assert!(refused.header("set-cookie").is_empty(), "{other:?}");
    }

    let signed_in = console.post("/sign-in", &right, &origin);
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/timeline?of=acme/4711"));
    let cookie = signed_in.header("set-cookie").to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let session = cookie.split(';').next().unwrap();
    assert_eq!(console.get("/", &[("cookie", session)]).status, 200);
    let forged = format!("deskmesh-operator={}", "0".repeat(64));
    assert_eq!(console.get("/", &[("cookie", &forged)]).status, 303);

    let bearer = format!("Bearer {SECRET}");
    let told = console.get("/trace/acme/4711", &[("authorization", &bearer)]);
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(console.get("/trace/acme/1", &[("authorization", "Bearer no")]).status, 401);

    let signed = [("origin", own.as_str()), ("cookie", session)];
    assert_eq!(console.post("/sign-out", "", &[("cookie", session)]).status, 403);
    assert_eq!(console.post("/sign-out", "", &signed).status, 303);
    assert_eq!(console.get("/", &[("cookie", session)]).status, 303, "the session has ended");
}

#[test]
fn whoever_guesses_has_to_wait() {
    let mut command = program(&nobody());
    command.env("DESKMESH_CONSOLE_SECRET_FILE", secret_file("guessed"));
    let console = Console::start(command);
    let own = console.own();
    let guess = || console.post("/sign-in", "secret=wrong", &[("origin", &own)]);
    let last = (0..20).map(|_| guess()).find(|answer| answer.status != 422).unwrap();
    assert_eq!((last.status, last.header("retry-after")), (429, "60"));
    let right = format!("secret={}", SECRET.replace(' ', "+"));
    assert_eq!(console.post("/sign-in", &right, &[("origin", &own)]).status, 429);
}

#[test]
fn without_a_secret_only_this_machine_is_answered() {
    let mut open = program(&nobody());
    let refused = open.args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("--console-secret-file"), "{said}");
    let console = Console::start(program(&nobody()));
    let elsewhere = console.get("/", &[("host", "evil.example")]);
    assert_eq!(elsewhere.status, 421, "{}", elsewhere.text);
}

#[test]
fn no_page_from_elsewhere_changes_anything() {
    let mut closed = program(&nobody());
    closed.env("DESKMESH_CONSOLE_SECRET_FILE", secret_file("forms"));
    let (open, closed) = (Console::start(program(&nobody())), Console::start(closed));
    for path in FORMS {
        for other in
            [&[][..], &[("origin", "https://evil.example")], &[("sec-fetch-site", "cross-site")]]
        {
            assert_eq!(open.post(path, "by=Dana", other).status, 403, "{path} {other:?}");
            assert_eq!(closed.post(path, "by=Dana", other).status, 403, "{path} {other:?}");
        }
        assert_eq!(closed.submit(path, "by=Dana").status, 401, "{path}: nobody is signed in");
        let elsewhere = [("host", "evil.example"), ("origin", "http://evil.example")];
        assert_eq!(open.post(path, "by=Dana", &elsewhere).status, 421, "{path}");
    }
}

#[test]
fn what_cannot_be_done_here_says_what_it_needs() {
    let console = Console::start(program(&nobody()));
    for (path, needed) in [
        ("/canary", "--canary-a-url-file"),
        ("/add-account", "--broker-url-file"),
        ("/accounts", "DESKMESH_BROKER_URL_FILE"),
    ] {
        let page = console.get(path, &[]);
        assert!(page.status == 200 && page.text.contains(needed), "{path}: {}", page.text);
    }
    let mut command = program(&nobody());
    command.env("DESKMESH_OPERATOR_SECRET_FILE", "/no/such/file");
    let refused = command.args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("--operator-secret-file is not there"), "{said}");
    for path in ["/canary", "/add-account"] {
        assert_eq!(console.submit(path, "by=Dana&name=acme").status, 409, "{path}");
    }
    for path in ["/accounts/acme/rotate", "/parked/share-dispatcher/poison", "/parked/actions/1"] {
        assert_eq!(console.submit(path, "by=Dana").status / 100, 4, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_tell_how_the_services_and_accounts_are() {
    let mut site = Site::open("console").await;
    let (account, _) = site.add("seen").await;
    let mut command = program(&site.addresses());
    command.env("DESKMESH_VHOST", site.world.installation.vhost());
    let seen = account.to_string();
    let looked = spawn_blocking(move || {
        let servers = Servers::start(&target().join("test-servers")).unwrap();
        command.env("DESKMESH_MANAGEMENT_URL", servers.management_url);
        let console = Console::start(command);
        let accounts = console.get("/accounts", &[]);
        assert!(accounts.text.contains(&format!("/accounts/{seen}")), "{}", accounts.text);
        let shown = console.get(&format!("/accounts/{seen}"), &[]);
        assert!(shown.text.contains("rights as they have to be"), "{}", shown.text);
        assert_eq!(console.get("/accounts/nobody-here", &[]).status, 404);
        let overview = console.until("/", "5 of 5 services ready", true);
        assert!(!overview.text.contains("id=\"gaps\""), "{}", overview.text);
        for service in Service::ALL {
            assert!(overview.text.contains(&format!(">{}</text>", service.name())));
        }
        // The registration has been decided; a second look knows its rate.
        console.until("/", ">0/s<", true);
        let parked = console.get("/parked", &[]);
        assert!(parked.text.contains("Nothing is parked."), "{}", parked.text);
        console
    });
    let console = looked.await.unwrap();
    site.service(Service::Notifier).kill9().unwrap();
    let looked = spawn_blocking(move || {
        let overview = console.until("/", "notifier gave no answer", true);
        assert!(overview.text.contains("4 of 5 services ready"), "{}", overview.text);
        assert!(!overview.text.contains("field-sync gave no answer"), "{}", overview.text);
        let timeline = console.get("/timeline?of=acme/4711", &[]);
        assert!(
            timeline.text.contains("nothing is known of ticket acme/4711"),
            "{}",
            timeline.text
        );
        assert!(timeline.text.contains("notifier gave no answer"), "{}", timeline.text);
    });
    looked.await.unwrap();
    site.remove().await;
}
