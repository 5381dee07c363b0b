//! The process.

use std::process::ExitCode;

fn main() -> ExitCode {
    bootstrap::main(bootstrap::Process {
        service: contracts::topology::Service::NhdBridge,
        default_config: include_str!("../config.default.toml"),
        migrations: &nhd_bridge::MIGRATOR,
        trailing: nhd_bridge::trailing,
        start: nhd_bridge::start,
    })
}
