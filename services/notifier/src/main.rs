//! The process.

use std::process::ExitCode;

fn main() -> ExitCode {
    bootstrap::main(bootstrap::Process {
        service: contracts::topology::Service::Notifier,
        default_config: include_str!("../config.default.toml"),
        migrations: &notifier::MIGRATOR,
        trailing: bootstrap::trailing::<notifier::Notifier>,
        start: notifier::start,
    })
}
