#!/bin/sh
# PostgreSQL as a process of this machine. "postgres.sh check" only says why it could not start.
#   DATA              its directory, made at the first start
#   PORT              where it listens, on 127.0.0.1 only
#   PASSWORD          of its superuser, postgres; a new one counts from the next start
#   TICKETS_PASSWORD  of ticketapp, the Api's role; as above
# Arguments go to the server. The database tickets is there from the first start.
set -eu
NAME=PostgreSQL SERVICE_USER=postgres PACKAGE=postgresql
. "$(dirname "$0")/server.sh"

# The version that made the data, or else the newest that is installed.
version='*'
[ ! -f "${DATA:-}/PG_VERSION" ] || version=$(cat "$DATA/PG_VERSION")
bin=$(ls -d /usr/lib/postgresql/$version/bin /usr/pgsql-$version/bin /usr/lib/postgresql$version/bin \
  /usr/libexec/postgresql$version 2>/dev/null | sort -V | tail -n 1)
if [ -z "$bin" ] && command -v postgres >/dev/null; then
  bin=$(dirname "$(command -v postgres)")
  case "$("$bin/postgres" --version)" in *" $version"*) ;; *) [ "$version" = '*' ] || bin= ;; esac
fi
if [ -z "$bin" ] && [ "$version" != '*' ]; then
  fail "The data in $DATA is of PostgreSQL $version, which is not installed: install it, or move that directory away."
fi
[ -n "$bin" ] || missing
prepare
[ "${1:-}" != check ] || exit 0

# Quoted in connection strings; and single-user mode takes a line for a statement.
case $PASSWORD$TICKETS_PASSWORD in *\"* | *"
"*) fail 'Passwords of PostgreSQL (Parameters:postgres-password, tickets-password) must have no double quote and no line break.' ;; esac

# In single-user mode: before anybody can connect.
execute() {
  printf '%s\n' "$1" |
    $as "$bin/postgres" --single -D "$2" -c exit_on_error=on -c password_encryption=scram-sha-256 "$3" >"$DATA.log" 2>&1 9>&- ||
    { cat "$DATA.log" >&2; fail "PostgreSQL cannot open $2; what it wrote above says why."; }
}

if [ ! -f "$DATA/PG_VERSION" ]; then
  # What an interrupted start left is no database: the directory has its name only when all is there.
  rm -rf "$DATA" "$DATA.new"
  mkdir "$DATA.new" && own "$DATA.new"
  $as "$bin/initdb" -D "$DATA.new" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 >"$DATA.log" 2>&1 9>&- ||
    { cat "$DATA.log" >&2; fail "PostgreSQL cannot make its data in $DATA; what it wrote above says why."; }
  execute 'CREATE DATABASE tickets' "$DATA.new" postgres
  rm -f "$DATA.password"
  mv "$DATA.new" "$DATA"
fi
rm -f "$DATA/postmaster.pid" # The lock says that nobody runs.

# The AppHost's secrets get lost and are shared between checkouts, while data stays.
quote() { printf %s "$1" | sed "s/'/''/g"; }
# shellcheck disable=SC2059 # It has one placeholder.
sql=$(
  printf "ALTER ROLE postgres PASSWORD '%s';\n" "$(quote "$PASSWORD")"
  printf "$(sed 's/@PASSWORD@/%s/' "$(dirname "$0")/postgres-role.sql")" "$(quote "$TICKETS_PASSWORD")"
)
digest=$(printf %s "$sql" | sha256sum)
if [ "$(cat "$DATA.password" 2>/dev/null)" != "$digest" ]; then
  execute "$sql" "$DATA" tickets
  echo "$digest" >"$DATA.password"
fi
unset PASSWORD TICKETS_PASSWORD sql
echo 'host all all 127.0.0.1/32 scram-sha-256' >"$DATA/pg_hba.conf"

# SIGINT: PostgreSQL waits for its clients after SIGTERM.
supervise INT "$bin/postgres" -D "$DATA" -p "$PORT" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c logging_collector=off "$@"
