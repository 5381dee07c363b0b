//! System tests: the whole of Deskmesh on real servers, seen from outside.

mod architecture;
mod certify;
mod collector;
mod documents;
mod gateway;
mod gateway_pair;
mod histories;
mod memory;
mod metrics;
mod names;
mod partners;
mod processes;
mod readme;
mod reasons;
mod secrets;
mod settings;
mod spans;
mod story;
mod topology;
mod trace;
mod whole_system;

/// One whole system at a time: five services, a broker and a database fill a small machine, and
/// what waits for a turn would only wait longer.
static WHOLE_SYSTEM: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A program that stands beside the tests; `make test` has built all of them.
fn program(name: &str) -> std::path::PathBuf {
    let path = local::services::binaries_dir().expect("a folder of binaries").join(name);
    assert!(path.exists(), "{} is not built: make test", path.display());
    path
}

/// The broker's management API, for programs that are given it.
fn management_url() -> String {
    let url = std::env::var_os("MANAGEMENT_URL").expect("servers: run the tests by `make test`");
    url.into_string().expect("an address")
}
