//! What a virtual host holds, beside what was loaded into it.

use std::collections::BTreeSet;
use std::path::Path;

use local::Broker;
use serde_json::Value;

/// The generated file, for another virtual host and for users of its own: those of the file belong
/// to the other tests.
pub fn generated(vhost: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/rabbitmq/definitions.json");
    let text = std::fs::read_to_string(file).expect("it is generated");
    let mut definitions: Value = serde_json::from_str(&text).expect("it is JSON");
    let renamed =
        |name: &mut Value| *name = format!("{vhost}.{}", name.as_str().expect("a name")).into();
    for (kind, rows) in definitions.as_object_mut().expect("an object") {
        for row in rows.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            row.get_mut("user").into_iter().for_each(renamed);
            match kind.as_str() {
                "vhosts" => *row = serde_json::Map::from_iter([("name".to_owned(), vhost.into())]),
                "users" => row.get_mut("name").into_iter().for_each(renamed),
                _ => row["vhost"] = vhost.into(),
            }
        }
    }
    definitions
}

/// The users that definitions have.
pub fn users(definitions: &Value) -> BTreeSet<String> {
    texts(&definitions["users"], ["name"]).into_iter().flatten().collect()
}

/// Holds the broker's own account of a virtual host, its users included, against the definitions.
pub fn is_as_loaded(broker: &Broker, vhost: &str, loaded: &Value) {
    let held = broker.definitions(vhost).expect("the broker tells");
    for kind in ["exchanges", "queues", "bindings", "policies"] {
        assert_eq!(rows(&held[kind]), rows(&loaded[kind]), "{kind}: held, and loaded");
    }
    let users = users(loaded);
    let (mut permissions, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for user in &users {
        let of_user = broker
            .permissions(user)
            .expect("the broker tells")
            .into_iter()
            .filter(|row| row.vhost == vhost);
        permissions.extend(of_user.map(|row| [user.clone(), row.configure, row.write, row.read]));
        let of_user = broker
            .key_rows(user)
            .expect("the broker tells")
            .into_iter()
            .filter(|row| row.vhost == vhost);
        keys.extend(of_user.map(|row| [user.clone(), row.exchange, row.write, row.read]));
    }
    assert_eq!(
        permissions,
        texts(&loaded["permissions"], ["user", "configure", "write", "read"]),
        "permissions: held, and loaded"
    );
    assert_eq!(
        keys,
        texts(&loaded["topic_permissions"], ["user", "exchange", "write", "read"]),
        "keys: held, and loaded"
    );
    let inside: BTreeSet<String> =
        broker.users_in(vhost).expect("the broker tells").into_iter().collect();
    assert!(inside.is_superset(&users), "of {users:?} only {inside:?} are let in");
    // The administrator, who looks at it.
    assert!(
        inside.difference(&users).count() <= 1,
        "beside {users:?} these are let in: {inside:?}"
    );
}

/// Rows without the virtual host, which the one tells and the other does not; a row's keys are in
/// order.
fn rows(of: &Value) -> BTreeSet<String> {
    let without_vhost = |row: &Value| {
        let mut row = row.as_object().cloned().unwrap_or_default();
        row.remove("vhost");
        Value::Object(row).to_string()
    };
    of.as_array().into_iter().flatten().map(without_vhost).collect()
}

fn texts<const N: usize>(of: &Value, fields: [&str; N]) -> BTreeSet<[String; N]> {
    let text = |row: &Value, field: &str| row[field].as_str().expect("a text").to_owned();
    of.as_array().into_iter().flatten().map(|row| fields.map(|field| text(row, field))).collect()
}
