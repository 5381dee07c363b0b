#!/usr/bin/env bash
# Runs a command with a RabbitMQ 4 of its own: rabbitmq-4.sh COMMAND...
# The node is Debian trixie's, in a chroot below target/tools/rabbitmq-4 (the first time: two
# minutes, 370 MB). The command finds it by AMQP_URL and MANAGEMENT_URL, and it is gone with its
# data when the command ends. Needs root, and Debian or what has its keys.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

home=$PWD/target/tools/rabbitmq-4
root=$home/root
log=$home/out.log
readonly start_limit=120

fail() {
  echo "$*" >&2
  exit 1
}

(($# > 0)) || { echo "usage: $0 COMMAND..." >&2; exit 2; }
((EUID == 0)) || fail "RabbitMQ 4 is run in a chroot, which needs root: run this as root," \
  "or set AMQP_URL and MANAGEMENT_URL to one that runs"
mkdir -p "$home"
exec 9>"$home/lock"
flock --nonblock 9 || fail "another run uses $home: wait for it"

# What is started and mounted behind these words is gone with this process, however it ends.
apart=(setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child)

# The mirror that this machine installs from.
mirror() {
  local found
  found=$(awk '
    /^URIs:/ { print $2; exit }
    /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true)
  [[ -n $found ]] || fail "no mirror of Debian stands in apt's sources:" \
    "set AMQP_URL and MANAGEMENT_URL to a RabbitMQ 4 that runs"
  echo "$found"
}

if [[ ! -e $home/installed ]]; then
  if ! command -v debootstrap >/dev/null; then
    echo "installing Debian's debootstrap" >&2
    apt-get install --quiet --quiet --yes --no-install-recommends debootstrap >/dev/null ||
      fail "debootstrap is missing: apt-get update, and apt-get install debootstrap"
  fi
  echo "installing RabbitMQ 4 into $root" >&2
  rm -rf --one-file-system "$root"
  from=$(mirror)
  "${apart[@]}" debootstrap --variant=minbase --include=rabbitmq-server trixie "$root" "$from" \
    >"$home/install.log" 2>&1 9>&- ||
    fail "Debian trixie could not be installed: see $home/install.log, which ends with:" \
      "$(tail -n 1 "$home/install.log")"
  touch "$home/installed"
fi

answers() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port that nobody listens on, below those that the kernel gives to outgoing connections.
free_port() {
  local port
  while :; do
    port=$((12000 + SRANDOM % 20000))
    [[ " ${ports[*]-} " == *" $port "* ]] || answers "$port" || break
  done
  ports+=("$port")
}

ports=()
for _ in amqp management distribution mapper; do free_port; done
amqp=${ports[0]} management=${ports[1]} distribution=${ports[2]} mapper=${ports[3]}

# Everything of this run, as the node sees it.
run=/srv/run
rm -rf --one-file-system "${root:?}$run"
mkdir -p "$root$run"/{home,mnesia,generated}
head -c 18 /dev/urandom | base64 | tr -dc A-Za-z0-9 >"$root$run/home/.erlang.cookie"
chmod 400 "$root$run/home/.erlang.cookie"
echo '[rabbitmq_management].' >"$root$run/enabled_plugins"
echo '[].' >"$root$run/advanced.config"
# As infra/local sets up the one of the other version.
cat >"$root$run/rabbitmq.conf" <<CONFIGURATION
listeners.tcp.1 = 127.0.0.1:$amqp
management.tcp.ip = 127.0.0.1
management.tcp.port = $management
max_message_size = 4194304
CONFIGURATION

variables=(
  PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "HOME=$run/home"
  "ERL_EPMD_ADDRESS=127.0.0.1" "ERL_EPMD_PORT=$mapper" "ERL_CRASH_DUMP=$run/erl_crash.dump"
  RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_NODENAME=deskmesh-4@localhost
  RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 "RABBITMQ_NODE_PORT=$amqp" "RABBITMQ_DIST_PORT=$distribution"
  "RABBITMQ_BASE=$run" "RABBITMQ_MNESIA_BASE=$run/mnesia" "RABBITMQ_LOGS=-"
  "RABBITMQ_GENERATED_CONFIG_DIR=$run/generated"
  "RABBITMQ_PID_FILE=$run/node.pid" "RABBITMQ_ENABLED_PLUGINS_FILE=$run/enabled_plugins"
  "RABBITMQ_CONFIG_FILE=$run/rabbitmq.conf" "RABBITMQ_ADVANCED_CONFIG_FILE=$run/advanced.config"
  "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}"
)

# The node and its port mapper; the one ends with the other.
# shellcheck disable=SC2016 # those variables are the inner shell's
node='mount -t proc proc "$1/proc" && exec chroot "$1" bash -c "
  epmd -address 127.0.0.1 -port $ERL_EPMD_PORT &
  /usr/lib/rabbitmq/bin/rabbitmq-server &
  wait -n"'

node_process=
command_process=
# shellcheck disable=SC2329 # the traps call it
end() {
  trap - EXIT INT TERM
  # The command uses the node: it ends first.
  if [[ -n $command_process ]] && kill -TERM "$command_process" 2>/dev/null; then
    wait "$command_process" || true
  fi
  if [[ -n $node_process ]]; then
    kill -KILL "$node_process" 2>/dev/null || true
    wait "$node_process" 2>/dev/null || true
  fi
  rm -rf --one-file-system "${root:?}$run"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"${apart[@]}" env -i "${variables[@]}" bash -c "$node" node "$root" >"$log" 2>&1 </dev/null 9>&- &
node_process=$!

# The status line of the broker's own check, asked as guest.
health() {
  local status
  exec 3<>"/dev/tcp/127.0.0.1/$management" || return
  printf '%s\r\n' 'GET /api/health/checks/local-alarms HTTP/1.0' \
    'Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=' '' >&3
  read -r -t 5 status <&3 || true
  exec 3>&-
  [[ ${status-} == *" 200 "* ]]
}

began=$SECONDS
until answers "$amqp" && health 2>/dev/null; do
  kill -0 "$node_process" 2>/dev/null ||
    fail "RabbitMQ 4 did not start; its log $log ends with: $(tail -n 5 "$log")"
  ((SECONDS - began < start_limit)) ||
    fail "RabbitMQ 4 did not answer within $start_limit s; see $log"
  sleep 0.2
done
echo "RabbitMQ $(sed -nE 's/.*Starting RabbitMQ ([0-9.]+).*/\1/p' "$log" | head -n 1)" \
  "answers on port $amqp" >&2

export AMQP_URL="amqp://guest:guest@127.0.0.1:$amqp"
export MANAGEMENT_URL="http://guest:guest@127.0.0.1:$management"
# In the background a signal is not held up until the command ends by itself.
"$@" <&0 9>&- &
command_process=$!
code=0
wait "$command_process" || code=$?
command_process=
exit "$code"
