/** Runs `trust target-role`: prints what it takes for pods to use a role of another account. Changes nothing. */
import { clusterArn, parseRoleArn } from '../../lambdas/domain/aws/arn.ts';
import { type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { shellCommand } from '../../lambdas/domain/text/shell.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';
import { type JsonObject, readTrust, writeStatements } from '../../lambdas/domain/trust/statements.ts';
import {
  judgeSetup,
  type SetupVerdict,
  targetRoleSetup,
  type TargetRoleSetup,
  type TargetRoleUse,
} from '../../lambdas/domain/trust/target-role.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { PROGRAM, WORKLOAD_COMMAND } from '../options.ts';
import { hanging, type Style, styleFor } from '../text/style.ts';
import type { TrustTargetRoleFlags } from './options.ts';
import { wholeText } from './input.ts';

/** More than IAM's highest quota for a trust policy. */
const MAX_POLICY = 20_000;
const POLICY_NAME = 'assume-target-role';

export interface Step {
  /** The account whose credentials the commands need. */
  account: string;
  what: string;
  /** A statement to add by hand. Absent if the commands contain everything. */
  statement?: JsonObject;
  commands: string[];
}

const TITLES: Record<SetupVerdict['what'], string> = {
  'base-role-trust': "The new role's trust policy allows EKS Pod Identity for the service account",
  'base-role-policy': "The new role's policy allows it to assume the target role",
  'target-role-trust': "The target role's trust policy allows the new role",
};

/** Returns the target role's trust policy with the statement, or as it is if it allows the new role already. */
const wholeTrust = async (
  use: TargetRoleUse,
  setup: TargetRoleSetup,
  file: string | undefined,
  io: Io,
): Promise<{ document: JsonObject; policy: ParsedPolicy; changed: boolean } | undefined> => {
  if (file === undefined) return undefined;
  const text = await wholeText('--policy', file, io, MAX_POLICY);
  const trust = readTrust(text);
  if (!trust.readable) throw new CliError('InvalidPolicy', trust.why, trust.remedy);
  const now = judgeSetup(use, setup, trust.policy).every(({ verdict }) => verdict === 'allowed');
  if (now) return { document: trust.document, policy: trust.policy, changed: false };
  const after = writeStatements(trust.document, [...trust.statements, setup.statement]);
  return { document: JSON.parse(after) as JsonObject, policy: parsePolicy(after, 'trust'), changed: true };
};

const words = ({ target, namespace, serviceAccount, targetRoleArn }: TargetRoleUse): string[] => [
  '--role-arn',
  targetRoleArn,
  '--cluster-arn',
  clusterArn(target),
  '--namespace',
  namespace,
  '--service-account',
  serviceAccount,
];

const targetStep = (
  use: TargetRoleUse,
  { statement, baseRoleName }: TargetRoleSetup,
  trust: { document: JsonObject; changed: boolean } | undefined,
): Step[] => {
  const { account = '', name = '' } = parseRoleArn(use.targetRoleArn) ?? {};
  if (trust?.changed === false) return [];
  if (trust)
    return [
      {
        account,
        what: 'let the target role trust the new one:',
        commands: [
          shellCommand(
            ['aws', 'iam', 'update-assume-role-policy', '--role-name', name],
            ['--policy-document', JSON.stringify(trust.document)],
          ),
        ],
      },
    ];
  const again = shellCommand(
    ['trust', 'target-role', ...words(use), '--base-role-name', baseRoleName],
    ['--policy', 'trust.json'],
  );
  return [
    {
      account,
      what: `add this statement to the trust policy of role ${name}; these commands print the command that does it:`,
      statement,
      commands: [
        `${shellCommand(['aws', 'iam', 'get-role', '--role-name', name, '--query', 'Role.AssumeRolePolicyDocument', '--output', 'json'])} > trust.json`,
        `${PROGRAM} ${again}`,
      ],
    },
  ];
};

/** Returns the steps in the order in which they work: IAM accepts a principal only once it exists. */
const stepsOf = (
  use: TargetRoleUse,
  setup: TargetRoleSetup,
  trust: { document: JsonObject; changed: boolean } | undefined,
): Step[] => {
  const { target, namespace, serviceAccount, targetRoleArn } = use;
  const { baseRoleArn, baseRoleName, trustPolicy, policy } = setup;
  const account = target.account;
  const name = ['--role-name', baseRoleName];
  return [
    {
      account,
      what: 'create a role that may assume the target role:',
      commands: [
        shellCommand(
          ['aws', 'iam', 'create-role', ...name],
          ['--assume-role-policy-document', JSON.stringify(trustPolicy)],
        ),
        shellCommand(
          ['aws', 'iam', 'put-role-policy', ...name, '--policy-name', POLICY_NAME],
          ['--policy-document', JSON.stringify(policy)],
        ),
      ],
    },
    ...targetStep(use, setup, trust),
    {
      account,
      what: 'create the association, which new pods use:',
      commands: [
        shellCommand(
          ['aws', 'eks', 'create-pod-identity-association', '--region', target.region],
          ['--cluster-name', target.cluster, '--namespace', namespace, '--service-account', serviceAccount],
          ['--role-arn', baseRoleArn, '--target-role-arn', targetRoleArn],
        ),
      ],
    },
    {
      account,
      what: 'replace the running pods, and verify them (with --dry-run: only plan):',
      commands: [
        `${PROGRAM} ${shellCommand([WORKLOAD_COMMAND, '--cluster', target.cluster], ['--namespace', namespace, '--service-account', serviceAccount, '--role-arn', baseRoleArn])}`,
      ],
    },
  ];
};

const stepLines = ({ account, what, statement, commands }: Step, number: number, style: Style): string[] => [
  '',
  ...hanging(`${number}. `, `With credentials of account ${account}, ${what}`, style, 'bold'),
  ...(statement === undefined ? [] : ['', ...JSON.stringify(statement, null, 2).split('\n')]),
  ...commands.flatMap((command) => ['', command]),
];

const verdictLines = ({ what, verdict, reasons }: SetupVerdict, style: Style): string[] => {
  const good = verdict === 'allowed';
  const lead = `${style.paint(good ? 'green' : 'red', good ? '✔' : '✖')} `;
  if (good) return hanging(lead, `${TITLES[what]}.`, style);
  return hanging(
    lead,
    `Not so: ${TITLES[what]}. ${reasons
      .slice(0, 2)
      .map(({ message }) => message)
      .join('; ')}`,
    style,
  );
};

/** Returns 0, or 3 if the target role's trust policy would still refuse the new role. */
export const trustTargetRole = async (flags: TrustTargetRoleFlags, io: Io): Promise<ExitCode> => {
  const { roleArn: targetRoleArn, clusterArn: target, namespace, serviceAccount, baseRoleName, policy: file } = flags;
  if (parseRoleArn(targetRoleArn)?.account === target.account)
    throw new CliError(
      'SameAccount',
      `role ${targetRoleArn} is in the cluster's account ${target.account}, so no other role is needed`,
      `To let EKS Pod Identity use it: ${PROGRAM} ${shellCommand(['trust', 'repair', '--dry-run', '--role-arn', targetRoleArn, '--cluster-arn', clusterArn(target), '--namespace', namespace, '--service-account', serviceAccount])}`,
    );
  const use: TargetRoleUse = {
    target,
    namespace,
    serviceAccount,
    targetRoleArn,
    ...(baseRoleName === undefined ? {} : { baseRoleName }),
  };
  const setup = targetRoleSetup(use);
  const trust = await wholeTrust(use, setup, file, io);
  const verdicts = judgeSetup(use, setup, trust?.policy);
  const steps = stepsOf(use, setup, trust);
  const code = verdicts.every(({ verdict }) => verdict === 'allowed') ? EXIT_CODES.ok : EXIT_CODES.blocked;
  if (flags.json) {
    const document = {
      targetRoleArn,
      ...setup,
      ...(trust ? { targetTrustPolicy: trust.document } : {}),
      verdicts,
      steps,
    };
    io.stdout.write(`${jsonText(document, 2)}\n`);
    return code;
  }
  const style = styleFor(io.stdout);
  const lines = [
    ...hanging(
      `${style.paint('bold', 'Target role')}  `,
      `${targetRoleArn}, for ${namespace}/${serviceAccount} on ${target.cluster} (${target.account}, ${target.region})`,
      style,
    ),
    '',
    ...verdicts.flatMap((verdict) => verdictLines(verdict, style)),
    ...(code === EXIT_CODES.ok
      ? steps.flatMap((step, index) => stepLines(step, index + 1, style))
      : ['', ...hanging('  do: ', `remove the Deny from the trust policy of ${targetRoleArn}, then try again`, style)]),
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
  return code;
};
