//! The architecture, as tests: crate edges as drawn, rules pure, every flow accepted by its
//! receiver and by nobody else, code as wide as two files side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use contracts::topology::{End, FLOWS, Service};
use messaging::{DecodeError, Service as _};
use serde_json::Value;

/// Which packages of the workspace a package may build on.
const EDGES: [(&str, &[&str]); 23] = [
    ("contracts", &[]),
    ("broker-address", &[]),
    ("egress", &[]),
    ("web-base", &[]),
    ("timeline", &["contracts"]),
    ("messaging", &["broker-address", "contracts", "timeline"]),
    ("line", &["contracts", "messaging"]),
    ("mail", &["contracts", "messaging"]),
    ("bootstrap", &["contracts", "messaging", "timeline"]),
    ("local", &["contracts", "operator"]),
    ("operator", &["broker-address", "contracts", "timeline", "web-base"]),
    ("testkit", &["contracts", "desk", "messaging"]),
    ("desk", &["contracts", "messaging", "timeline"]),
    ("web", &["bootstrap", "contracts", "desk", "egress", "messaging", "web-base"]),
    (
        "gateway",
        &["bootstrap", "contracts", "desk", "egress", "files", "messaging", "timeline", "web"],
    ),
    (
        "helpdesk",
        &["bootstrap", "contracts", "desk", "egress", "files", "mail", "messaging", "web"],
    ),
    ("files", &["bootstrap", "desk", "egress", "messaging"]),
    ("nhd-bridge", &["bootstrap", "contracts", "desk", "egress", "files", "messaging", "timeline"]),
    ("agreement-service", &["bootstrap", "contracts", "messaging"]),
    ("share-dispatcher", &["bootstrap", "contracts", "line", "messaging", "timeline"]),
    ("comment-sync", &["bootstrap", "contracts", "line", "messaging"]),
    ("field-sync", &["bootstrap", "contracts", "line", "messaging"]),
    ("notifier", &["bootstrap", "contracts", "mail", "messaging"]),
];

/// The rooms of `messaging`, the lowest first: each builds on those before it, and so none in a
/// circle. The root is the files beside them.
const ROOMS: [&str; 8] =
    ["message", ROOT, "intake", "decide", "observe", "publish", "run", "operate"];
const ROOT: &str = "the root";

/// What no rule may touch: I/O, clocks, chance, the process around it.
const IMPURE: [&str; 14] = [
    "messaging::",
    "bootstrap::",
    "sqlx",
    "lapin",
    "tokio",
    "async ",
    "Utc::now",
    "SystemTime",
    "Instant::now",
    "rand::",
    "std::env",
    "std::fs",
    "tracing",
    "new_v4",
];

/// Code that people read: characters of a line, so that two files stand side by side.
const WIDTH: usize = 100;

/// Whose lines are counted. Migrations are not among them: databases hold their checksums.
const CODE: [&str; 7] = ["rs", "ts", "mjs", "js", "sh", "py", "css"];

/// Folders of what others wrote, and of what is built.
const NOT_OURS: [&str; 4] = ["vendor", "target", "node_modules", "dist"];

/// The root of the workspace.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies below the root")
        .to_owned()
}

/// The packages of the workspace, as cargo tells them.
pub(super) fn packages() -> Vec<Value> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("cargo tells JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

#[test]
fn crate_edges_are_as_drawn() {
    let packages = packages();
    let members: BTreeSet<&str> =
        packages.iter().map(|package| package["name"].as_str().unwrap_or_default()).collect();
    let allowed: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    let whole_system = ["system-tests", "bench", "faults", "load", "stages", "fuzz", "nhd-partner"];
    for package in packages
        .iter()
        .filter(|package| !whole_system.contains(&package["name"].as_str().unwrap_or_default()))
    {
        let name = package["name"].as_str().unwrap_or_default();
        let may = allowed.get(name).unwrap_or_else(|| panic!("{name} is new: draw its edges"));
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let on = dependency["name"].as_str().unwrap_or_default();
            let for_tests = dependency["kind"] == "dev" && ["testkit", "local"].contains(&on);
            assert!(
                !members.contains(on) || may.contains(&on) || for_tests,
                "{name} must not build on {on}"
            );
        }
    }
}

#[test]
fn rules_are_pure() {
    let mut files: Vec<PathBuf> = ["chain.rs", "deliveries.rs", "entry.rs", "finish.rs"]
        .map(|file| root().join("shared/line/src").join(file))
        .into();
    files.extend(
        ["address.rs", "redirect.rs", "url.rs"]
            .map(|file| root().join("shared/egress/src").join(file)),
    );
    files.extend(["line.rs", "retry.rs"].map(|file| root().join("shared/mail/src").join(file)));
    files.extend(
        ["held.rs", "judge.rs"].map(|file| root().join("infra/operator/src/certify").join(file)),
    );
    for service in Service::ALL.into_iter().chain(Service::EDGES) {
        rust_files(&root().join("services").join(service.name()).join("src/rules"), &mut files);
    }
    for folder in ["desk/src/model", "desk/src/duties", "files/src/rules", "web/src/oidc/rules"] {
        rust_files(&root().join("shared").join(folder), &mut files);
    }
    assert!(files.len() > 20, "the rules are where they are looked for: {files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in IMPURE {
                assert!(
                    !code.contains(word),
                    "{}:{}: a rule must not use {word}",
                    file.display(),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn rooms_of_messaging_build_only_on_lower_ones() {
    let source = root().join("shared/messaging/src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let lib = source.join("lib.rs");
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| **file != lib) {
        let path = file.strip_prefix(&source).expect("below the sources");
        let room = room_of(path.iter().next().and_then(|first| first.to_str()).unwrap_or_default());
        let text = std::fs::read_to_string(file).expect("a readable file");
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        for used in code.flat_map(|line| line.split("crate::").skip(1)) {
            let first =
                used.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
            let first = first.unwrap_or_default();
            let is_there =
                source.join(first).is_dir() || source.join(format!("{first}.rs")).exists();
            let at = path.display();
            if first.is_empty() || !is_there {
                wrong.push(format!("{at}: crate::{first} does not say in which room it is"));
            } else if place(room_of(first)) > place(room) {
                wrong.push(format!("{at}: {room} must not build on {}", room_of(first)));
            }
        }
    }
    assert!(files.len() > 40, "the rooms are where they are looked for: {files:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_guide_says_the_order_of_the_rooms() {
    let guide = std::fs::read_to_string(root().join("shared/README.md")).expect("a readable file");
    let said = ROOMS.map(|room| if room == ROOT { ROOT.to_owned() } else { format!("`{room}`") });
    let said = said.join(" → ");
    assert!(guide.contains(&said), "shared/README.md has to say {said}");
}

/// A file or folder directly in the sources of `messaging` as a room.
fn room_of(first: &str) -> &'static str {
    ROOMS.into_iter().find(|room| *room == first).unwrap_or(ROOT)
}

fn place(room: &str) -> Option<usize> {
    ROOMS.iter().position(|one| *one == room)
}

/// What breaks the runtime, or a release, on purpose fits the code as it stands: else nobody would
/// see whether it is noticed.
#[test]
fn every_sabotage_applies() {
    for folder in ["tests/faults/sabotage", "tests/faults/upgrade"] {
        let mut patches = Vec::new();
        for entry in std::fs::read_dir(root().join(folder)).expect("a readable folder") {
            let path = entry.expect("a readable folder").path();
            patches.extend(path.extension().is_some_and(|it| it == "patch").then_some(path));
        }
        assert!(!patches.is_empty(), "{folder} has patches");
        for patch in patches {
            let mut command = Command::new("git");
            command.args(["apply", "--check"]).arg(&patch).current_dir(root());
            let output = command.output().expect("git runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {said}", patch.display());
        }
    }
}

/// rustfmt keeps to the width, but leaves comments, strings and macros as they are. What has no
/// place to break it, an address or a hash, may be longer.
#[test]
fn code_is_100_wide() {
    let root = root();
    let mut files = Vec::new();
    for folder in ["infra", "services", "shared", "tests"] {
        code_files(&root.join(folder), &CODE, &mut files);
    }
    assert!(files.len() > 500, "code is where it is looked for: {} files", files.len());
    let mut wide = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        for (number, line) in text.lines().enumerate() {
            let indent = line.chars().take_while(|letter| letter.is_whitespace()).count();
            let words = line.split_whitespace().map(|word| word.chars().count());
            let can_be_broken = indent + words.max().unwrap_or_default() <= WIDTH;
            if line.chars().count() > WIDTH && can_be_broken {
                let path = file.strip_prefix(&root).expect("below the root");
                wide.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(wide.is_empty(), "longer than {WIDTH} characters:\n{}", wide.join("\n"));
}

/// All Rust files in a folder and below it.
pub(super) fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    code_files(folder, &["rs"], files);
}

/// Files by their extensions, without what others wrote, what is built, and minified scripts.
fn code_files(folder: &Path, extensions: &[&str], files: &mut Vec<PathBuf>) {
    for entry in
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !NOT_OURS.contains(&name) {
                code_files(&path, extensions, files);
            }
        } else if extensions.contains(&extension) && !name.contains(".min.") {
            files.push(path);
        }
    }
}

/// Whether a service knows a message type; that the content is wrong is another matter.
fn knows(service: Service, message: &str) -> bool {
    let nothing = Value::Null;
    let error = match service {
        Service::Agreement => agreement_service::AgreementService::new(usize::MAX)
            .decode(message, nothing.into())
            .err(),
        Service::ShareDispatcher => stages::dispatcher().decode(message, nothing.into()).err(),
        Service::CommentSync => comment_sync::CommentSync.decode(message, nothing.into()).err(),
        Service::FieldSync => {
            field_sync::FieldSync::default().decode(message, nothing.into()).err()
        }
        Service::Notifier => notifier::Notifier.decode(message, nothing.into()).err(),
        Service::Gateway | Service::Helpdesk | Service::NhdBridge | Service::Desk(_) => {
            return message_is_a_delivery(message);
        }
    };
    !matches!(error, Some(DecodeError::UnknownType(_)))
}

/// An edge reads what any desk reads.
fn message_is_a_delivery(message: &str) -> bool {
    FLOWS.iter().any(|flow| flow.message == message && flow.to == End::Desk)
}

#[test]
fn every_flow_is_accepted_by_its_receiver_and_by_nobody_else() {
    let messages: BTreeSet<&str> = FLOWS.iter().map(|flow| flow.message).collect();
    for service in Service::ALL {
        for message in &messages {
            let receives = FLOWS
                .iter()
                .any(|flow| flow.message == *message && flow.to == End::Service(service));
            assert_eq!(knows(service, message), receives, "{} and {message}", service.name());
        }
    }
}

#[test]
fn every_service_says_which_file_keeps_which_rule() {
    for service in Service::ALL {
        let readme = root().join("services").join(service.name()).join("README.md");
        let text = std::fs::read_to_string(&readme)
            .unwrap_or_else(|error| panic!("{}: {error}", readme.display()));
        assert!(text.contains("R-"), "{} lists its rules", readme.display());
    }
}
