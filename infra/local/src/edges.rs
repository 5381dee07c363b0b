//! The edges of an installation as processes.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use contracts::AccountName;
use contracts::command::{AccountKind, AccountRegister, Admin};
use contracts::topology::Service;
use operator::edge::EdgeApi;
use serde::{Deserialize, Serialize};

use crate::certificates::Certificates;
use crate::error::{During as _, Result};
use crate::ports;
use crate::provision::Installation;
use crate::secret::Passwords;
use crate::services::Fleet;

/// Where an edge is reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EdgeAccess {
    /// By programs, or people.
    pub url: String,
    /// By the operator.
    pub operator_url: String,
}

impl EdgeAccess {
    /// Its door for the operator.
    #[must_use]
    pub fn operator(&self, edge: Service, passwords: &Passwords) -> EdgeApi {
        EdgeApi { url: self.operator_url.clone(), secret: operator_secret(edge, passwords) }
    }
}

/// What the operator shows at an edge.
fn operator_secret(edge: Service, passwords: &Passwords) -> String {
    long(&passwords.of(&format!("{}'s operator", edge.name())))
}

/// Long enough for a secret, whatever the length of a password is.
fn long(secret: &str) -> String {
    format!("{secret}{secret}")
}

/// Gives a fleet what its gateway needs: addresses that are free, a folder for files, the
/// operator's secret, and TLS where there are certificates.
///
/// # Errors
/// When no port is free, or the folder cannot be made.
pub fn with_gateway(
    fleet: Fleet,
    passwords: &Passwords,
    certificates: Option<&Certificates>,
) -> Result<(Fleet, EdgeAccess)> {
    let [api, operator, files] = ports::free()?;
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let access = EdgeAccess {
        url: format!("{scheme}://localhost:{api}"),
        operator_url: format!("http://{}", at(operator)),
    };
    let folder = fleet.folder("files");
    fs::create_dir_all(&folder).during("making the folder of files")?;
    let mut fleet = fleet;
    let mut set = |name: &str, value: &str| {
        fleet = fleet.clone().with_variable_of(Service::Gateway, name, value);
    };
    set("DESKMESH__API__LISTEN", &at(api).to_string());
    set("DESKMESH__API__PUBLIC_URL", &access.url);
    set("DESKMESH__OPERATOR__LISTEN", &at(operator).to_string());
    set("DESKMESH__OPERATOR__SECRET", &operator_secret(Service::Gateway, passwords));
    set("DESKMESH__FILES__LISTEN", &at(files).to_string());
    set("DESKMESH__FILES__PUBLIC_URL", &format!("{scheme}://localhost:{files}"));
    set("DESKMESH__FILES__FOLDER", &folder.to_string_lossy());
    set("DESKMESH__KEYS__SECRET", &long(&passwords.of("gateway's keys")));
    // What accounts name stands on this machine.
    set("DESKMESH__EGRESS__ALLOW", r#"["127.0.0.0/8", "::1/128"]"#);
    set("DESKMESH__EGRESS__PLAIN_HTTP", r#"["127.0.0.0/8", "::1/128"]"#);
    set("DESKMESH__EGRESS__PORTS", r#"["1-65535"]"#);
    if let Some(certificates) = certificates {
        set("DESKMESH__EGRESS__CA_FILE", &certificates.authority.to_string_lossy());
        set("DESKMESH__API__CERTIFICATE_FILE", &certificates.certificate.to_string_lossy());
        set("DESKMESH__API__KEY_FILE", &certificates.key.to_string_lossy());
    }
    // Mails link the pages.
    let fleet = fleet.with_variable_of(Service::Notifier, "DESKMESH__PAGES__GATEWAY", &access.url);
    Ok((fleet, access))
}

/// Gives a fleet what its help desk needs: addresses that are free, a folder for files, the
/// operator's secret, and TLS where there are certificates.
///
/// # Errors
/// When no port is free, or the folder cannot be made.
pub fn with_helpdesk(
    fleet: Fleet,
    passwords: &Passwords,
    certificates: Option<&Certificates>,
) -> Result<(Fleet, EdgeAccess)> {
    let [pages, operator, files] = ports::free()?;
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let access = EdgeAccess {
        url: format!("{scheme}://localhost:{pages}"),
        operator_url: format!("http://{}", at(operator)),
    };
    let folder = fleet.folder("helpdesk-files");
    fs::create_dir_all(&folder).during("making the folder of the help desk's files")?;
    let mut fleet = fleet;
    let mut set = |name: &str, value: &str| {
        fleet = fleet.clone().with_variable_of(Service::Helpdesk, name, value);
    };
    set("DESKMESH__FILES__LISTEN", &at(files).to_string());
    set("DESKMESH__FILES__PUBLIC_URL", &format!("{scheme}://localhost:{files}"));
    set("DESKMESH__FILES__FOLDER", &folder.to_string_lossy());
    set("DESKMESH__PAGES__LISTEN", &at(pages).to_string());
    set("DESKMESH__PAGES__PUBLIC_URL", &access.url);
    set("DESKMESH__OPERATOR__LISTEN", &at(operator).to_string());
    set("DESKMESH__OPERATOR__SECRET", &operator_secret(Service::Helpdesk, passwords));
    set("DESKMESH__KEYS__SECRET", &long(&passwords.of("helpdesk's keys")));
    // Identity providers stand on this machine.
    set("DESKMESH__EGRESS__ALLOW", r#"["127.0.0.0/8", "::1/128"]"#);
    set("DESKMESH__EGRESS__PLAIN_HTTP", r#"["127.0.0.0/8", "::1/128"]"#);
    set("DESKMESH__EGRESS__PORTS", r#"["1-65535"]"#);
    if let Some(certificates) = certificates {
        set("DESKMESH__EGRESS__CA_FILE", &certificates.authority.to_string_lossy());
        set("DESKMESH__PAGES__CERTIFICATE_FILE", &certificates.certificate.to_string_lossy());
        set("DESKMESH__PAGES__KEY_FILE", &certificates.key.to_string_lossy());
    }
    // Mails link the pages.
    let fleet = fleet.with_variable_of(Service::Notifier, "DESKMESH__PAGES__HELPDESK", &access.url);
    Ok((fleet, access))
}

/// Gives a fleet what its bridge needs: addresses that are free, the operator's secret, what
/// partners' keys are encrypted with, and TLS where there are certificates.
///
/// # Errors
/// When no port is free.
pub fn with_nhd_bridge(
    fleet: Fleet,
    passwords: &Passwords,
    certificates: Option<&Certificates>,
) -> Result<(Fleet, EdgeAccess)> {
    let [sharing, operator, pages] = ports::free()?;
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let access = EdgeAccess {
        url: format!("{scheme}://localhost:{sharing}"),
        operator_url: format!("http://{}", at(operator)),
    };
    let mut fleet = fleet;
    let mut set = |name: &str, value: &str| {
        fleet = fleet.clone().with_variable_of(Service::NhdBridge, name, value);
    };
    set("DESKMESH__SHARING__LISTEN", &at(sharing).to_string());
    set("DESKMESH__SHARING__PUBLIC_URL", &access.url);
    set("DESKMESH__OPERATOR__LISTEN", &at(operator).to_string());
    set("DESKMESH__OPERATOR__SECRET", &operator_secret(Service::NhdBridge, passwords));
    set("DESKMESH__KEYS__SECRET", &long(&passwords.of("nhd-bridge's keys")));
    let secret = long(&passwords.of("nhd-bridge's pages"));
    set("DESKMESH__PAGES__LISTEN", &at(pages).to_string());
    set("DESKMESH__PAGES__SECRET", &secret);
    // Partners stand on this machine.
    set("DESKMESH__EGRESS__ALLOW", r#"["127.0.0.0/8", "::1/128"]"#);
    set("DESKMESH__EGRESS__PLAIN_HTTP", r#"["127.0.0.0/8", "::1/128"]"#);
    set("DESKMESH__EGRESS__PORTS", r#"["1-65535"]"#);
    if let Some(certificates) = certificates {
        set("DESKMESH__EGRESS__CA_FILE", &certificates.authority.to_string_lossy());
        set("DESKMESH__SHARING__CERTIFICATE_FILE", &certificates.certificate.to_string_lossy());
        set("DESKMESH__SHARING__KEY_FILE", &certificates.key.to_string_lossy());
    }
    // Pages tell how it calls.
    let pages_of = |fleet: Fleet, edge| {
        fleet
            .with_variable_of(edge, "DESKMESH__BRIDGE__URL", &format!("http://{}", at(pages)))
            .with_variable_of(edge, "DESKMESH__BRIDGE__SECRET", &secret)
    };
    let fleet = pages_of(pages_of(fleet, Service::Gateway), Service::Helpdesk);
    Ok((fleet, access))
}

/// How an edge is registered: as an account that operates others; the bridge's stands for
/// third-party systems too.
#[must_use]
pub fn registration(edge: Service) -> AccountRegister {
    AccountRegister {
        account: edge.name().to_owned(),
        display_name: format!("Deskmesh {}", edge.name()),
        kind: AccountKind::Connected,
        address: None,
        operated_by: None,
        may_operate: true,
        third_parties: edge == Service::NhdBridge,
        sharing_url: None,
        admins: Vec::new(),
    }
}

/// The name under which an edge keeps the account with this address.
///
/// # Errors
/// When that is no name of an account.
pub fn name_under(edge: Service, address: &str) -> Result<AccountName> {
    Ok(operator::account::account_name(&format!("{}-{address}", edge.name()))?)
}

/// Makes an account that the gateway keeps, and a token for it.
///
/// # Errors
/// When the broker or the gateway refuses or does not answer.
pub fn add_account(
    installation: &Installation,
    api: &EdgeApi,
    address: &str,
    display_name: Option<&str>,
) -> Result<operator::edge::Kept> {
    let name = let_in(installation, Service::Gateway, address)?;
    Ok(api.add(name.as_str(), address, display_name, &[admin_of(address)])?)
}

/// Makes an account that the help desk keeps, and a sign-in link for its admin.
///
/// # Errors
/// When the broker or the help desk refuses or does not answer.
pub fn add_people(
    installation: &Installation,
    api: &EdgeApi,
    address: &str,
    display_name: Option<&str>,
    admin: Option<Admin>,
) -> Result<operator::edge::KeptForPeople> {
    let name = let_in(installation, Service::Helpdesk, address)?;
    let admin = admin.unwrap_or_else(|| admin_of(address));
    Ok(api.add_people(name.as_str(), address, display_name, &[admin])?)
}

/// Leads an account's deliveries to the edge that keeps it.
fn let_in(installation: &Installation, edge: Service, address: &str) -> Result<AccountName> {
    let name = name_under(edge, address)?;
    installation.account(name.as_str(), Some(edge.name()))?;
    Ok(name)
}

fn admin_of(address: &str) -> Admin {
    Admin { name: format!("Admin of {address}"), email: format!("admin@{address}.example") }
}
