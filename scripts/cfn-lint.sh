#!/usr/bin/env bash
# Looks over the template that `npm run synth` has written, and those of both stacks with everything switched on, as
# `npm run build` and the tests write them (or those that are named), where cfn-lint is installed: it is a Python program,
# so no dependency of this project can bring it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
templates=("$@")
if [[ $# -eq 0 ]]; then
  templates=(dist/cdk.out/PodIdentityMigrator.template.json dist/assembly/PodIdentityMigrator.template.json dist/assembly/PodIdentityMigratorSpoke.template.json)
fi

if ! cfn-lint --version >/dev/null 2>&1; then
  echo 'cfn-lint is not installed: not checked'
  exit 0
fi
for template in "${templates[@]}"; do
  if [[ ! -f $template ]]; then
    echo "There is no $template: run npm run synth and npm run build first." >&2
    exit 1
  fi
done
# W3005 finds dependencies that a reference has already: CDK writes them for each role, and they do no harm.
for template in "${templates[@]}"; do
  cfn-lint --ignore-checks W3005 --template "$template"
  echo "cfn-lint: $template is clean"
done
