//! What a virtual host holds, beside what was loaded into it.

use std::collections::BTreeSet;

use contracts::topology::{self, Service};
use local::Broker;
use serde_json::Value;

/// Holds the broker's own account of a virtual host, its users included, against the definitions.
pub fn is_as_loaded(broker: &Broker, vhost: &str) {
    let (loaded, held) = (topology::definitions(vhost), broker.definitions(vhost).expect("the broker tells"));
    for kind in ["exchanges", "queues", "bindings", "policies"] {
        assert_eq!(rows(&held[kind]), rows(&loaded[kind]), "{kind}: held, and loaded");
    }
    let mut users: BTreeSet<String> = Service::ALL.map(Service::user).into();
    users.insert("operator".to_owned());
    let mut rights = (BTreeSet::new(), BTreeSet::new());
    for user in &users {
        let permissions = broker.permissions(user).expect("the broker tells").into_iter().filter(|row| row.vhost == vhost);
        rights.0.extend(permissions.map(|row| [user.clone(), row.configure, row.write, row.read]));
        let keys = broker.key_rows(user).expect("the broker tells").into_iter().filter(|row| row.vhost == vhost);
        rights.1.extend(keys.map(|row| [user.clone(), row.exchange, row.write, row.read]));
    }
    assert_eq!(rights.0, texts(&loaded["permissions"], ["user", "configure", "write", "read"]), "permissions: held, and loaded");
    assert_eq!(rights.1, texts(&loaded["topic_permissions"], ["user", "exchange", "write", "read"]), "keys: held, and loaded");
    // The administrator is the one whom infra/local lets in beside them.
    users.insert("guest".to_owned());
    assert_eq!(broker.users_in(vhost).expect("the broker tells").into_iter().collect::<BTreeSet<_>>(), users, "users");
}

/// Rows without the virtual host, which the one tells and the other does not; a row's keys are in order.
fn rows(of: &Value) -> BTreeSet<String> {
    let without_vhost = |row: &Value| {
        let mut row = row.as_object().cloned().unwrap_or_default();
        row.remove("vhost");
        Value::Object(row).to_string()
    };
    of.as_array().into_iter().flatten().map(without_vhost).collect()
}

fn texts(of: &Value, fields: [&str; 4]) -> BTreeSet<[String; 4]> {
    let text = |row: &Value, field: &str| row[field].as_str().expect("a text").to_owned();
    of.as_array().into_iter().flatten().map(|row| fields.map(|field| text(row, field))).collect()
}
