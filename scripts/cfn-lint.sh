#!/usr/bin/env bash
# Looks over the template that `npm run synth` has written (or the one that is named), where cfn-lint is installed: it is
# a Python program, so no dependency of this project can bring it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
template=${1:-dist/cdk.out/PodIdentityMigrator.template.json}

if ! cfn-lint --version >/dev/null 2>&1; then
  echo 'cfn-lint is not installed: not checked'
  exit 0
fi
if [[ ! -f $template ]]; then
  echo "There is no $template: run npm run synth first." >&2
  exit 1
fi
# W3005 finds dependencies that a reference has already: CDK writes them for each role, and they do no harm.
cfn-lint --ignore-checks W3005 --template "$template"
echo "cfn-lint: $template is clean"
