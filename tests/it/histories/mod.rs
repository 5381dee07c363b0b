//! Histories of the whole line: whatever two to four desks do, in whatever order it is decided and
//! arrives, however often, every command has one receipt, nothing crosses that a receipt forbade,
//! and at rest every desk holds what Deskmesh holds of its tickets.
//!
//! The services' own rules and outputs, wired as `FLOWS` has it, without broker or database; desks
//! as the contract tells them to be. `HISTORIES` says how many are played; a failing one is shrunk
//! and printed with its seed.

mod checks;
mod desk;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::world::{Step, World};

/// How many histories `make test` plays.
const HISTORIES: u32 = 10_000;

fn histories() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a test's own setting")]
    let asked = std::env::var("HISTORIES").ok().and_then(|count| count.parse().ok());
    asked.unwrap_or(HISTORIES)
}

fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test's own setting")]
    let asked = std::env::var("HISTORIES_SEED").ok().and_then(|seed| seed.parse().ok());
    asked.unwrap_or_else(|| {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos()) ^ (now.as_secs() << 20)
    })
}

/// Plays histories of so many accounts, each step by `step`.
fn play(accounts: usize, share: u32, step: fn(&mut World, Step)) {
    let seed = seed() ^ accounts as u64;
    println!(
        "{} histories of {accounts} accounts, HISTORIES_SEED={}",
        histories() / share,
        seed ^ accounts as u64
    );
    let config = Config {
        cases: histories() / share,
        failure_persistence: None,
        max_shrink_iters: 100_000,
        max_shrink_time: 40_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let terms = prop::collection::vec(0_u8..8, accounts..=accounts * 2);
    let steps = prop::collection::vec(any::<Step>(), 1..160);
    let played = runner.run(&(terms, steps), |(terms, steps)| {
        let mut world = World::new(accounts, &terms);
        for played in &steps {
            step(&mut world, *played);
        }
        let order: Vec<u8> =
            steps.iter().flat_map(|(_, who, which, how)| [*who, *which, *how]).collect();
        world.settle(&order);
        let wrong = checks::at_rest(&mut world);
        prop_assert!(wrong.is_empty(), "{wrong:#?}");
        Ok(())
    });
    if let Err(failed) = played {
        panic!("HISTORIES_SEED={}: {failed}", seed ^ accounts as u64);
    }
}

#[test]
fn two_accounts_end_the_same_whatever_happens() {
    play(2, 4, World::step);
}

#[test]
fn three_accounts_end_the_same_whatever_happens() {
    play(3, 2, World::step);
}

#[test]
fn four_accounts_end_the_same_whatever_happens() {
    play(4, 4, World::step);
}

/// "When traffic stops, every desk holds what `ticket.resync` would tell it" (contract part 5).
#[test]
fn part_5_what_was_missed_out_of_reach_is_told_at_the_return() {
    play(3, 4, World::step_with_ends);
    play(4, 4, World::step_with_ends);
}
