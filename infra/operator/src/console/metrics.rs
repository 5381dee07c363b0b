//! Prometheus' text format, as far as services write it.

use std::collections::BTreeMap;

/// One line: `name{label="value"} 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Metric {
    /// A label's value; nothing where it has none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// All lines that are one; comments and what is not understood are left out.
pub fn read(text: &str) -> Vec<Metric> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Metric> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            rest = rest.trim_start_matches([',', ' ']);
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(label.trim().to_owned(), value);
            rest = after;
        }
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Metric { name: name.to_owned(), labels, value })
}

/// Up to the closing quotation mark, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_their_labels() {
        let text = "# HELP a what\na 1\n\
            b{x=\"1\",y=\"a\\\"b,}\\\\\\n\"} 2.5 1700000000\n\nc{} +Inf\n\
            broken{x=\"1 3\nno value\n";
        let read = read(text);
        let names: Vec<_> = read.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(read[1].label("y"), "a\"b,}\\\n");
        assert_eq!((read[1].label("x"), read[1].label("z"), read[1].value), ("1", "", 2.5));
        assert!(read[2].value.is_infinite());
    }
}
