//! Which faults strike in which round: every fault by itself first, then mixes. A seed repeats all
//! of it.

use std::time::Duration;

use contracts::topology::Service;
use fastrand::Rng;
use local::Ending;

use crate::fault::{Fault, Host, Trouble};
use crate::site::REPLICAS;

/// Faults that strike in one mixed round.
const MIX: usize = 3;
/// Within this time they all begin.
const SPREAD_MS: u64 = 2_500;
const HOUR: i64 = 3_600;
/// The services whose replicas are killed and stopped.
const SERVICES: [Service; 6] = [
    Service::Agreement,
    Service::ShareDispatcher,
    Service::CommentSync,
    Service::FieldSync,
    Service::Notifier,
    Service::Gateway,
];

/// The faults of a round, each with the time at which it strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Faults and delays.
    pub faults: Vec<(Fault, Duration)>,
}

impl Round {
    /// What strikes, in words.
    #[must_use]
    pub fn name(&self) -> String {
        self.faults.iter().map(|(fault, _)| fault.to_string()).collect::<Vec<_>>().join(" + ")
    }
}

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A few that take little time and need no server to be taken away.
    Short,
    /// Every fault by itself, then mixes up to this many injections in all.
    Long(usize),
}

/// The rounds that follow from a seed.
#[must_use]
pub fn rounds(seed: u64, extent: Extent) -> Vec<Round> {
    let mut rng = Rng::with_seed(seed);
    match extent {
        Extent::Short => short(&mut rng),
        Extent::Long(injections) => {
            let mut rounds: Vec<Round> = singles(&mut rng).into_iter().map(alone).collect();
            rng.shuffle(&mut rounds);
            rounds.truncate(injections);
            let mut left = injections - rounds.len();
            while left > 0 {
                let mix = mix(&mut rng, left.min(MIX));
                left -= mix.faults.len();
                rounds.push(mix);
            }
            rounds
        }
    }
}

fn alone(fault: Fault) -> Round {
    Round { faults: vec![(fault, Duration::ZERO)] }
}

fn short(rng: &mut Rng) -> Vec<Round> {
    let service = *rng.choice(&SERVICES).expect("there are six");
    let apart = |fault, delay_ms| (fault, Duration::from_millis(delay_ms));
    let mixes = [
        vec![
            apart(Fault::Kill(service, replica(rng)), 0),
            apart(Fault::ConnectionsCut, 300),
            apart(Fault::Repeats, 0),
        ],
        vec![
            apart(Fault::Network(Host::Broker, Trouble::Cut), 0),
            apart(Fault::DeskFull, 200),
            apart(Fault::ClockOff(HOUR), 0),
            apart(Fault::Poison, 500),
        ],
        vec![
            apart(Fault::RollingRestart, 0),
            apart(Fault::Network(Host::Database, Trouble::Slow), 300),
        ],
        vec![apart(Fault::Network(Host::Database, Trouble::HalfOpen), 0)],
    ];
    mixes.map(|faults| Round { faults }).into()
}

fn replica(rng: &mut Rng) -> u32 {
    rng.u32(1..=REPLICAS)
}

/// Each fault once.
fn singles(rng: &mut Rng) -> Vec<Fault> {
    let mut faults = vec![
        Fault::RollingRestart,
        Fault::ConnectionsCut,
        Fault::MemoryAlarm,
        Fault::BrokerWiped,
        Fault::Poison,
        Fault::DeskFull,
        Fault::DeskAsleep(120),
        Fault::Repeats,
        Fault::ClockOff(HOUR),
        Fault::ClockOff(-HOUR),
    ];
    for service in SERVICES {
        faults.extend([Fault::Kill(service, replica(rng)), Fault::Stop(service, replica(rng))]);
    }
    faults.extend(queues().map(Fault::QueueDeleted));
    for host in [Host::Broker, Host::Database] {
        faults.extend(
            [(Ending::Orderly, 0), (Ending::AtOnce, 0), (Ending::Orderly, 30)]
                .map(|(how, s)| Fault::Away(host, how, s)),
        );
        faults.extend(
            [Trouble::Slow, Trouble::Cut, Trouble::Closed, Trouble::HalfOpen]
                .map(|what| Fault::Network(host, what)),
        );
    }
    faults
}

/// Queues whose messages come again when desks publish again what has no receipt.
fn queues() -> [Service; 4] {
    [Service::Agreement, Service::ShareDispatcher, Service::CommentSync, Service::FieldSync]
}

/// Several at once, of different subjects.
fn mix(rng: &mut Rng, count: usize) -> Round {
    let mut faults: Vec<(Fault, Duration)> = Vec::new();
    while faults.len() < count {
        let fault = one_of_a_mix(rng);
        if faults.iter().all(|(other, _)| other.subject() != fault.subject()) {
            faults.push((fault, Duration::from_millis(rng.u64(0..SPREAD_MS))));
        }
    }
    Round { faults }
}

fn one_of_a_mix(rng: &mut Rng) -> Fault {
    let service = *rng.choice(&SERVICES).expect("there are six");
    let host = if rng.bool() { Host::Broker } else { Host::Database };
    let ending = if rng.bool() { Ending::Orderly } else { Ending::AtOnce };
    match rng.u8(0..20) {
        0..5 => Fault::Kill(service, replica(rng)),
        5..8 => Fault::Stop(service, replica(rng)),
        8 => Fault::Away(Host::Broker, ending, rng.u64(0..4)),
        9 => Fault::Away(Host::Database, ending, rng.u64(0..8)),
        10 => Fault::ConnectionsCut,
        11 => Fault::Network(host, Trouble::Slow),
        12..14 => Fault::Network(host, Trouble::Cut),
        14 => Fault::Network(host, Trouble::Closed),
        15 => Fault::Network(host, Trouble::HalfOpen),
        16 => {
            if rng.bool() {
                Fault::MemoryAlarm
            } else {
                Fault::QueueDeleted(*rng.choice(&queues()).expect("there are four"))
            }
        }
        17 => {
            if rng.bool() {
                Fault::DeskFull
            } else {
                Fault::DeskAsleep(rng.u64(3..12))
            }
        }
        18 => {
            if rng.bool() {
                Fault::Poison
            } else {
                Fault::Repeats
            }
        }
        _ => Fault::ClockOff(if rng.bool() { HOUR } else { -HOUR }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_repeats_itself_and_another_does_not() {
        assert_eq!(rounds(7, Extent::Long(80)), rounds(7, Extent::Long(80)));
        assert_ne!(rounds(7, Extent::Long(80)), rounds(8, Extent::Long(80)));
    }

    #[test]
    fn every_fault_strikes_by_itself_and_then_in_mixes_of_different_subjects() {
        let rounds = rounds(7, Extent::Long(200));
        assert_eq!(rounds.iter().map(|round| round.faults.len()).sum::<usize>(), 200);
        let alone = rounds.iter().take_while(|round| round.faults.len() == 1).count();
        assert_eq!(alone, singles(&mut Rng::with_seed(0)).len());
        for round in &rounds {
            let subjects: BTreeSet<_> =
                round.faults.iter().map(|(fault, _)| fault.subject()).collect();
            assert_eq!(subjects.len(), round.faults.len(), "{}", round.name());
        }
    }
}
