//! The process `comment-sync`.

use std::process::ExitCode;

use contracts::topology::Service;

fn main() -> ExitCode {
    bootstrap::main(bootstrap::Process {
        service: Service::CommentSync,
        default_config: include_str!("../config.default.toml"),
        migrations: &comment_sync::MIGRATOR,
        trailing: bootstrap::trailing::<comment_sync::CommentSync>,
        start: comment_sync::start,
    })
}
