//! The bridge between partners that speak HTTP and the running services of the line.
//!
//! One process, one virtual host, one database, five services; every test has accounts and a
//! partner of its own there.

mod attachments;
mod bad_input;
mod invited;
mod inviting;
mod partner;
mod proof;
mod trouble;
mod world;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use world::World;

/// Tests under way at the same time: most of a test is waiting.
const AT_ONCE: usize = 4;

/// There while tests run.
static WORLD: Mutex<Option<Arc<World>>> = Mutex::new(None);

macro_rules! trials {
    ($runtime:expr, $($test:path),+ $(,)?) => {
        vec![$({
            let runtime = $runtime.handle().clone();
            Trial::test(stringify!($test), move || {
                let world = WORLD.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let world = world.ok_or_else(|| Failed::from("the world has closed"))?;
                runtime.block_on($test(world));
                Ok(())
            })
        }),+]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let runtime = Runtime::new().expect("a runtime starts");
    let trials = trials![
        runtime,
        invited::r_52_to_r_79_a_zendesk_account_shares_with_acme,
        invited::r_16_whoever_declines_all_invites_is_no_receiver,
        invited::an_invite_calls_nobody_before_it_is_decided,
        invited::a_partner_that_is_not_who_it_says_is_ended,
        invited::a_declined_invite_is_told_and_cannot_be_used,
        inviting::r_57_acme_shares_with_a_sharing_url,
        inviting::r_54_a_receiver_of_private_comments_has_no_say_in_public,
        inviting::a_partner_that_refuses_an_invite_declines_it,
        inviting::a_ticket_that_comes_back_is_the_copy_that_was_told,
        trouble::a_failing_partner_gets_everything_once_and_in_order,
        trouble::a_partner_that_hangs_holds_up_no_other,
        trouble::a_page_for_people_is_no_success,
        trouble::a_share_that_is_refused_at_its_second_try_keeps_the_reason,
        trouble::a_ticket_that_a_partner_begins_as_open_alone_gets_its_status_after,
        trouble::the_other_media_type_is_tried_and_kept,
        trouble::redirects_stay_at_the_host,
        trouble::a_ticket_that_a_partner_lost_ends_alone,
        trouble::a_share_that_a_partner_never_took_ends_alone,
        trouble::our_own_trouble_is_no_failure_of_the_partner,
        trouble::what_a_dead_replica_held_is_called_after_its_lease,
        trouble::what_a_dead_replica_began_may_have_been_taken,
        trouble::what_the_operator_paused_the_account_cannot_let_go_on,
        trouble::a_partner_that_moves_is_proven_at_its_new_place,
        proof::nobody_waits_for_a_proof_that_nobody_asks_for,
        proof::who_waits_for_a_proof_holds_up_nobody,
        proof::what_the_old_place_answers_says_nothing_of_the_new_one,
        proof::what_waited_for_the_old_place_is_sent_to_the_new_one_at_once,
        proof::an_old_invite_is_withdrawn_once,
        attachments::what_a_partner_attaches_is_copied_before_it_crosses,
        bad_input::each_has_its_outcome,
        bad_input::guessed_addresses_are_bounded,
        bad_input::a_body_that_never_comes_is_given_up,
    ];
    if arguments.list {
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    let world = Arc::new(runtime.block_on(World::open()));
    *WORLD.lock().unwrap_or_else(PoisonError::into_inner) = Some(world);
    let conclusion = libtest_mimic::run(&arguments, trials);
    let world = WORLD.lock().unwrap_or_else(PoisonError::into_inner).take();
    let world = world.and_then(Arc::into_inner).expect("no test runs any more");
    runtime.block_on(world.close(!conclusion.has_failed()));
    conclusion.exit_code()
}
