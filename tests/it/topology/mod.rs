//! The generated topology on a real broker: what it holds, where its dead letters go, and what each
//! user may do there. That the operator's resources describe the same objects,
//! `tests/platform/topology.py` checks.

mod dead_letters;
mod held;
mod matrix;
mod trial;

use contracts::AccountName;
use contracts::topology::{Service, definitions};
use local::TestEnvironment;

use matrix::{Who, trials};

/// Beside it: what `infra/local` installs piece by piece is the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_broker_holds_what_was_loaded_and_no_more() {
    let world = TestEnvironment::new("topology-held").await;
    let installation = world.installation.clone();
    let compared = tokio::task::spawn_blocking(move || {
        let (broker, vhost) = (installation.broker(), installation.vhost());
        held::is_as_loaded(broker, vhost, &definitions(vhost));

        let vhost = format!("{vhost}_file");
        let generated = held::generated(&vhost);
        broker.create_vhost(&vhost).expect("the broker makes it");
        broker.load_definitions(&vhost, &generated).expect("the generated file loads");
        held::is_as_loaded(broker, &vhost, &generated);
        broker.delete_vhost(&vhost).expect("the virtual host goes");
        for user in held::users(&generated) {
            broker.delete_user(&user).expect("the user goes");
        }
    });
    compared.await.expect("it is as loaded");
    world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_queue_dead_letters_at_least_once_into_one_that_is_read() {
    let world = TestEnvironment::new("topology-letters").await;
    let desk = world.account("letters").await;
    let (queues, bindings) = dead_letters::told(&world.installation).await;
    dead_letters::lead_to_readers(&queues, &bindings);
    dead_letters::arrive(&world.installation, &account("letters"), &desk).await;
    world.installation.broker().delete_user("letters").expect("the user goes");
    world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_can_do_what_the_flows_say_and_nothing_else() {
    let world = TestEnvironment::new("topology-rights").await;
    // Two more names that begin like the first one: of an account, and of nobody.
    let accounts = ["rights", "rights-eu"].map(account);
    for account in &accounts {
        world.account(account.as_str()).await;
    }
    let services = Service::ALL.map(Who::Service);
    let users = services
        .into_iter()
        .chain([Who::Desk(accounts[0].clone()), Who::Desk(AccountName::operator())]);
    let tried = users.map(|who| {
        let url = world.installation.user_url(&who.user()).expect("the broker has an address");
        let trials = trials(&who, &accounts);
        tokio::spawn(async move { (who.user(), trials.len(), trial::wrong(&url, &trials).await) })
    });
    let mut wrong = Vec::new();
    for tried in tried.collect::<Vec<_>>() {
        let (user, count, found) = tried.await.expect("the broker answers every trial");
        println!("{user}: {count} trials");
        wrong.extend(found.into_iter().map(|found| format!("{user}: {found}")));
    }
    assert!(
        wrong.is_empty(),
        "{} are otherwise than FLOWS says:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    for account in accounts {
        world.installation.broker().delete_user(account.as_str()).expect("the user goes");
    }
    world.remove().await;
}

fn account(name: &str) -> AccountName {
    AccountName::new(name).expect("a name")
}
