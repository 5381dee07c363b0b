//! `service rotate`: another broker password for a service's user.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use contracts::topology::Service;
use operator::account::AccountAdmin;
use operator::secret::{self, Prepared};

use super::reach::ReachArgs;

/// What is done with a service's user.
#[derive(Subcommand)]
pub enum ServiceCommand {
    /// Give its broker user another password; its connections go on, and it reads the new address
    /// at its next login
    Rotate {
        /// The service
        name: Service,
        /// Write its broker address with the new password into this file, readable by its owner
        /// alone
        #[arg(long, value_name = "FILE")]
        secret: PathBuf,
        #[command(flatten)]
        reach: ReachArgs,
    },
}

/// What came of a rotation.
pub struct Rotated {
    /// How many connections were closed.
    pub connections: usize,
    /// What was written into the file, or is to be told.
    pub told: String,
}

/// Does it.
pub fn carry_out(command: &ServiceCommand) -> Result<ExitCode> {
    let ServiceCommand::Rotate { name, secret, reach } = command;
    let doors = reach.doors()?;
    let user = name.user();
    rotate_user(&doors, &user, false, Some(secret), |password| Ok(doors.url_of(&user, password)?))?;
    let (name, file) = (name.name(), secret.display());
    println!(
        "{user} has a new password; {name}'s connections go on, and its next login needs the new \
         one. {file} holds the new\n\
         address. Put it into the Secret; {name} reads it from there at its next login, without a \
         restart:\n\
         kubectl patch secret deskmesh-broker --type merge \
         -p \"{{\\\"data\\\":{{\\\"{name}\\\":\\\"$(base64 -w0 {file})\\\"}}}}\""
    );
    Ok(ExitCode::SUCCESS)
}

/// Gives a user another password; what `told` makes of it goes into the file, if there is one.
pub fn rotate_user(
    doors: &AccountAdmin,
    user: &str,
    close: bool,
    file: Option<&Path>,
    told: impl FnOnce(&str) -> Result<String>,
) -> Result<Rotated> {
    let password = secret::new_password();
    let told = told(&password)?;
    // Written before, put into place after: whatever fails between, nothing is lost.
    let prepared = file.map(|file| Prepared::beside(file, &told)).transpose()?;
    let connections = doors.rotate(user, &password, close)?;
    if let Some(prepared) = prepared {
        prepared.take_effect()?;
    }
    Ok(Rotated { connections, told })
}
