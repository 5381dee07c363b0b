//! Two organisations that are ready to click: people, fields, an accepted agreement, triggers and
//! tickets. All of it is done as people do it, on the help desk's pages.

use std::fs;
use std::path::Path;

use contracts::command::Admin;
use contracts::topology::Service;

use crate::browser::Browser;
use crate::edges::{self, EdgeAccess};
use crate::error::{During as _, Result};
use crate::provision::Installation;
use crate::{secret, state};

/// An organisation of the playground.
struct Organisation {
    address: &'static str,
    name: &'static str,
    admin: &'static str,
    agent: &'static str,
}

const ACME: Organisation =
    Organisation { address: "acme", name: "Acme Energy", admin: "Ada", agent: "Sam" };
const GLOBEX: Organisation =
    Organisation { address: "globex", name: "Globex Repairs", admin: "Gus", agent: "Kim" };

/// How somebody signs in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The organisation's address.
    pub organisation: &'static str,
    /// The person's address.
    pub email: String,
    /// What they may do.
    pub role: &'static str,
}

impl Organisation {
    fn email(&self, person: &str) -> String {
        format!("{}@{}.example", person.to_lowercase(), self.address)
    }

    fn sign_ins(&self) -> [SignIn; 2] {
        [(self.admin, "admin"), (self.agent, "agent")].map(|(person, role)| SignIn {
            organisation: self.address,
            email: self.email(person),
            role,
        })
    }
}

/// Everybody's password here.
#[must_use]
pub fn password(installation: &Installation) -> String {
    let secret = installation.passwords().of("playground");
    format!("deskmesh-{}", secret.chars().take(8).collect::<String>())
}

/// Who can sign in.
#[must_use]
pub fn sign_ins() -> Vec<SignIn> {
    [ACME, GLOBEX].iter().flat_map(Organisation::sign_ins).collect()
}

/// Makes the playground, once for a folder.
///
/// # Errors
/// When the help desk does not answer as it should.
pub fn make(
    dir: &Path,
    installation: &Installation,
    helpdesk: &EdgeAccess,
    authority: &Path,
) -> Result<()> {
    let mark = dir.join("playground");
    if mark.exists() {
        return Ok(());
    }
    let pem = fs::read(authority).during("reading the authority's certificate")?;
    let visit = Visit { installation, helpdesk, pem: &pem, password: password(installation) };
    let mut acme = visit.organisation(&ACME)?;
    let mut globex = visit.organisation(&GLOBEX)?;
    for admin in [&mut acme, &mut globex] {
        let options = "LX-40 = lx_40\nLX-60 = lx_60";
        let model = [("title", "Meter model"), ("type", "tagger"), ("options", options)];
        admin.post("/settings/fields", &model)?;
        admin.post("/settings/fields", &[("title", "Visit date"), ("type", "date")])?;
    }
    globex.post("/settings/groups", &[("name", "Field team")])?;
    agree(&mut acme, &mut globex)?;
    rules(&mut acme, &mut globex)?;
    tickets(&mut acme, &mut globex)?;
    state::write_text(&mark, "Acme and Globex are made.\n")
}

/// Acme invites Globex, and Globex accepts.
fn agree(acme: &mut Browser, globex: &mut Browser) -> Result<()> {
    let key = random_id();
    acme.post(
        "/sharing/invite",
        &[
            ("key", &key),
            ("kind", "account"),
            ("address", GLOBEX.address),
            ("name", "Field repairs"),
            ("comments", "public_and_private"),
            ("tags", "yes"),
            ("custom_fields", "yes"),
        ],
    )?;
    let invitation = format!("/sharing/agreements/{key}");
    globex.shows(&invitation, ACME.name)?;
    let decision = [("key", random_id()), ("decision", "accept".to_owned())];
    let decision: Vec<(&str, &str)> =
        decision.iter().map(|(name, value)| (*name, value.as_str())).collect();
    globex.post(&format!("{invitation}/decide"), &decision)?;
    // It can be shared under as soon as its acceptance is there.
    acme.shows(&invitation, "Deactivate agreement").map(drop)
}

/// A trigger that shares, and one that routes what comes.
fn rules(acme: &mut Browser, globex: &mut Browser) -> Result<()> {
    let shared = format!("{} · Field repairs", GLOBEX.name);
    let until_shared = [
        ("new", "yes"),
        ("name", "Field work to Globex"),
        ("on", "on"),
        ("do", "save"),
        ("all_on", "tags"),
        ("all_op", "includes_any"),
        ("all_value", "field"),
        ("do_what", "share"),
        ("do_value", shared.as_str()),
    ];
    let path = |id: &str| format!("/settings/rules/trigger/{id}");
    acme.post(&path(&random_id()), &until_shared)?;
    let route = [
        ("new", "yes"),
        ("name", "Shared with us to the Field team"),
        ("on", "on"),
        ("do", "save"),
        ("all_on", "update_via"),
        ("all_op", "is"),
        ("all_value", "Ticket sharing"),
        ("all_on", "group"),
        ("all_op", "is"),
        ("all_value", "nobody"),
        ("do_what", "group"),
        ("do_value", "Field team"),
        ("do_what", "add_tags"),
        ("do_value", "field-team"),
    ];
    globex.post(&path(&random_id()), &route)?;
    Ok(())
}

fn tickets(acme: &mut Browser, globex: &mut Browser) -> Result<()> {
    let meter = "Smart meter reboots every night at 02:00";
    for (is_acme, subject, requester, body, tags) in [
        (true, meter, "Robin", "It goes dark at two and comes back by itself.", "field, meter"),
        (true, "The bill has my old address", "Alex", "We moved in May.", "billing"),
        (true, "The charger hums", "Max", "Only when it rains.", "charger"),
        (false, "Van 7 needs new tyres", "Toni", "Before the winter, please.", "fleet"),
    ] {
        let admin = if is_acme { &mut *acme } else { &mut *globex };
        let email = format!("{}@customer.example", requester.to_lowercase());
        admin.post(
            "/tickets",
            &[
                ("subject", subject),
                ("requester_name", requester),
                ("requester_email", &email),
                ("body", body),
                ("mode", "public"),
                ("tags", tags),
            ],
        )?;
    }
    globex.shows("/tickets?view=received", meter).map(drop)
}

/// An id that nothing has.
fn random_id() -> String {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(secret::random_bytes()).for_each(|(byte, random)| *byte = random);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// What all organisations are made with.
struct Visit<'a> {
    installation: &'a Installation,
    helpdesk: &'a EdgeAccess,
    pem: &'a [u8],
    password: String,
}

impl Visit<'_> {
    /// Registers an organisation with an admin and an agent; the admin's browser.
    fn organisation(&self, of: &Organisation) -> Result<Browser> {
        let api = self.helpdesk.operator(Service::Helpdesk, self.installation.passwords());
        let admin = Admin { name: of.admin.to_owned(), email: of.email(of.admin) };
        let (address, name) = (of.address, Some(of.name));
        let kept = edges::add_people(self.installation, &api, address, name, Some(admin))?;
        let mut browser = Browser::open(&self.helpdesk.url, Some(self.pem));
        browser.sign_in_first(&kept.sign_in, &self.password)?;
        let (email, role) = (of.email(of.agent), "agent");
        let form = [("name", of.agent), ("email", email.as_str()), ("role", role)];
        let page = browser.post("/settings/people", &form)?;
        let link = browser.between("/settings/people", &page, "id=\"sign-in-link\">", "<")?;
        Browser::open(&self.helpdesk.url, Some(self.pem)).sign_in_first(&link, &self.password)?;
        Ok(browser)
    }
}
