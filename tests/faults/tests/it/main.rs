//! The short form: a few faults, on private servers of its own.

use faults::report::told;
use faults::runner::{Pace, Runner};
use faults::schedule::{Extent, rounds};
use faults::site::{Deviations, Site};
use faults::traffic::Traffic;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_leaked_or_diverged_under_a_few_faults() {
    let seed = fastrand::u64(0..1_000_000);
    println!("seed {seed}");
    let dir = local::test_environment::target().join("faults-short");
    let pace = Pace::steady();
    // A connection that hangs is given up sooner than a server in use would want it.
    let settings = vec![("DESKMESH__DATABASE__ANSWER_TIMEOUT_MS", "3000")];
    let deviations = Deviations { settings, gateway: true, ..Deviations::default() };
    let site = Site::open(&dir, &deviations).await.unwrap();
    let traffic = Traffic::open(&site, seed, pace.think).await.unwrap();
    let mut runner = Runner::new(site, traffic, pace);
    for round in rounds(seed, Extent::Short) {
        println!("{}", round.name());
        let outcome = runner.play(round).await.unwrap();
        println!("{}", told(&outcome));
        assert!(outcome.holds(), "{:#?}", outcome.verdict.wrong);
    }
    runner.end().await.unwrap();
}
