//! The process.

use std::process::ExitCode;

fn main() -> ExitCode {
    bootstrap::main(bootstrap::Process {
        service: contracts::topology::Service::Gateway,
        default_config: include_str!("../config.default.toml"),
        migrations: &gateway::MIGRATOR,
        trailing: gateway::trailing,
        start: gateway::start,
    })
}
