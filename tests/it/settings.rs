//! `services/<name>/SETTINGS.md`: every key of a service in one place, made from the default files
//! (`UPDATE=1` writes it), and the ranges that stand there are those that the service keeps.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use contracts::topology::Service;
use local::services::binaries_dir;

/// A key as the default files have it.
struct Setting {
    key: String,
    default: String,
    /// The comment above it.
    meaning: String,
}

impl Setting {
    fn variable(&self) -> String {
        format!("DESKMESH__{}", self.key.replace('.', "__").to_uppercase())
    }

    /// The least and the most, where its meaning says "1 to 32".
    fn range(&self) -> Option<(&str, &str)> {
        let words: Vec<&str> = self
            .meaning
            .split_whitespace()
            .map(|word| word.trim_end_matches(['.', ',', ';', ':']))
            .collect();
        let number = |word: &str| word.parse::<f64>().is_ok();
        words
            .windows(3)
            .find(|three| three[1] == "to" && number(three[0]) && number(three[2]))
            .map(|three| (three[0], three[2]))
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in a folder of the repository")
}

fn own_folder(service: Service) -> PathBuf {
    repository().join("services").join(service.name())
}

/// Reads what a default file says: sections, comments, keys.
fn read(file: &Path) -> Vec<Setting> {
    let text = fs::read_to_string(file).expect("the default file is there");
    let (mut section, mut comment, mut settings) = (String::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(said) = line.strip_prefix('#') {
            comment.push(said.trim().to_owned());
        } else if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, default)) = line.split_once(" = ") {
            let meaning = match key.strip_suffix("_file") {
                Some(twin) if comment.is_empty() => {
                    format!("A file that holds `{section}.{twin}`, in place of it.")
                }
                _ => comment.join(" "),
            };
            settings.push(Setting {
                key: format!("{section}.{key}"),
                default: default.to_owned(),
                meaning,
            });
            comment.clear();
        } else {
            // What stands above an empty line is said of the file.
            comment.clear();
        }
    }
    settings
}

fn settings(service: Service) -> Vec<Setting> {
    let mut all = read(&repository().join("shared/bootstrap/config.default.toml"));
    all.extend(read(&own_folder(service).join("config.default.toml")));
    all
}

fn page(service: Service) -> String {
    let mut text = format!(
        "# Settings of {0}\n\n\
         Made from the default files by `make generate`. A later layer wins: the defaults, the \
         file given by `--config`,\n\
         the environment, the files that `…_file` keys name. `{0} config` prints what is in \
         force and\n\
         where each value comes from. A key or a value that cannot be ends the start with one \
         sentence and code 2.\n\n\
         | key | environment variable | default | meaning, range |\n|---|---|---|---|\n",
        service.name()
    );
    for setting in settings(service) {
        let (key, variable, meaning) =
            (&setting.key, setting.variable(), setting.meaning.replace('|', "\\|"));
        let default = if setting.default == "\"\"" {
            "empty".to_owned()
        } else {
            format!("`{}`", setting.default.trim_matches('"'))
        };
        writeln!(text, "| `{key}` | `{variable}` | {default} | {meaning} |")
            .expect("a string takes every byte");
    }
    text
}

fn ask(service: Service, command: &str, environment: &BTreeMap<String, String>) -> Output {
    let program = binaries_dir().expect("a test has a folder").join(service.name());
    Command::new(program)
        .arg(command)
        .env_clear()
        .envs(environment)
        .output()
        .expect("the binaries are built")
}

#[test]
fn every_setting_has_its_row_with_a_meaning() {
    for service in Service::ALL.into_iter().chain(Service::EDGES) {
        let path = own_folder(service).join("SETTINGS.md");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, page(service)).expect("the file can be written");
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page(service), "{} is out of date: run `make generate`", path.display());
        let described = String::from_utf8(ask(service, "describe", &BTreeMap::new()).stdout)
            .expect("it is text");
        let (_, keys) =
            described.split_once("environment variable):\n").expect("it lists its configuration");
        for line in keys.lines().filter(|line| line.contains(" = ")) {
            let (key, rest) = line.trim().split_once(" = ").expect("a key has a default");
            let settings = settings(service);
            let setting =
                settings.iter().find(|setting| setting.key == key).expect("a key has a row");
            assert!(
                rest.ends_with(&format!("({})", setting.variable())),
                "{}: {line}",
                service.name()
            );
            assert!(
                !setting.meaning.is_empty(),
                "{}: no comment says what {key} means",
                service.name()
            );
        }
    }
}

#[test]
fn every_range_is_the_one_that_the_service_keeps() {
    for service in Service::ALL.into_iter().chain(Service::EDGES) {
        for setting in settings(service) {
            let refused = |value: &str| {
                let environment = BTreeMap::from([(setting.variable(), value.to_owned())]);
                !ask(service, "config", &environment).status.success()
            };
            let name = format!("{}: {}", service.name(), setting.key);
            let Some((least, most)) = setting.range() else {
                let number = setting.default.parse::<f64>().is_ok();
                assert!(
                    !number,
                    "{name} is a number: its comment has to say from what to what, as in `1 to 32`"
                );
                continue;
            };
            let beyond =
                |bound: &str, by: f64| (bound.parse::<f64>().expect("a number") + by).to_string();
            assert!(!refused(least) && !refused(most), "{name}: {least} or {most} is refused");
            assert!(
                refused(&beyond(least, -1.0)) && refused(&beyond(most, 1.0)),
                "{name}: more than {least} to {most} is taken"
            );
        }
    }
}
