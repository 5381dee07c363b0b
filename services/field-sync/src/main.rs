//! The process `field-sync`.

use std::process::ExitCode;

use contracts::topology::Service;

fn main() -> ExitCode {
    bootstrap::main(bootstrap::Process {
        service: Service::FieldSync,
        default_config: include_str!("../config.default.toml"),
        migrations: &field_sync::MIGRATOR,
        trailing: bootstrap::trailing::<field_sync::FieldSync>,
        start: field_sync::start,
    })
}
