#!/usr/bin/env bash
# Reads hand-offs in every format with parsers that are independent of the project: python-hcl2, PyYAML, cfn-lint, and
# the schema that eksctl publishes. They are hand-offs of each kind, and arbitrary ones with hostile texts. None of the
# parsers is a dependency of the project: those from PyPI are in .ci/hand-off-venv, cfn-lint is the machine's own or the
# one that `.ci/run` installs, and the schema is in eksctl's Go module, which `go mod download` verifies by its hash. If
# something is missing, the check fails in CI, and is skipped elsewhere.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

TOOLS=tools/hand-off
VENV=$PWD/.ci/hand-off-venv
# The release whose schema a ClusterConfig must match, and the hash of its module.
EKSCTL=github.com/weaveworks/eksctl@v0.230.0
EKSCTL_SUM=h1:4DKwoyEf/RM84J7OAJOPugb+W213U68VtKszB4oZUuE=
SCHEMA=pkg/apis/eksctl.io/v1alpha5/assets/schema.json
COUNT=${1:-60}

# skip WHY: skips the check, or fails it in CI.
skip() {
  if [[ ${CI:-} == true ]]; then
    echo "$1 Nothing may be skipped in CI." >&2
    exit 1
  fi
  echo "Skipped: $1"
  exit 0
}

python_tools() {
  cmp -s "$TOOLS/requirements.txt" "$VENV/.installed" && return
  python3 -m venv --clear "$VENV" || return 1
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --requirement "$TOOLS/requirements.txt" || return 1
  cp "$TOOLS/requirements.txt" "$VENV/.installed"
}
python3 -c 'import ensurepip, venv' 2>/dev/null || skip 'There is no python3 with venv (apt-get install python3-venv).'
python_tools || skip "The packages of $TOOLS/requirements.txt could not be installed from PyPI."

for lint in cfn-lint .ci/venv/bin/cfn-lint; do
  if "$lint" --version >/dev/null 2>&1; then break; fi
  lint=
done
[[ -n $lint ]] || skip 'cfn-lint is not installed (pip install cfn-lint).'

go version >/dev/null 2>&1 || skip "There is no go, which downloads eksctl's schema (apt-get install golang-go)."
# In an empty folder, so that no go.mod is read.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
module=$(cd "$folder" && go mod download -json "$EKSCTL") || skip "The module $EKSCTL could not be downloaded: $module"
# of FIELD: a field of the module's description.
of() { "$VENV/bin/python" -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <<<"$module"; }
if [[ $(of Sum) != "$EKSCTL_SUM" ]]; then
  echo "The module $EKSCTL has the hash $(of Sum), not $EKSCTL_SUM." >&2
  exit 1
fi

node test/lambdas/domain/hand-off/formats/write-hand-offs.ts "$folder" "$COUNT" || exit 1
"$VENV/bin/python" "$TOOLS/check.py" "$folder" "$(of Dir)/$SCHEMA" || exit 1
node test/cli/hand-off/terraform/write-fixtures.ts "$folder/fixtures" || exit 1
"$VENV/bin/python" "$TOOLS/fixtures.py" "$folder/fixtures" || exit 1
# A hand-off without a resource is comments alone.
mapfile -t templates < <(grep -l '^AWSTemplateFormatVersion' "$folder"/*/template.yaml)
"$lint" --template "${templates[@]}" || exit 1
echo "cfn-lint: ${#templates[@]} templates are clean"
