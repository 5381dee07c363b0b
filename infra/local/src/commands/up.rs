//! `up`, `down` and `status`.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use contracts::topology::{Service, VHOST};
use local::process::Process;
use local::{
    Certificates, Database, Fleet, Installation, Passwords, Servers, edges, playground, ports, wait,
};
use nix::sys::signal::Signal;

use super::running::{Running, RunningService, RunningSink, local_dir, locked_dir, shown};
use super::{console, shell};

const RECEIPT_LIMIT: Duration = Duration::from_mins(1);
const SERVICES_LIMIT: Duration = Duration::from_mins(3);
/// What the database is called.
pub const DATABASE: &str = "deskmesh";

/// Starts everything and leaves it running.
pub async fn up() -> Result<ExitCode> {
    let (dir, _lock) = locked_dir()?;
    println!("starting RabbitMQ and PostgreSQL (ten seconds, the first time more)");
    let servers = Servers::start(&dir)?;
    let mut before = Running::read(&dir)?;
    if let Some(before) = &mut before {
        // Whatever was built since then shall run now.
        before.stop_services();
    }
    let sink = before.and_then(|before| before.mail_sink).filter(|sink| sink.process.is_alive());
    let mut running = Running {
        servers: servers.clone(),
        services: Vec::new(),
        mail_sink: sink,
        gateway: None,
        helpdesk: None,
        nhd_bridge: None,
        console: None,
    };
    running.write(&dir)?;

    println!("creating virtual host `{VHOST}`, users and database");
    let passwords = Passwords::open(&dir.join("passwords"))?;
    let installation = Installation::new(&servers, VHOST, passwords.clone());
    installation.install_topology()?;
    for edge in Service::EDGES {
        installation.edge(edge)?;
    }
    let database = Database::create(&servers.database_url, DATABASE, passwords.clone()).await?;
    let sink = match running.mail_sink.clone() {
        Some(sink) => sink,
        None => start_sink(&dir)?,
    };
    running.mail_sink = Some(sink.clone());
    running.write(&dir)?;

    println!("starting the services");
    let fleet = Fleet::new(&dir, &installation, &database, &format!("smtp://{}", sink.address))?;
    let certificates = Certificates::open(&dir)?;
    let (fleet, gateway) = edges::with_gateway(fleet, &passwords, Some(&certificates))?;
    running.gateway = Some(gateway);
    let (fleet, helpdesk) = edges::with_helpdesk(fleet, &passwords, Some(&certificates))?;
    running.helpdesk = Some(helpdesk);
    let (fleet, nhd_bridge) = edges::with_nhd_bridge(fleet, &passwords, Some(&certificates))?;
    running.nhd_bridge = Some(nhd_bridge);
    let fleet = fleet
        .with_variable("DESKMESH__HTTP__OPERATOR_SECRET", &console::operator_secret(&passwords));
    fleet.migrate_all()?;
    let mut instances = fleet.start_all()?;
    for edge in Service::EDGES {
        fleet.migrate(edge)?;
        instances.push(fleet.start(edge, 1)?);
    }
    running.services = instances.iter().filter_map(RunningService::of).collect();
    let doors = console::Doors {
        management_url: &servers.management_url,
        operator_url: &installation.operator_url()?,
        instances: &instances,
    };
    running.console = Some(console::start(&dir, &passwords, &doors)?);
    running.write(&dir)?;
    shell::write(&dir, &running, &installation, &database, &instances)?;
    for instance in &mut instances {
        instance.wait_ready(SERVICES_LIMIT)?;
    }
    for edge in Service::EDGES {
        let registration = edges::registration(edge);
        local::register(&installation.operator_url()?, &registration, RECEIPT_LIMIT).await?;
    }
    if let Some(helpdesk) = &running.helpdesk {
        println!("making the playground: Acme and Globex");
        playground::make(&dir, &installation, helpdesk, &certificates.authority)?;
    }
    instances.iter_mut().for_each(local::Instance::keep);
    print_summary(&dir, &running, &database.url()?);
    print_playground(&playground::password(&installation));
    Ok(ExitCode::SUCCESS)
}

/// Stops what `up` started.
pub fn down() -> Result<ExitCode> {
    let (dir, _lock) = locked_dir()?;
    let Some(mut running) = Running::read(&dir)? else {
        // A start that was cut short has servers and nothing else.
        Servers::stop(&dir)?;
        println!("nothing was running");
        return Ok(ExitCode::SUCCESS);
    };
    running.stop_services();
    if let Some(sink) = &running.mail_sink {
        sink.process.stop_group(Signal::SIGTERM, Duration::from_secs(5));
    }
    Servers::stop(&dir)?;
    let file = dir.join("up.json");
    fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    shell::remove(&dir)?;
    println!("stopped; data and logs stay in {}", shown(&dir));
    Ok(ExitCode::SUCCESS)
}

/// Says what runs; fails when something does not.
pub fn status() -> Result<ExitCode> {
    let dir = local_dir()?;
    let Some(running) = Running::read(&dir)? else {
        println!("nothing runs: `make up` starts it");
        return Ok(ExitCode::FAILURE);
    };
    print_services(&running);
    let servers = Servers::running(&dir)?.is_some();
    println!("servers            {}", if servers { "running" } else { "ended" });
    let sink = running.mail_sink.as_ref().is_some_and(|sink| sink.process.is_alive());
    println!("mail sink          {}", if sink { "running" } else { "ended" });
    let console = running.console.as_ref().is_some_and(|console| console.process.is_alive());
    println!("operator's console {}", if console { "running" } else { "ended" });
    let services = running.services.iter().all(|service| service.process.is_alive());
    Ok(if servers && sink && console && services { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn start_sink(dir: &Path) -> Result<RunningSink> {
    let [port] = ports::free()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mails = dir.join("mails");
    let log = File::create(dir.join("mail-sink.log")).context("making the mail sink's log")?;
    let errors = log.try_clone().context("making the mail sink's log")?;
    let mut command =
        Command::new(std::env::current_exe().context("finding the current executable")?);
    command.args(["mail-sink", "--listen", &address.to_string(), "--dir"]).arg(&mails);
    let process = Process::spawn_apart(command.stdin(Stdio::null()).stdout(log).stderr(errors))?;
    wait::until("the mail sink ready", Duration::from_secs(10), || {
        Ok(match TcpStream::connect(address) {
            Ok(_) => ControlFlow::Break(()),
            Err(refused) => ControlFlow::Continue(refused.to_string()),
        })
    })?;
    Ok(RunningSink { process, address, dir: mails })
}

fn print_summary(dir: &Path, running: &Running, database_url: &str) {
    println!();
    print_services(running);
    println!("broker             {}", running.servers.amqp_url);
    println!("broker's web page  {}", running.servers.management_url);
    println!("database           {database_url}");
    if let Some(gateway) = &running.gateway {
        println!("gateway            {}  (trust {})", gateway.url, shown(&dir.join("ca.pem")));
    }
    if let Some(helpdesk) = &running.helpdesk {
        println!("help desk          {}  (trust {})", helpdesk.url, shown(&dir.join("ca.pem")));
    }
    if let Some(bridge) = &running.nhd_bridge {
        println!(
            "sharing URLs       {}/sharing/ADDRESS  (trust {})",
            bridge.url,
            shown(&dir.join("ca.pem"))
        );
    }
    if let Some(console) = &running.console {
        let secret = shown(&console.secret_file);
        println!("operator's console {}  (sign in with what {secret} holds)", console.url);
    }
    println!("logs               {}", shown(&dir.join("services")));
    if let Some(sink) = &running.mail_sink {
        println!("mails              {}", shown(&sink.dir));
    }
    println!("for your shell     . {}", shown(&dir.join("env")));
    println!(
        "                   sets the addresses and finds deskmesh-operator, rabbitmqctl and psql"
    );
    println!(
        "\nnext: make account NAME=acme VIA=helpdesk (browser), VIA=gateway (HTTP), \
         or without VIA (AMQP)"
    );
    println!("stop: make down");
}

/// Who can sign in to the help desk.
fn print_playground(password: &str) {
    println!("\nsign in to the help desk, each with the password {password}");
    for it in playground::sign_ins() {
        let playground::SignIn { organisation, email, role } = it;
        println!("  organisation {organisation:8} {email:24} {role}");
    }
}

fn print_services(running: &Running) {
    for service in &running.services {
        println!("{:18} {}", service.name, service.state());
    }
}
