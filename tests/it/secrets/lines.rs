//! What the services printed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Everything printed, by file.
pub struct Lines {
    pub files: BTreeMap<String, String>,
}

impl Lines {
    /// Of every service in a folder; what was printed to both outputs is in one file.
    pub fn read(folder: &Path) -> Self {
        let read = |path: &Path| {
            let text = String::from_utf8_lossy(&fs::read(path).expect("a log")).into_owned();
            (path.file_name().expect("a name").to_string_lossy().into_owned(), text)
        };
        let files = fs::read_dir(folder).expect("logs");
        Self { files: files.map(|entry| read(&entry.expect("a log").path())).collect() }
    }

    fn saying<'a>(&'a self, message: &'a str) -> impl Iterator<Item = Value> + 'a {
        let lines = self.files.values().flat_map(|text| text.lines());
        let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(move |line| line["message"].as_str().is_some_and(|it| it.contains(message)))
    }

    /// A line about a message says which; a warning says whose it is, or of which queue, and why.
    pub fn tell_what_became_of_messages(&self) {
        let rows: [(&str, &[&str]); 4] = [
            ("message parked", &["reason", "queue", "message_id", "message_type", "trace_id"]),
            (
                "deliveries wait",
                &["account", "queue", "cause", "count", "message_id", "message_type", "trace_id"],
            ),
            ("messages between services were not taken", &["queue", "key", "cause", "count"]),
            ("the database does not answer; the batch is held", &["queue", "cause", "count"]),
        ];
        for (message, names) in rows {
            let lines: Vec<Value> = self.saying(message).collect();
            assert!(!lines.is_empty(), "nothing says {message:?}");
            for line in lines {
                for name in names {
                    let value = &line[*name];
                    // Of a message without an id, there is none to name.
                    let told = !value.is_null() && value != "";
                    assert!(told, "{name} is missing: {line}");
                }
            }
        }
        let mut commands = self.saying("message parked").filter(|line| line["reason"] == "poison");
        let command = commands.next().expect("poison was parked");
        // What cannot be read may name nothing; this could.
        assert!(command["about"].as_str().is_some_and(|it| !it.is_empty()), "{command}");
        assert!(command["command"].as_str().is_some_and(|it| it.starts_with("acme/")), "{command}");
    }
}
