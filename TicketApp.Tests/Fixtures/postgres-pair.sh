#!/bin/sh
# PostgreSQL of a pair, as the AppHost's postgres.sh but for this: it copies its peer, and follows it, where that one takes writes.
#   SERVERS                                 where postgres.sh is
#   DATA, PORT, PASSWORD, TICKETS_PASSWORD  as there
#   PEER                                    port of the other one
set -eu
NAME=PostgreSQL SERVICE_USER=postgres PACKAGE=postgresql
. "$SERVERS/server.sh"
bin=$(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || missing
prepare
export PGPASSWORD="$PASSWORD"
peer="host=127.0.0.1 port=$PEER user=postgres"

if [ "$("$bin/psql" -XAtc 'select pg_is_in_recovery()' "$peer dbname=postgres" 2>/dev/null)" = f ]; then
  # What a killed server left in memory would stay.
  [ ! -f "$DATA/postmaster.pid" ] || ipcrm --shmem-id "$(awk 'NR == 7 { print $2 }' "$DATA/postmaster.pid")" 2>/dev/null || :
  rm -rf "$DATA"
  mkdir "$DATA" && own "$DATA"
  $as "$bin/pg_basebackup" -D "$DATA" -d "$peer" --write-recovery-conf --checkpoint=fast 9>&-
elif [ ! -f "$DATA/PG_VERSION" ]; then
  mkdir "$DATA" && own "$DATA"
  echo "$PASSWORD" >"$DATA.password" && own "$DATA.password"
  $as "$bin/initdb" -D "$DATA" --username=postgres --pwfile="$DATA.password" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 9>&-
  echo 'CREATE DATABASE tickets' | $as "$bin/postgres" --single -D "$DATA" postgres 9>&-
  sed "s/@PASSWORD@/$TICKETS_PASSWORD/" "$SERVERS/postgres-role.sql" | $as "$bin/postgres" --single -D "$DATA" tickets 9>&-
fi
rm -f "$DATA/postmaster.pid" # The lock says that nobody runs.
printf 'host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n' >"$DATA/pg_hba.conf"
supervise INT "$bin/postgres" -D "$DATA" -p "$PORT" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c logging_collector=off \
  -c primary_conninfo="$peer password=$PASSWORD"
