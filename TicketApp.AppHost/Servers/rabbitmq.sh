#!/bin/sh
# RabbitMQ as a process of this machine, without plugins. "rabbitmq.sh check" only says why it could not start.
#   DATA                  its directory, made at the first start
#   PORT                  where it listens, on 127.0.0.1 only
#   EPMD_PORT, DIST_PORT  Erlang's own, on 127.0.0.1 only
#   USERNAME, PASSWORD    of the Api's account; a new one counts from the next start
#   WORKER_PASSWORD       of the workers' account, "worker"; as above
#   CLUSTER, NODE         not set: it is alone; else the names of all nodes, the first of which starts first, and its own.
#                         They share USERNAME, PASSWORD and the port of an epmd that is there already
set -eu
NAME=RabbitMQ SERVICE_USER=rabbitmq PACKAGE=rabbitmq-server
. "$(dirname "$0")/server.sh"

# The server's own script: a distribution's wrapper in the path switches users and fixes directories.
program=$(ls -d /usr/lib*/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server /opt/rabbitmq_server-*/sbin/rabbitmq-server \
  /opt/rabbitmq/sbin/rabbitmq-server 2>/dev/null | sort -V | tail -n 1)
epmd=$(command -v epmd || ls -d /usr/lib*/erlang/bin/epmd 2>/dev/null | tail -n 1)
[ -n "$program" ] && [ -n "$epmd" ] || missing
case $DATA in *\'*) fail "$NAME does not start in a directory whose path has an apostrophe: name another one with Servers:Data." ;; esac
prepare
[ "${1:-}" != check ] || exit 0

mkdir -p "$DATA"
echo '[].' >"$DATA/enabled_plugins"
# The limits are absolute, since a share of a large machine's memory or disk says nothing about this small broker. The largest message is
# that of RabbitMQ 4, which the published manifests run: the API holds a dozen of them. What is in the log that is being written is in
# memory too. By default it is as large as the limit of memory, at which publishing stops, and so the log never ends.
cat >"$DATA/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$PORT
load_definitions = definitions
log.console = true
log.console.level = warning
log.file.level = info
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 200MB
max_message_size = 16777216
raft.wal_max_size_bytes = 67108864
CONF
number=0
for node in ${CLUSTER:-}; do
  number=$((number + 1))
  echo "cluster_formation.classic_config.nodes.$number = $node@localhost" >>"$DATA/rabbitmq.conf"
done
# Read at every start, so that accounts and passwords are what the AppHost gives, whatever the data was made with.
quote() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
mkdir -p "$DATA/definitions"
# shellcheck disable=SC2059 # Its placeholders are in the order of the arguments.
printf "$(sed 's/@[A-Z_]*@/%s/g' "$(dirname "$0")/rabbitmq-accounts.json")" \
  "$(quote "$USERNAME")" "$(quote "$PASSWORD")" "$(quote "$WORKER_PASSWORD")" "$(quote "$USERNAME")" >"$DATA/definitions/accounts.json"
# A new one each time unless other nodes share it: one that was damaged would stop the server.
rm -f "$DATA/.erlang.cookie"
if [ -n "${CLUSTER:-}" ]; then
  printf %s "$PASSWORD" | sha256sum | cut -c -40
else
  od -An -N20 -tx1 /dev/urandom
fi | tr -d ' \n' >"$DATA/.erlang.cookie"
unset PASSWORD WORKER_PASSWORD
chmod 400 "$DATA/.erlang.cookie"
own "$DATA"

# RUNNING_UNDER_SYSTEMD makes the server's script exec the broker, so that signals reach it.
export HOME="$DATA" ERL_EPMD_PORT="$EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1 \
  RABBITMQ_DIST_PORT="$DIST_PORT" RABBITMQ_NODENAME="${NODE:-rabbit}@localhost" \
  RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE="$DATA/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$DATA/advanced.config" \
  RABBITMQ_ENABLED_PLUGINS_FILE="$DATA/enabled_plugins" RABBITMQ_MNESIA_BASE="$DATA/mnesia" RABBITMQ_LOG_BASE="$DATA/log" \
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' RUNNING_UNDER_SYSTEMD=true

# Without a port mapper of its own, the node would leave one behind that nobody stops. It ends with this shell, and starts again if it
# ends alone: the node finds it within seconds.
# shellcheck disable=SC2016 # Its own variables.
[ -n "${CLUSTER:-}" ] || $as --pdeathsig TERM sh -c '
  trap "exit 0" TERM
  while :; do
    setpriv --pdeathsig TERM "$0" -address 127.0.0.1 &
    wait $! || sleep 1
  done' "$epmd" 9>&- &
# Its configuration names files relative to here: a path may have characters that mean something in it.
cd "$DATA"
supervise TERM "$program"
