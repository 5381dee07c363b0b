//! `account add`: one help desk's way in, by its own program or by an edge.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use contracts::AccountName;
use contracts::command::{AccountKind, AccountRegister, Admin};
use contracts::topology::{self, Service};
use operator::account::{AccountAdmin, Added, Handover, account_name, operator_of};
use operator::edge::EdgeApi;
use operator::secret::{self, Prepared};
use serde_json::json;

use crate::commands::reach::ReachArgs;

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct AddArgs {
    /// The account's name, for ever
    name: String,
    /// How it calls itself; its name when not given
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// What kind of desk it has
    #[arg(long, value_enum, default_value_t = Kind::Connected)]
    kind: Kind,
    /// What partners invite; its name when not given
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// Let it operate accounts whose names begin with its own and `-`; also when it is registered
    /// already
    #[arg(long, conflicts_with_all = ["operated_by", "as_resources"])]
    may_operate: bool,
    /// Let it stand for third-party systems: who is invited by a sharing URL becomes an account of
    /// its; with --may-operate or after it, one of a deployment
    #[arg(long, conflicts_with_all = ["operated_by", "as_resources"])]
    third_parties: bool,
    /// The account that publishes for it, and in whose queue its deliveries come
    #[arg(long, value_name = "ACCOUNT")]
    operated_by: Option<String>,
    /// Where a third-party system is reached
    #[arg(long, value_name = "URL")]
    sharing_url: Option<String>,
    /// Who gets notices, as `Name <address>`; may be repeated
    #[arg(long = "admin", value_name = "WHO", value_parser = admin)]
    admins: Vec<Admin>,
    /// The file with its password: read when it is there, written when not, readable by its owner
    /// alone
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// The edge that keeps it: NAME is then its address, and what is handed over a token, or a
    /// sign-in link for its first admin
    #[arg(long, value_enum, conflicts_with_all = ["operated_by", "secret", "as_resources"])]
    via: Option<Via>,
    /// Where the gateway answers the operator, `http://gateway.deskmesh.svc:8081`
    #[arg(long, env = "DESKMESH_GATEWAY_URL", value_name = "URL")]
    gateway_url: Option<String>,
    /// A file with the secret that it wants to be shown
    #[arg(long, env = "DESKMESH_GATEWAY_SECRET_FILE", value_name = "FILE")]
    gateway_secret_file: Option<PathBuf>,
    /// Where the help desk answers the operator, `http://helpdesk.deskmesh.svc:8081`
    #[arg(long, env = "DESKMESH_HELPDESK_URL", value_name = "URL")]
    helpdesk_url: Option<String>,
    /// A file with the secret that it wants to be shown
    #[arg(long, env = "DESKMESH_HELPDESK_SECRET_FILE", value_name = "FILE")]
    helpdesk_secret_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Do nothing; print the objects for RabbitMQ's topology operator in Kubernetes
    #[arg(long, conflicts_with_all = ["operated_by", "secret", "json"])]
    as_resources: bool,
    #[command(flatten)]
    reach: ReachArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Via {
    /// HTTP
    Gateway,
    /// A help desk in the browser
    Helpdesk,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Publishes for itself
    Connected,
    /// Hosted by the deployment
    Hosted,
    /// Somebody else's system behind a bridge
    ThirdParty,
}

/// Lets an account in.
pub(super) async fn add(given: AddArgs) -> Result<()> {
    match given.via {
        Some(Via::Gateway) => return add_via_gateway(&given),
        Some(Via::Helpdesk) => return add_via_helpdesk(&given),
        None => {}
    }
    let account = account_name(&given.name)?;
    if given.as_resources {
        print!("{}", topology::operator_account_resources(&account));
        return Ok(());
    }
    let operated_by =
        given.operated_by.as_deref().map(|operator| operator_of(&account, operator)).transpose()?;
    if operated_by.is_some() && given.secret.is_some() {
        bail!("an account that another one operates has no password: leave --secret away");
    }
    let doors = given.reach.doors()?;
    let user = operated_by.clone().unwrap_or_else(|| account.clone());
    let registration = AccountRegister {
        account: account.to_string(),
        address: given.address,
        display_name: given.display_name.unwrap_or(given.name),
        kind: given.kind.into(),
        operated_by,
        may_operate: given.may_operate,
        third_parties: given.third_parties,
        sharing_url: given.sharing_url,
        admins: given.admins,
    };
    let password = Password::of(&doors, &registration, given.secret.as_deref())?;
    if let Some(prepared) = password.prepared {
        // Before the user is made: a password that is lost on the way would have to be rotated.
        prepared.take_effect()?;
    }
    let added = doors.add(&registration, password.known.as_deref()).await?;
    let told = password.known.filter(|_| password.new && given.secret.is_none());
    let handover = Handover::new(&account, &user, doors.public_url()?, told);
    if given.json {
        let tried = &added.refused;
        let known = json!({ "registered_already": added.known, "repaired": added.let_in.repaired,
            "tried": tried, "handover": handover });
        println!("{}", serde_json::to_string_pretty(&known)?);
    } else {
        tell_added(&account, &added, operated(&registration));
        println!("\n{handover}");
    }
    Ok(())
}

/// Leads the account's deliveries to the queue of the edge that is to keep it, and finds the edge's
/// door for the operator.
fn lead_to(
    given: &AddArgs,
    edge: Service,
    (url, file): (Option<&String>, Option<&PathBuf>),
) -> Result<(AccountName, EdgeApi)> {
    let name = edge.name();
    let operator = account_name(name)?;
    let account = account_name(&format!("{name}-{}", given.name))?;
    let Some(url) = url.cloned() else {
        bail!("where is the {name}? --{name}-url, or DESKMESH_{}_URL", name.to_uppercase());
    };
    let Some(file) = file else {
        bail!("what does the {name} want to be shown? --{name}-secret-file");
    };
    let Some(secret) = secret::read(file)? else {
        bail!("{} is not there", file.display());
    };
    given.reach.doors()?.deployment.let_operate(&operator, &account)?;
    Ok((account, EdgeApi { url, secret }))
}

/// Has the gateway register an account and make a token for it.
fn add_via_gateway(given: &AddArgs) -> Result<()> {
    let door = (given.gateway_url.as_ref(), given.gateway_secret_file.as_ref());
    let (account, api) = lead_to(given, Service::Gateway, door)?;
    let display_name = given.display_name.as_deref();
    let kept = api.add(account.as_str(), &given.name, display_name, &given.admins)?;
    if given.json {
        println!("{}", serde_json::to_string_pretty(&kept)?);
        return Ok(());
    }
    let already = if kept.registered_already { " already" } else { "" };
    println!("{} is registered{already}; partners invite {}", kept.account, kept.address);
    if let Some(sign_in) = &kept.sign_in {
        println!("sign in as {}, once, to set a password: {}", sign_in.email, sign_in.link);
    }
    println!("token (told once): {}", kept.token.secret);
    Ok(())
}

/// Has the help desk register an account and make a sign-in link for its first admin.
fn add_via_helpdesk(given: &AddArgs) -> Result<()> {
    if given.admins.is_empty() {
        bail!("who signs in first? --admin \"Ada Park <ada@acme.example>\"");
    }
    let door = (given.helpdesk_url.as_ref(), given.helpdesk_secret_file.as_ref());
    let (account, api) = lead_to(given, Service::Helpdesk, door)?;
    let display_name = given.display_name.as_deref();
    let kept = api.add_people(account.as_str(), &given.name, display_name, &given.admins)?;
    if given.json {
        println!("{}", serde_json::to_string_pretty(&kept)?);
        return Ok(());
    }
    let already = if kept.registered_already { " already" } else { "" };
    println!("{} is registered{already}; partners invite {}", kept.account, kept.address);
    println!("sign-in  {}   (works once, for seven days)", kept.sign_in);
    Ok(())
}

/// The password of an account that is added.
struct Password {
    known: Option<String>,
    new: bool,
    prepared: Option<Prepared>,
}

impl Password {
    /// The one in the file; for a user that is to be made a new one; none for a user that keeps its
    /// own, unknown here.
    fn of(
        doors: &AccountAdmin,
        registration: &AccountRegister,
        file: Option<&Path>,
    ) -> Result<Self> {
        let in_file = file.map(secret::read).transpose()?.flatten().filter(|text| !text.is_empty());
        if in_file.is_some() {
            return Ok(Self { known: in_file, new: false, prepared: None });
        }
        let Some(made) = doors.new_user_password(registration)? else {
            return Ok(Self { known: None, new: false, prepared: None });
        };
        let prepared = file.map(|file| Prepared::beside(file, &made)).transpose()?;
        Ok(Self { known: Some(made), new: true, prepared })
    }
}

fn operated(registration: &AccountRegister) -> bool {
    registration.operated_by.is_some()
}

fn tell_added(account: &AccountName, added: &Added, operated: bool) {
    println!("{account} is registered{}", if added.known { " already" } else { "" });
    for repaired in &added.let_in.repaired {
        println!("REPAIRED  {repaired}: that is taken away; find out who gave it");
    }
    for attempt in &added.refused {
        println!("safe      tried as {account}, and refused as it must be: {}", attempt.what);
    }
    if added.refused.is_empty() && !operated {
        println!(
            "not tried: its password stays, and is not known here; --secret FILE names the file \
             that holds it"
        );
    }
}

fn admin(text: &str) -> Result<Admin, String> {
    let split = text.strip_suffix('>').and_then(|text| text.split_once('<'));
    match split.map(|(name, email)| (name.trim(), email.trim())) {
        Some((name, email)) if !name.is_empty() && email.contains('@') => {
            Ok(Admin { name: name.to_owned(), email: email.to_owned() })
        }
        _ => Err("write it as `Name <address>`".to_owned()),
    }
}

impl From<Kind> for AccountKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Connected => Self::Connected,
            Kind::Hosted => Self::Hosted,
            Kind::ThirdParty => Self::ThirdParty,
        }
    }
}
