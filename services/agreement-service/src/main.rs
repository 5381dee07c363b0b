//! The process `agreement-service`.

use std::process::ExitCode;

use contracts::topology::Service;

fn main() -> ExitCode {
    bootstrap::main(bootstrap::Process {
        service: Service::Agreement,
        default_config: include_str!("../config.default.toml"),
        migrations: &agreement_service::MIGRATOR,
        trailing: bootstrap::trailing::<agreement_service::AgreementService>,
        start: agreement_service::start,
    })
}
