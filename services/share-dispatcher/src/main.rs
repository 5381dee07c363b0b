//! The process `share-dispatcher`.

use std::process::ExitCode;

use contracts::topology::Service;

fn main() -> ExitCode {
    bootstrap::main(bootstrap::Process {
        service: Service::ShareDispatcher,
        default_config: include_str!("../config.default.toml"),
        migrations: &share_dispatcher::MIGRATOR,
        trailing: bootstrap::trailing::<share_dispatcher::ShareDispatcher>,
        start: share_dispatcher::start,
    })
}
