//! The process as its surroundings see it. This binary starts itself as a service without tables of
//! its own, whose work is to wait for the stop.

#![expect(
    clippy::unwrap_used,
    reason = "a test that has its own main: what fails is told by the panic"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

use bootstrap::{Context, NoKeys, Process};
use contracts::topology::Service;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use messaging::Question;
use sqlx::PgConnection;
use sqlx::migrate::Migrator;
use timeline::Trail;

static NO_TABLES: Migrator = Migrator::DEFAULT;
/// A port of this machine that nothing listens on.
const NOBODY: &str = "127.0.0.1:1";

/// Set for the process that is to be the service.
const ROLE: &str = "BOOTSTRAP_TEST_SERVICE";
/// Its value for one in which something panics as soon as there are logs.
const PANICKING: &str = "panicking";
/// For one whose configuration cannot even be read.
const PANICKING_EARLY: &str = "panicking_early";
/// What a panic says that a log must not have.
const SECRET: &str = "The pump leaks";

fn main() -> ExitCode {
    if let Some(role) = std::env::var_os(ROLE) {
        if role == PANICKING {
            std::thread::spawn(|| panic_when(tracing::dispatcher::has_been_set));
        }
        let (service, migrations) = (Service::CommentSync, &NO_TABLES);
        if role == PANICKING_EARLY {
            return bootstrap::main(Process {
                service,
                default_config: "",
                migrations,
                trailing: knows_nothing,
                start: |_: Context<Panics>| std::future::ready(Ok(())),
            });
        }
        return bootstrap::main(Process {
            service,
            default_config: "",
            migrations,
            trailing: knows_nothing,
            start,
        });
    }
    let tests: [(&str, fn()); 9] = [
        (
            "it_is_alive_without_its_database_and_stops_when_told",
            it_is_alive_without_its_database_and_stops_when_told,
        ),
        (
            "a_mistyped_variable_stops_the_start_with_code_2",
            a_mistyped_variable_stops_the_start_with_code_2,
        ),
        ("what_run_needs_is_asked_for", what_run_needs_is_asked_for),
        ("migrate_says_that_the_database_is_away", migrate_says_that_the_database_is_away),
        ("describe_and_config_need_nothing", describe_and_config_need_nothing),
        ("an_address_in_use_stops_the_start", an_address_in_use_stops_the_start),
        ("behind_the_entry_nothing_is_discarded", behind_the_entry_nothing_is_discarded),
        ("a_panic_is_logged_without_what_it_says", a_panic_is_logged_without_what_it_says),
        ("before_there_are_logs_too", before_there_are_logs_too),
    ];
    // The part of the usual command line that `cargo test` and its like use: a list, or words that
    // names contain.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&String> =
        arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    for (name, test) in tests {
        if arguments.iter().any(|argument| argument == "--list") {
            println!("{name}: test");
        } else if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            test();
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}

fn knows_nothing<'a>(
    _: &'a mut PgConnection,
    _: &'a Question,
    _: bool,
) -> BoxFuture<'a, sqlx::Result<Trail>> {
    std::future::ready(Ok(Trail::default())).boxed()
}

/// A service's settings, of which one makes whoever reads them panic.
#[derive(Debug, serde::Serialize)]
struct Panics;

impl<'de> serde::Deserialize<'de> for Panics {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("{SECRET}")
    }
}

fn panic_when(ready: impl Fn() -> bool) {
    while !ready() {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("{SECRET}")
}

async fn start(context: Context<NoKeys>) -> anyhow::Result<()> {
    context.shutdown.cancelled().await;
    Ok(())
}

fn service(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(arguments)
        .env_clear()
        .env(ROLE, "1")
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn output(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = service(arguments, environment).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn get(address: &str, path: &str) -> (u16, String) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("http://{address}{path}")).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

/// A process that does not outlive its test.
struct Started(Child);

impl Started {
    fn exit_code(&mut self, limit: Duration) -> Option<i32> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("still running after {limit:?}");
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn it_is_alive_without_its_database_and_stops_when_told() {
    let database = format!("postgres://me:hush@{NOBODY}/deskmesh");
    let child = service(
        &["run"],
        &[
            ("DESKMESH__BROKER__URL", "amqp://me:hush@127.0.0.1:1"),
            ("DESKMESH__DATABASE__URL", &database),
            ("DESKMESH__HTTP__LISTEN", "127.0.0.1:0"),
        ],
    )
    .spawn()
    .unwrap();
    let mut child = Started(child);
    let mut log = BufReader::new(child.0.stdout.take().unwrap());
    let mut first = String::new();
    log.read_line(&mut first).unwrap();
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(
        (&first["message"], &first["service"]),
        (&"listening".into(), &"comment-sync".into()),
        "{first}"
    );
    let address = first["http.address"].as_str().unwrap();

    assert_eq!(get(address, "/livez"), (200, "alive\n".to_owned()));
    assert_eq!(
        get(address, "/readyz"),
        (503, r#"{"ready":false,"waiting_for":["database"]}"#.to_owned())
    );
    let (status, metrics) = get(address, "/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("process_start_time_seconds "), "{metrics}");
    assert!(metrics.contains(r#"deskmesh_build_info{service="comment-sync""#), "{metrics}");

    let killed =
        Command::new("sh").args(["-c", &format!("kill -TERM {}", child.0.id())]).status().unwrap();
    assert!(killed.success());
    let code = child.exit_code(Duration::from_secs(10));
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains(r#""message":"stopped""#), "{rest}");
    assert!(!rest.contains("hush"), "{rest}");
}

fn a_panic_is_logged_without_what_it_says() {
    let child = service(
        &["run"],
        &[
            (ROLE, PANICKING),
            ("RUST_BACKTRACE", "1"),
            ("DESKMESH__TELEMETRY__LOG_FILTER", "trace"),
            ("DESKMESH__BROKER__URL", "amqp://me:hush@127.0.0.1:1"),
            ("DESKMESH__DATABASE__URL", &format!("postgres://me:hush@{NOBODY}/deskmesh")),
            ("DESKMESH__HTTP__LISTEN", "127.0.0.1:0"),
        ],
    )
    .spawn()
    .unwrap();
    let mut child = Started(child);
    let mut log = BufReader::new(child.0.stdout.take().unwrap());
    let mut told = String::new();
    while !told.contains("panicked") {
        assert_ne!(log.read_line(&mut told).unwrap(), 0, "it ended: {told}");
    }
    let line: serde_json::Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert!(line["code.location"].as_str().unwrap().contains("tests/process.rs:"), "{line}");
    drop(child.0.kill());
    log.read_to_string(&mut told).unwrap();
    child.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(!told.contains(SECRET) && !told.contains("hush"), "{told}");
}

fn before_there_are_logs_too() {
    let (_, stdout, stderr) = output(&["config"], &[(ROLE, PANICKING_EARLY)]);
    assert!(stderr.contains("panicked") && stderr.contains("tests/process.rs:"), "{stderr}");
    assert!(!stderr.contains(SECRET) && !stdout.contains(SECRET), "{stderr} {stdout}");
}

fn a_mistyped_variable_stops_the_start_with_code_2() {
    let (code, stdout, stderr) = output(&["run"], &[("DESKMESH__BROKER__SLOT", "8")]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert_eq!(
        stderr,
        "comment-sync: unknown key `broker.slot` (environment variable DESKMESH__BROKER__SLOT), \
         expected a key of `broker`: batch_size, confirm_timeout_ms, slots, url, url_file\n"
    );
}

fn what_run_needs_is_asked_for() {
    let (code, _, stderr) = output(&["run"], &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with("comment-sync: `broker.url` is not set"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

fn migrate_says_that_the_database_is_away() {
    let database = format!("postgres://me:hush@{NOBODY}/deskmesh");
    let (code, _, stderr) = output(&["migrate"], &[("DESKMESH__DATABASE__URL", &database)]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.starts_with("comment-sync: database: "), "{stderr}");
    assert!(!stderr.contains("hush"), "{stderr}");
}

fn describe_and_config_need_nothing() {
    let (code, stdout, _) = output(&["describe"], &[]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("consumes from:\n  comment-sync\n"), "{stdout}");
    let (code, stdout, _) =
        output(&["config"], &[("DESKMESH__BROKER__URL", "amqp://me:hush@broker")]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("amqp://me:***@broker"), "{stdout}");
    assert_eq!(output(&["--version"], &[]).0, Some(0));
}

fn an_address_in_use_stops_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, stdout, stderr) = output(
        &["run"],
        &[
            ("DESKMESH__BROKER__URL", "amqp://me@127.0.0.1:1"),
            ("DESKMESH__DATABASE__URL", "postgres://me@127.0.0.1:1/deskmesh"),
            ("DESKMESH__HTTP__LISTEN", &address),
        ],
    );
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stdout.contains("could not start") && stdout.contains("`http.listen` names"),
        "{stdout}"
    );
}

fn behind_the_entry_nothing_is_discarded() {
    let database = format!("postgres://me:hush@{NOBODY}/deskmesh");
    let arguments = ["parked", "discard", "--account", "acme", "--because", "it is old", "--yes"];
    let (code, stdout, stderr) = output(&arguments, &[("DESKMESH__DATABASE__URL", &database)]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.starts_with("comment-sync: only an entry service discards"), "{stderr}");
    // The same without asking too much: it fails for want of a database, and says so.
    let (code, _, stderr) = output(&["parked", "list"], &[("DESKMESH__DATABASE__URL", &database)]);
    assert_eq!(code, Some(1));
    assert!(!stderr.contains("hush") && stderr.lines().count() == 1, "{stderr}");
}
