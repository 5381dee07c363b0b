//! Conformance: one test per rule, through real messages and the running services.
//!
//! One process, one virtual host, one database, five services; every test has accounts of its own
//! there, and many run at the same time. `rules.rs` is the table of rules and their tests,
//! `hostile/` has that of attacks. `make conformance` and `make hostile` print them with the
//! results.

mod context;
mod hostile;
mod rules;
mod table;
mod words;

mod agreements;
mod as_sent;
mod business_rules;
mod chains;
mod comments;
mod copies;
mod deactivation;
mod dry_runs;
mod duties;
mod field_types;
mod fields;
mod helpdesk;
mod invites;
mod limits;
mod notices;
mod operators;
mod people;
mod privacy;
mod redaction;
mod resync;
mod settings;
mod sharing;
mod spelling;
mod status;
mod third_parties;

use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use local::{TestEnvironment, test_environment};
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use context::ConformanceContext;
use table::Results;

/// Tests under way at the same time: most of a test is waiting for receipts, so more than the
/// machine has cores.
const AT_ONCE: usize = 6;
/// What a shell says of a command that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// There while tests run.
static OFFICE: Mutex<Option<ConformanceContext>> = Mutex::new(None);
static RESULTS: Mutex<Results> = Mutex::new(Results::new());

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let wants = |table: &str| std::env::var_os(table).is_some();
    let (wants_rules, wants_attempts) = (wants("CONFORMANCE_TABLE"), wants("HOSTILE_TABLE"));
    // A table has a line for each test; a dot is enough before it.
    arguments.quiet |= (wants_rules || wants_attempts) && arguments.format.is_none();
    let runtime = Runtime::new().expect("a runtime starts");
    let (on_servers, on_paper) =
        (with_servers(runtime.handle()), vec![Trial::test(rules::CHECK, || Ok(rules::check()?))]);
    let needs_servers =
        !arguments.list && on_servers.iter().any(|trial| !arguments.is_filtered_out(trial));
    let trials = on_paper.into_iter().chain(on_servers).collect();
    if !needs_servers {
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    if let Some(missing) = ["AMQP_URL", "MANAGEMENT_URL", "DATABASE_URL"]
        .into_iter()
        .find(|name| std::env::var_os(name).is_none())
    {
        eprintln!("{missing} is not set: run `make conformance`, which starts the servers");
        return ExitCode::FAILURE;
    }
    let world = runtime.block_on(open());
    let conclusion = libtest_mimic::run(&arguments, trials);
    let closed = runtime.block_on(close(world, !conclusion.has_failed()));
    if wants_rules {
        println!("{}", table::rules(&rules::all(), &lock(&RESULTS)));
    }
    if wants_attempts {
        println!("{}", table::attempts(&hostile::all(), &lock(&RESULTS)));
    }
    if closed { conclusion.exit_code() } else { ExitCode::FAILURE }
}

/// The tests of both tables, in the context that all share.
fn with_servers(runtime: &Handle) -> Vec<Trial> {
    let tests = rules::all()
        .into_iter()
        .flat_map(|rule| rule.tests)
        .chain(hostile::all().into_iter().map(|row| row.test));
    let trial = |test: rules::Test| {
        let runtime = runtime.clone();
        Trial::test(test.name, move || {
            let context =
                lock(&OFFICE).clone().ok_or_else(|| Failed::from("the context has closed"))?;
            lock(&RESULTS).started(test.name);
            runtime.block_on((test.run)(context));
            lock(&RESULTS).passed(test.name);
            Ok(())
        })
    };
    tests.map(trial).collect()
}

/// Starts the services; from then on a signal ends them with this process.
async fn open() -> TestEnvironment {
    let world = TestEnvironment::new("conformance").await;
    let context = ConformanceContext::open(&world).await;
    *lock(&OFFICE) = Some(context.clone());
    let ended = |kind: SignalKind| signal(kind).expect("a process may listen for signals");
    let (mut interrupt, mut terminate) =
        (ended(SignalKind::interrupt()), ended(SignalKind::terminate()));
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        context.abandon();
        std::process::exit(INTERRUPTED);
    });
    world
}

/// Ends the services; removes what they kept when all is well, and says where it is when not.
async fn close(world: TestEnvironment, passed: bool) -> bool {
    let context = lock(&OFFICE).take().expect("it was opened");
    let dir = test_environment::target().join("conformance").join(world.name());
    match context.close().await {
        Ok(()) if passed => {
            std::fs::remove_dir_all(&dir).ok();
            world.remove().await;
            true
        }
        closed => {
            eprintln!("logs and mails: {}", dir.display());
            closed.inspect_err(|error| eprintln!("{error:#}")).is_ok()
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
