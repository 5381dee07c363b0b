//! No message without a sender and a receiver, no delivery that no row has.

use std::collections::BTreeSet;

use contracts::delivery::DeliveryBody;
use contracts::topology::{End, Exchange, FLOWS, Service, definitions};

#[test]
fn every_delivery_type_has_a_row() {
    let rows: BTreeSet<&str> = FLOWS
        .iter()
        .filter(|flow| flow.exchange == Exchange::Desk)
        .map(|flow| flow.message)
        .collect();
    assert_eq!(rows, DeliveryBody::NAMES.iter().copied().collect());
}

#[test]
fn every_command_reaches_the_service_that_binds_its_key() {
    for flow in FLOWS.iter().filter(|flow| flow.exchange == Exchange::Share) {
        let entity = flow.message.split('.').next().unwrap();
        let End::Service(service) = flow.to else { panic!("{flow:?} leads to no service") };
        assert!(service.entry_bindings().contains(&format!("*.{entity}.*").as_str()), "{flow:?}");
    }
}

#[test]
fn no_service_sends_to_itself_and_none_is_cut_off() {
    for service in Service::ALL {
        assert!(
            FLOWS.iter().any(|flow| flow.to == End::Service(service)),
            "{service:?} receives nothing"
        );
        assert!(
            !FLOWS.iter().any(|flow| flow.to == flow.from && flow.to == End::Service(service)),
            "{service:?}"
        );
    }
}

#[test]
fn every_work_queue_dead_letters_into_a_queue_that_is_read() {
    let definitions = definitions("deskmesh");
    let bound: BTreeSet<&str> = definitions["bindings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["routing_key"].as_str().unwrap())
        .collect();
    for policy in definitions["policies"].as_array().unwrap() {
        let key = policy["definition"]["dead-letter-routing-key"].as_str().unwrap();
        assert!(bound.contains(key), "{key} leads nowhere");
    }
}
