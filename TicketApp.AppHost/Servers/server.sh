# What postgres.sh and rabbitmq.sh share. They say who they are by NAME, PACKAGE and SERVICE_USER, then source this.

# Why the server cannot start, in one line; the only thing that "check" writes.
fail() {
  echo "$*" >&2
  exit 1
}

missing() { fail "$NAME is not installed. Run ./ticketapp setup, or apt-get install $PACKAGE, or start Docker or Podman."; }

# Root's server runs as its service user.
as='setpriv'
own() { :; }
if [ "$(id -u)" -eq 0 ]; then
  as="setpriv --reuid=$SERVICE_USER --regid=$SERVICE_USER --init-groups"
  own() { chown -R "$SERVICE_USER:" "$@"; }
fi

# Makes sure of the directory above DATA, and that nobody else uses DATA.
prepare() {
  command -v setpriv >/dev/null && command -v flock >/dev/null || fail "$NAME needs setpriv and flock: install util-linux."
  parent=$(dirname "$DATA")
  (umask 022 && mkdir -p "$parent") 2>/dev/null && [ -w "$parent" ] ||
    fail "$NAME cannot write its data to $parent: name another directory with Servers:Data."
  cd / && $as test -x "$parent" ||
    fail "$NAME runs as $SERVICE_USER, who cannot enter $parent: name another directory with Servers:Data."
  [ "$(df -Pk "$parent" | awk 'END { print $4 }')" -ge 512000 ] || fail "$NAME needs 500 MB of free disk in $parent."
  umask 077

  # The one before, of an AppHost that was killed, may still be stopping.
  exec 9>"$DATA.lock"
  flock -w 10 9 || fail "$NAME already runs on $DATA: another AppHost of this checkout has not stopped."
}

# Runs a server, which ends with this shell, and passes on a request to stop as the signal $1. An end that nobody asked for is a failure.
supervise() {
  signal=$1
  shift
  $as --pdeathsig "$signal" "$@" 9>&- &
  server=$!
  stopping=
  trap 'stopping=1; kill -s "$signal" $server' TERM INT HUP
  wait $server || :
  while kill -0 $server 2>/dev/null; do wait $server || :; done
  [ -n "$stopping" ] || fail "$NAME ended by itself; what it wrote above says why."
}
