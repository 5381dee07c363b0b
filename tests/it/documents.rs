//! Every link of every page leads to a file that is there, and to a heading that it has.

use std::fs;
use std::path::{Path, PathBuf};

/// Built things, and what others wrote.
const NOT_OURS: [&str; 5] = ["target", ".git", "vendor", "__pycache__", "node_modules"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies below the root")
        .to_owned()
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !NOT_OURS.contains(&name) {
                pages(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// A page without its blocks of code.
fn prose(page: &Path) -> String {
    let text = fs::read_to_string(page).expect("a readable page");
    let mut in_code = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Where the links of a text lead, other than to other sites.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target).filter(|target| !target.contains(':'))
}

/// The anchors of a page's headings, as repository hosts make them.
fn anchors(page: &Path) -> Vec<String> {
    let anchor = |heading: &str| {
        let kept =
            heading.trim().chars().filter(|one| one.is_alphanumeric() || " -_".contains(*one));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let text = prose(page);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let mut all = Vec::new();
    pages(&root(), &mut all);
    assert!(all.len() > 50, "the pages are where they are looked for: {all:?}");
    let mut broken = Vec::new();
    for page in &all {
        for link in links(&prose(page)) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                page.parent().expect("a page lies in a folder").join(path)
            };
            let leads = if anchor.is_empty() || target.extension().is_none_or(|end| end != "md") {
                target.exists()
            } else {
                target.exists() && anchors(&target).iter().any(|one| one == anchor)
            };
            if !leads {
                broken.push(format!("{} links to {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
