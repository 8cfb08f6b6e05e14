/** Texts that a release has next to its templates. */

/** Name of the stack in the commands. The command line finds the stack under this name. */
const STACK = 'PodIdentityMigrator';
const prefixOf = (version: string): string => `eks-pod-identity-migrator/${version}/`;

const command = (...parts: string[]): string => parts.join(' \\\n  ');

const deployCommand = (version: string, bucket: string): string =>
  command(
    'aws cloudformation deploy',
    `--stack-name ${STACK}`,
    '--template-file template.json',
    `--s3-bucket ${bucket} --s3-prefix ${prefixOf(version)}templates`,
    `--parameter-overrides AssetBucket=${bucket} AssetPrefix=${prefixOf(version)}`,
    '--capabilities CAPABILITY_IAM',
    '--no-fail-on-empty-changeset',
  );

/** Returns a script that uploads the assets and deploys the stack. */
export const deployScript = (version: string): string => `#!/usr/bin/env bash
# Deploys this release with the AWS CLI: bash deploy.sh BUCKET
# BUCKET is a bucket of yours in the stack's region. Nothing is deployed before all files are uploaded.
set -euo pipefail
cd "$(dirname "\${BASH_SOURCE[0]}")"
# As the placeholder is written, it would be the name of an old bucket that belongs to someone else.
export LC_ALL=C
if [[ $# -ne 1 || ! $1 =~ ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$ ]]; then
  echo 'Name a bucket in the region of the stack: bash deploy.sh BUCKET' >&2
  exit 2
fi
for asset in *.zip; do
  aws s3 cp "$asset" "s3://$1/${prefixOf(version)}$asset"
done
${deployCommand(version, '"$1"')}
# Deleting the stack would stop every migration midway.
aws cloudformation update-termination-protection --stack-name ${STACK} --enable-termination-protection
aws cloudformation describe-stacks --stack-name ${STACK} --query 'Stacks[0].Outputs' --output table
`;

interface Release {
  version: string;
  /** The role patterns with which it was made. */
  passableRoleArns: readonly string[];
  /** Whether it has a template for other accounts. */
  hasSpoke: boolean;
}

const spokeText = (hasSpoke: boolean): string =>
  hasSpoke
    ? `## Other accounts

\`template-spoke.json\` is the stack for each other account. It needs no bucket. Its parameters are outputs of the stack ${STACK}, except \`RolesRegion\`, the one region in which the roles are created:

    aws cloudformation deploy --stack-name ${STACK}Spoke --template-file template-spoke.json --capabilities CAPABILITY_NAMED_IAM --parameter-overrides HubAccountId=111122223333 …

docs/accounts.md describes it, and how StackSets deploy it to many accounts.`
    : `## Other accounts

This release serves only the account that it is deployed to. A configuration with \`accounts\` also results in \`template-spoke.json\`, for those accounts.`;

/** Returns the README of a release. */
export const releaseReadme = ({
  version,
  passableRoleArns,
  hasSpoke,
}: Release): string => `# eks-pod-identity-migrator ${version}, as CloudFormation

The service as a template with its assets, for \`aws cloudformation deploy\`: no CDK and no bootstrap are needed.

You need the AWS CLI, and a bucket of yours in the region of the stack, in which the template (it is too large for a direct upload) and the .zip files are kept. Set the variable \`bucket\` to its name; without it, the shell refuses these commands:

    aws s3 mb "s3://\${bucket:?}"
    bash deploy.sh "\${bucket:?}"

\`deploy.sh\` consists of these commands:

\`\`\`bash
${command('aws s3 cp .', `"s3://\${bucket:?}/${prefixOf(version)}" --recursive`, "--exclude '*' --include '*.zip'")}
${deployCommand(version, '"${bucket:?}"')}
\`\`\`

To review a change before it is made, add \`--no-execute-changeset\`.

## Configuration

A template has its configuration inside: role patterns are part of policies, and of the functions' settings. This one may give these roles to add-ons and pods, and no others:

${passableRoleArns.map((pattern) => `- \`${pattern}\``).join('\n')}

If your roles have other names or paths, or you want other settings (docs/configuration.md), make the release yourself from the sources. It takes a minute, and needs no AWS account:

    npm ci
    node scripts/release-template.ts --config pod-identity-migrator.yaml --out release

${spokeText(hasSpoke)}

## Removing it

The stack is protected from deletion, because that would stop every migration midway. The ledger's table and the bucket of sweeps are kept.

    aws cloudformation update-termination-protection --stack-name ${STACK} --no-enable-termination-protection
    aws cloudformation delete-stack --stack-name ${STACK}
`;
