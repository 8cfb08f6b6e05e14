#!/usr/bin/env bash
# Checks templates with cfn-lint: by default the one of `npm run synth`, those of both stacks from `npm run build` and the
# tests, those with every optional feature, and the one of a release; with `--grid`, those of every kind of deployment in
# the tests, which takes a minute; or the templates given as arguments. cfn-lint is a Python program, so it cannot be a
# dependency of this project: this uses the machine's own, or the one that `.ci/run` installs. If there is neither,
# nothing is checked, which is a failure in CI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for lint in cfn-lint .ci/venv/bin/cfn-lint; do
  if "$lint" --version >/dev/null 2>&1; then break; fi
  lint=
done
if [[ -z $lint ]]; then
  if [[ ${CI:-} == true ]]; then
    echo 'cfn-lint is not installed, so no template was checked. Install it: pip install cfn-lint' >&2
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
  release=$(mktemp -d)
  trap 'rm -rf "$release"' EXIT
  PATH="$PWD/node_modules/.bin:$PATH" node scripts/release-template.ts --out "$release/made" >/dev/null
  templates+=("$release/made/template.json")
fi
if [[ $# -eq 0 || ${1:-} == --grid ]]; then
  written=$(PATH="$PWD/node_modules/.bin:$PATH" node test/lib/write-templates.ts dist/templates "${kinds[@]}")
  mapfile -t -O "${#templates[@]}" templates <<<"$written"
fi
for template in "${templates[@]}"; do
  if [[ ! -f $template ]]; then
    echo "The template $template does not exist. Create it first: npm run synth && npm run build" >&2
    exit 1
  fi
done
"$lint" --version
# .cfnlintrc.yaml has the checks that are left out. All in one run, which loads the rules once.
"$lint" --template "${templates[@]}"
printf 'cfn-lint: %s is clean\n' "${templates[@]}"
