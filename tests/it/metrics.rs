//! What the running services tell at `/metrics` is what `infra/prometheus/metrics.yaml` says, name
//! by name and label by label: alerts and dashboards are held against that file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use local::Instance;

type Metric = (String, String);

/// Holds all that the instances tell against the registry. They must have seen one of everything.
pub fn are_as_registered(instances: &[Instance]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/prometheus/metrics.yaml");
    let registry = std::fs::read_to_string(path).expect("the registry is there");
    let registered: BTreeMap<Metric, BTreeSet<String>> =
        registry.split("\n- ").skip(1).filter_map(registered).collect();
    let texts: Vec<String> =
        instances.iter().map(|one| one.get("/metrics").expect("it answers").1).collect();
    let told: BTreeMap<Metric, BTreeSet<String>> =
        texts.iter().flat_map(|text| told(text)).collect();
    assert_eq!(told, registered, "told, and registered");
}

/// An entry of the registry, if it is the services' own. The file is plain: a key and its value on
/// each line.
fn registered(entry: &str) -> Option<(Metric, BTreeSet<String>)> {
    let value =
        |key: &str| entry.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    let labels = value("labels:")?.trim_matches(['[', ']']);
    let labels = labels
        .split(',')
        .map(|label| label.trim().to_owned())
        .filter(|label| !label.is_empty())
        .collect();
    (value("source:") == Some("service"))
        .then_some(((value("name:")?.to_owned(), value("kind:")?.to_owned()), labels))
}

/// Metrics by name and kind, with their labels.
fn told(text: &str) -> Vec<(Metric, BTreeSet<String>)> {
    let kinds: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let sample = |line: &str| {
        let (series, _) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let stem =
            ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let (name, kind) = stem
            .and_then(|stem| kinds.get_key_value(stem))
            .or_else(|| kinds.get_key_value(name))?;
        let labels = labels
            .split("\",")
            .filter_map(|pair| Some(pair.split_once('=')?.0.trim_matches(',').to_owned()));
        Some((
            ((*name).to_owned(), (*kind).to_owned()),
            labels.filter(|label| label != "le").collect(),
        ))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}
