/** Names as readers know them, in place of those that CloudFormation generates, and of the sample account. */
import type { Assembly, AssemblyStateMachine } from '../../sandbox/assembly/assembly.ts';
import type { AssemblyFunction } from '../../sandbox/assembly/functions.ts';

/** Where the template is read as if it were deployed to. */
export const SAMPLE = { account: '111122223333', region: 'eu-west-1' };
/** Another account, for whose clusters it is deployed; it stands for each that a deployment names. */
export const SAMPLE_OTHER = '444455556666';
/** Configured once each, so that a right on them is seen to be on each that a deployment names. */
export const SAMPLE_ROLES = {
  passableRoleArns: 'role/each-of-passableRoleArns',
  repairableRoleArns: 'role/each-of-repairableRoleArns',
};
/** Of the Lambdas that call API servers then; no right names them. */
export const SAMPLE_NETWORK = { subnetIds: ['subnet-0123456789abcdef0'], securityGroupIds: ['sg-0123456789abcdef0'] };
/** Who is told then; it stands for each address that a deployment names. */
export const SAMPLE_EMAIL = 'each-of-emails@example.com';
/** Of every role then. */
export const SAMPLE_BOUNDARY = 'policy/boundary';

/** The step that a function runs, by which it is known. */
export const lambdaName = ({ handler }: Pick<AssemblyFunction, 'handler'>): string => handler.replace(/\.handler$/, '');

/** Without CDK's hash at its end. */
export const withoutHash = (logicalId: string): string => logicalId.replace(/[0-9A-F]{8}$/, '');

/** The construct that has it. */
export const machineName = ({ logicalId }: Pick<AssemblyStateMachine, 'logicalId'>): string =>
  withoutHash(logicalId).replace(/StateMachine$/, '');

/** The one document of Systems Manager, whose role trusts nobody else. */
export const RUNBOOK = 'SSM runbook';

/** What starts sweeps by the clock. */
export const SCHEDULER = 'EventBridge Scheduler';

/** An order that depends on neither locale nor machine. */
/** As code in Markdown. */
export const code = (text: string): string => `\`${text}\``;
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * A function that puts readers' names into an ARN, or into any other text of the template. `others`: by what they are
 * generated as.
 */
export const readersNames = (
  { apis = [], functions, rules, stateMachines, tables }: Assembly,
  others: ReadonlyMap<string, string>,
): ((text: string) => string) => {
  const names: [string, string][] = [
    ...functions.flatMap((one): [string, string][] => [
      [one.name, lambdaName(one)],
      [one.roleArn.split('/').at(-1) ?? '', `ROLE-OF-${lambdaName(one)}`],
    ]),
    ...stateMachines.map((one): [string, string] => [one.name, machineName(one)]),
    ...rules.map(({ name, logicalId }): [string, string] => [name, withoutHash(logicalId)]),
    ...tables.map(({ name, logicalId }): [string, string] => [
      name,
      tables.length === 1 ? 'TABLE' : `TABLE-${withoutHash(logicalId)}`,
    ]),
    ...apis.map(({ id }): [string, string] => [id, 'API']),
    ...others,
    [SAMPLE.account, 'ACCOUNT'],
    [SAMPLE_OTHER, 'each-of-accounts'],
    [SAMPLE.region, 'REGION'],
  ];
  const configured = Object.entries(SAMPLE_ROLES).map(([key, role]): [string, string] => [
    `arn:aws:iam::${SAMPLE.account}:${role}`,
    `each of ${key}`,
  ]);
  // Longest first: a name may be the beginning of another.
  const order = [...configured, ...names].sort(([a], [b]) => b.length - a.length || byText(a, b));
  // The same few texts are asked for again and again.
  const known = new Map<string, string>();
  return (text) => {
    const found =
      known.get(text) ?? order.reduce((result, [generated, name]) => result.replaceAll(generated, name), text);
    known.set(text, found);
    return found;
  };
};
