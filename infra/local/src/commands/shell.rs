//! What a shell needs to type a runbook's commands on what `up` started: `env`, to be sourced, and
//! `bin/`, which it puts in front.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use contracts::topology::Service;
use local::services::binaries_dir;
use local::{Database, Installation, Instance, Servers, state};
use operator::secret::Prepared;

use super::console;
use super::running::Running;

/// Runs what runbooks ask of a cluster and `up` has too; anything else must reach no cluster by
/// accident.
const KUBECTL: &str = r#"#!/bin/sh
# What runbooks ask of kubectl, answered by what `make up` started. No cluster is reached from here.
if [ "$1 $2" = "-n deskmesh" ]; then
  shift 2
  case "$1 $2" in
    "exec deploy/"*)
      service=${2#deploy/}
      [ "$3 $4" = "-- /service" ] && shift 4 && exec "$LOCAL" service "$service" "$@" ;;
    "logs deploy/"*)
      exec tail -n 200 "$(ls -t "$LOGS/${2#deploy/}"-*.log | head -n 1)" ;;
  esac
fi
echo "kubectl: this is for a cluster, and \`make up\` is none. Here are: the services' commands" >&2
echo "  (-n deskmesh exec deploy/comment-sync -- /service …), their" \
  "logs (-n deskmesh logs deploy/comment-sync)," >&2
echo "  and \`deskmesh-local status\`. The real kubectl: a shell without target/local/env" >&2
exit 1
"#;

/// What is set for each edge: where it is used, where the operator reaches it, and the file with
/// what it shows there, as for `deskmesh-operator account add … --via EDGE`.
const EDGES: [(Service, [&str; 3]); 3] = [
    (Service::Gateway, ["GATEWAY_URL", "DESKMESH_GATEWAY_URL", "DESKMESH_GATEWAY_SECRET_FILE"]),
    (Service::Helpdesk, ["HELPDESK_URL", "DESKMESH_HELPDESK_URL", "DESKMESH_HELPDESK_SECRET_FILE"]),
    (
        Service::NhdBridge,
        ["SHARING_URL", "DESKMESH_NHD_BRIDGE_URL", "DESKMESH_NHD_BRIDGE_SECRET_FILE"],
    ),
];

/// Writes both.
pub fn write(
    dir: &Path,
    running: &Running,
    installation: &Installation,
    database: &Database,
    instances: &[Instance],
) -> Result<()> {
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("making the folder {}", bin.display()))?;
    let programs = binaries_dir()?;
    let program = |name: &str| programs.join(name);
    for name in ["deskmesh-local", "deskmesh-operator"] {
        script(&bin, name, &format!("#!/bin/sh\nexec {} \"$@\"\n", quoted(&program(name))))?;
    }
    let set = format!(
        "#!/bin/sh\nLOCAL={}\nLOGS={}\n",
        quoted(&program("deskmesh-local")),
        quoted(&dir.join("services"))
    );
    script(&bin, "kubectl", &KUBECTL.replacen("#!/bin/sh\n", &set, 1))?;
    for (name, text) in Servers::broker_tools(dir)? {
        script(&bin, name, &text)?;
    }
    let Servers { amqp_url, management_url, .. } = &running.servers;
    let mut values = vec![
        ("AMQP_URL", amqp_url.clone()),
        ("MANAGEMENT_URL", management_url.clone()),
        // A superuser's, in the database in which the services' schemas are.
        ("DATABASE_URL", database.url()?),
        ("DESKMESH_MANAGEMENT_URL", management_url.clone()),
        ("DESKMESH_BROKER_URL", installation.operator_url()?),
        ("DESKMESH_SERVICES", services(instances)),
    ];
    for (edge, [url, door, secret_file]) in EDGES {
        let Some(access) = running.edge(edge) else { continue };
        let file = secret_of(dir, edge);
        let shown = access.operator(edge, installation.passwords()).secret;
        Prepared::beside(&file, &shown)?.take_effect()?;
        values.push((url, access.url.clone()));
        values.push((door, access.operator_url.clone()));
        values.push((secret_file, file.display().to_string()));
    }
    if let Some(console) = &running.console {
        values.push(("CONSOLE_URL", console.url.clone()));
        values.push(("CONSOLE_SECRET_FILE", console.secret_file.display().to_string()));
        let shown = console::operator_secret_file(dir).display().to_string();
        values.push(("DESKMESH_OPERATOR_SECRET_FILE", shown));
    }
    if EDGES.iter().any(|(edge, _)| running.edge(*edge).is_some()) {
        values.push(("DESKMESH_CA", dir.join("ca.pem").display().to_string()));
    }
    let export = |(name, value): &(&str, String)| format!("export {name}='{value}'");
    let exports = values.iter().map(export).collect::<Vec<_>>().join("\n");
    let bin = bin.display();
    let text = format!(
        "# For a shell, after `make up`: . target/local/env\n{exports}\n\
         case \":$PATH:\" in *':{bin}:'*) ;; *) export PATH='{bin}':\"$PATH\" ;; esac\n"
    );
    Ok(state::write_text(&dir.join("env"), &text)?)
}

/// Where the services answer, as `deskmesh-operator` is told.
pub fn services(instances: &[Instance]) -> String {
    let addresses =
        instances.iter().map(|one| format!("{}=http://{}", one.service().name(), one.http()));
    addresses.collect::<Vec<_>>().join(",")
}

/// Removes both, when nothing runs.
pub fn remove(dir: &Path) -> Result<()> {
    let gone = |removed: std::io::Result<()>, path: PathBuf| match removed {
        Err(missing) if missing.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| format!("removing {}", path.display())),
    };
    let secrets = EDGES.map(|(edge, _)| secret_of(dir, edge));
    let own = [dir.join("env"), console::secret_file(dir), console::operator_secret_file(dir)];
    for file in own.into_iter().chain(secrets) {
        gone(fs::remove_file(&file), file)?;
    }
    gone(fs::remove_dir_all(dir.join("bin")), dir.join("bin"))
}

fn secret_of(dir: &Path, edge: Service) -> PathBuf {
    dir.join(format!("{}-operator-secret", edge.name()))
}

fn script(bin: &Path, name: &str, text: &str) -> Result<()> {
    let file = bin.join(name);
    state::write_text(&file, text)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("making {} a program", file.display()))
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
