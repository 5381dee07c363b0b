//! The process.

use std::process::ExitCode;

fn main() -> ExitCode {
    bootstrap::main(bootstrap::Process {
        service: contracts::topology::Service::Helpdesk,
        default_config: include_str!("../config.default.toml"),
        migrations: &helpdesk::MIGRATOR,
        trailing: bootstrap::trailing::<desk::Session<helpdesk::Helpdesk>>,
        start: helpdesk::start,
    })
}
