//! `servers.json`: which processes run in a folder, written before anything can fail.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::BrokerAddress;
use crate::error::{During, Error, Result};
use crate::process::Process;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) rabbitmq: Option<RabbitMq>,
    pub(super) postgres: Option<Postgres>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RabbitMq {
    pub(super) node: Process,
    pub(super) epmd: Process,
    pub(super) amqp_port: u16,
    pub(super) management_port: u16,
    pub(super) mapper_port: u16,
}

impl RabbitMq {
    pub(super) fn address(&self) -> BrokerAddress {
        BrokerAddress {
            amqp_url: format!("amqp://guest:guest@127.0.0.1:{}", self.amqp_port),
            management_url: format!("http://guest:guest@127.0.0.1:{}", self.management_port),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Postgres {
    pub(super) server: Process,
    pub(super) port: u16,
    pub(super) password: String,
    pub(super) home: PathBuf,
}

impl Postgres {
    pub(super) fn url(&self) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/postgres", self.password, self.port)
    }
}

/// The record in memory and on disk; both servers are started at the same time and share it.
pub(super) struct Ledger {
    file: PathBuf,
    record: Mutex<Record>,
}

impl Ledger {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let file = dir.join("servers.json");
        let record = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| Error::State { path: file.clone(), source })?,
            Err(missing) if missing.kind() == ErrorKind::NotFound => Record::default(),
            Err(source) => return Err(source).during(format!("reading {}", file.display())),
        };
        Ok(Self { file, record: Mutex::new(record) })
    }

    pub(super) fn read(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Record)) -> Result<()> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut record);
        crate::state::write(&self.file, &*record)
    }
}
