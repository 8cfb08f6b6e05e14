#!/usr/bin/env bash
# Checks docs/openapi.json with third-party tools: linters, client generators, and schemathesis, which tests the API of a
# sandbox against the document. The tools are not dependencies of the project: they are in tools/openapi, with a separate
# lockfile, and from PyPI in the environment that `npm run conformance -- api` uses as well. If Python or a registry is
# missing, the check fails in CI, and is skipped elsewhere.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/node_modules/.bin:$PATH" REDOCLY_TELEMETRY=off SCHEMATHESIS_TELEMETRY=false

TOOLS=tools/openapi

# skip WHY: skips the check, or fails it in CI.
skip() {
  if [[ ${CI:-} == true ]]; then
    echo "$1 Nothing may be skipped in CI." >&2
    exit 1
  fi
  echo "Skipped: $1"
  exit 0
}

# The tools are not installed again if they match the lockfile.
node_tools() {
  cmp -s "$TOOLS/package-lock.json" "$TOOLS/node_modules/.installed" && return
  npm ci --prefix "$TOOLS" --ignore-scripts --no-audit --no-fund || return 1
  cp "$TOOLS/package-lock.json" "$TOOLS/node_modules/.installed"
}
node_tools || skip "The tools of $TOOLS could not be installed from the npm registry."
VENV=$(node conformance/build/environment.ts openapi "$TOOLS/requirements.txt") || skip "The tools of $TOOLS/requirements.txt could not be installed from PyPI."

failed=0
# check NAME COMMAND...
check() {
  local name=$1 start=$SECONDS
  shift
  if "$@"; then
    echo "check-api: $name: ok, $((SECONDS - start)) s"
  else
    echo "check-api: $name: FAILED, $((SECONDS - start)) s" >&2
    failed=1
  fi
}

# The types that the package ships are those of openapi-typescript, but for the comment at the head, of five lines.
typescript_client() {
  local directory status
  directory=$(mktemp -d)
  npm run --silent --prefix "$TOOLS" client -- --output "$directory/theirs.d.ts" >/dev/null &&
    node scripts/client-types.ts "$directory/ours.d.ts" >/dev/null &&
    diff <(tail -n +6 "$directory/theirs.d.ts") <(tail -n +6 "$directory/ours.d.ts")
  status=$?
  rm -rf "$directory"
  return "$status"
}

# The generated client is discarded; the check is that the generator reports no warnings.
python_client() {
  local directory status
  directory=$(mktemp -d)
  PATH="$VENV/bin:$PATH" openapi-python-client generate --fail-on-warning --meta none \
    --path docs/openapi.json --output-path "$directory/client"
  status=$?
  rm -rf "$directory"
  return "$status"
}

check spectral npm run --silent --prefix "$TOOLS" spectral
check redocly npm run --silent --prefix "$TOOLS" redocly
check typescript-client typescript_client
check python-client python_client
# The number of examples is limited, so it takes about a minute; the time-out is only for a hang.
check schemathesis timeout 900 node test/openapi/walk.ts "$VENV/bin/schemathesis"
exit "$failed"
