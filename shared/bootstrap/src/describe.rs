//! What a service accepts, sends, stores and can be configured with, from the tables in code.

use contracts::topology::{End, Flow, Service, received_by, sent_by};
use sqlx::migrate::Migrator;

use crate::config::{self, ConfigError};
use crate::migrations;

/// Describes a service.
pub(crate) fn describe(
    service: Service,
    default_config: &str,
    migrator: &Migrator,
) -> Result<String, ConfigError> {
    let accepts = received_by(service).map(|flow| line(flow, "from", flow.from)).collect();
    let sends = sent_by(service).map(|flow| line(flow, "to", flow.to)).collect();
    let keys = config::defaults(default_config)?.into_iter();
    let keys = keys
        .map(|(key, value)| format!("{key} = {value}  ({})", config::variable_name(&key)))
        .collect();
    let sections: [(&str, Vec<String>); 6] = [
        ("accepts", accepts),
        ("sends", sends),
        ("consumes from", service.work_queues()),
        ("parks what arrives in", service.dead_letter_queues()),
        ("tables, in the schema of its role", migrations::tables(migrator)),
        ("configuration: key = default (environment variable)", keys),
    ];
    let sections = sections.map(|(title, lines)| section(title, &lines));
    Ok(format!("{} {}\n{}", service.name(), env!("CARGO_PKG_VERSION"), sections.concat()))
}

fn line(flow: &Flow, preposition: &str, other: End) -> String {
    let other = match other {
        End::Desk => "desks",
        End::Service(service) => service.name(),
    };
    format!("{:<26} {preposition} {other}, exchange {}", flow.message, flow.exchange.name())
}

fn section(title: &str, lines: &[String]) -> String {
    let lines = if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n  ") };
    format!("\n{title}:\n  {lines}\n")
}

#[cfg(test)]
mod tests {
    use sqlx::migrate::Migrator;

    use super::*;

    #[test]
    fn it_names_flows_queues_and_keys() {
        let text =
            describe(Service::CommentSync, "[retention]\ndays = 30\n", &Migrator::DEFAULT).unwrap();
        assert!(text.starts_with("comment-sync "), "{text}");
        for flow in received_by(Service::CommentSync).chain(sent_by(Service::CommentSync)) {
            assert!(text.contains(flow.message), "{} is missing in {text}", flow.message);
        }
        assert!(text.contains("consumes from:\n  comment-sync\n"), "{text}");
        assert!(text.contains("retention.days = 30  (DESKMESH__RETENTION__DAYS)"), "{text}");
        assert!(text.contains("broker.slots = 2  (DESKMESH__BROKER__SLOTS)"), "{text}");
    }
}
