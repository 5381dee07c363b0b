//! The short run: each target plays its seeds, what was once found, and many changed scripts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fuzz::mutate::mutate;
use fuzz::seeds;
use fuzz::target::{TARGETS, Target, named};

/// Changed scripts for each target.
const SCRIPTS: u64 = 300;

fn scripts() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test's own setting")]
    let asked = std::env::var("FUZZ_SCRIPTS").ok().and_then(|count| count.parse().ok());
    asked.unwrap_or(SCRIPTS)
}

fn play(target: Target, name: &str, what: &str, script: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target.play(script))).is_err() {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{what}.jsonl"));
        std::fs::write(&folder, script).expect("the folder can be written to");
        panic!("{name} fails on {what}: {}", folder.display());
    }
}

/// Seeds, what was once found, and changes upon changes of the seeds.
fn short_run(name: &str) {
    let target = named(name).expect("a target");
    let seeds = seeds::of(target);
    for (number, seed) in seeds.iter().enumerate() {
        assert!(seed.len() > 100, "{name} has seeds");
        play(target, name, &format!("seed-{number}"), seed);
    }
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("found").join(name);
    for file in std::fs::read_dir(found).into_iter().flatten() {
        let path = file.expect("a readable folder").path();
        let script = std::fs::read(&path).expect("a readable file");
        play(target, name, &path.file_stem().unwrap_or_default().to_string_lossy(), &script);
    }
    for number in 0..scripts() {
        let mut script = seeds[usize::try_from(number).unwrap_or_default() % seeds.len()].clone();
        for again in 0..=number % 8 {
            script = mutate(&script, number * 8 + again);
        }
        play(target, name, &format!("script-{number}"), &script);
    }
}

#[test]
fn every_target_has_a_test_here() {
    let text = include_str!("main.rs");
    for (name, _) in TARGETS {
        assert!(text.contains(&format!("short_run({name:?})")), "{name} is played");
    }
}

#[test]
fn admission() {
    short_run("admission");
}

#[test]
fn agreement_service() {
    short_run("agreement-service");
}

#[test]
fn share_dispatcher() {
    short_run("share-dispatcher");
}

#[test]
fn comment_sync() {
    short_run("comment-sync");
}

#[test]
fn field_sync() {
    short_run("field-sync");
}

#[test]
fn notifier() {
    short_run("notifier");
}

#[test]
fn line() {
    short_run("line");
}
