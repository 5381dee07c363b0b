//! The demo's story as a test, with every service killed once during its load.

use contracts::topology::Service;
use local::TestEnvironment;
use system_tests::stage::Stage;
use system_tests::story::{self, Load};
use system_tests::timeline::Timeline;

#[tokio::test(flavor = "multi_thread")]
async fn the_story_holds_while_every_service_is_killed_once() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let world = TestEnvironment::new("story").await;
    let dir = local::test_environment::target().join("system-tests").join(world.name());
    println!("logs: {}", dir.display());
    let stage = Stage::set(&dir, world.installation.clone(), world.database.clone()).await.unwrap();
    let load = Load { kills: Service::ALL.to_vec(), ..Load::default() };
    let (stage, outcome) = story::play(stage, Timeline::new(), &load).await.unwrap();
    assert!(outcome.proof.holds(), "{}: {:#?}", outcome.proof, outcome.proof.wrong);
    stage.clear().await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    world.remove().await;
}
