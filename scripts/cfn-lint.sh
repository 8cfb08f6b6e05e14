#!/usr/bin/env bash
# Looks over the template that `npm run synth` has written, those of both stacks as `npm run build` and the tests write
# them, and those with everything switched on; `--grid`: those of every kind of deployment that the tests know, which
# takes a minute; or those that are named. cfn-lint is a Python program, which no dependency of this project can bring:
# the machine's own is taken, or the one that `.ci/run` installs. Where there is neither, nothing is checked, which is a
# failure in CI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for lint in cfn-lint .ci/venv/bin/cfn-lint; do
  if "$lint" --version >/dev/null 2>&1; then break; fi
  lint=
done
if [[ -z $lint ]]; then
  if [[ ${CI:-} == true ]]; then
    echo 'cfn-lint is not installed, so that no template was checked. Install it with: pip install cfn-lint' >&2
    exit 1
  fi
  echo 'cfn-lint is not installed: not checked'
  exit 0
fi

templates=("$@")
if [[ ${1:-} == --grid ]]; then
  templates=()
  kinds=()
elif [[ $# -eq 0 ]]; then
  templates=(dist/cdk.out/PodIdentityMigrator.template.json dist/assembly/PodIdentityMigrator.template.json dist/assembly/PodIdentityMigratorSpoke.template.json)
  kinds=(everything)
fi
if [[ $# -eq 0 || ${1:-} == --grid ]]; then
  written=$(PATH="$PWD/node_modules/.bin:$PATH" node test/lib/write-templates.ts dist/templates "${kinds[@]}")
  mapfile -t -O "${#templates[@]}" templates <<<"$written"
fi
for template in "${templates[@]}"; do
  if [[ ! -f $template ]]; then
    echo "There is no $template: run npm run synth and npm run build first." >&2
    exit 1
  fi
done
"$lint" --version
# W3005 finds dependencies that a reference has already: CDK writes them for each role, and they do no harm.
for template in "${templates[@]}"; do
  "$lint" --ignore-checks W3005 --template "$template"
  echo "cfn-lint: $template is clean"
done
