/** Readable names instead of those that CloudFormation generates, and instead of the sample account. */
import type { Assembly, AssemblyStateMachine } from '../../sandbox/assembly/assembly.ts';
import type { AssemblyFunction } from '../../sandbox/assembly/functions.ts';

/** Sample location in which the template is evaluated as if it were deployed. */
export const SAMPLE = { account: '111122223333', region: 'eu-west-1' };
/** Sample account that represents the other accounts of a deployment. */
export const SAMPLE_OTHER = '444455556666';
/** Sample patterns, a single one of each kind. A right on one represents a right on each that a deployment names. */
export const SAMPLE_ROLES = {
  passableRoleArns: 'role/each-of-passableRoleArns',
  repairableRoleArns: 'role/each-of-repairableRoleArns',
};
/** Sample network of the Lambdas that call API servers. No right names it. */
export const SAMPLE_NETWORK = { subnetIds: ['subnet-0123456789abcdef0'], securityGroupIds: ['sg-0123456789abcdef0'] };
/** Sample address, which represents each address that a deployment notifies. */
export const SAMPLE_EMAIL = 'each-of-emails@example.com';
/** Sample permissions boundary of every role. */
export const SAMPLE_BOUNDARY = 'policy/boundary';

/** Returns the step that a function runs, which is its readable name. */
export const lambdaName = ({ handler }: Pick<AssemblyFunction, 'handler'>): string => handler.replace(/\.handler$/, '');

/** Returns a logical id without CDK's hash at the end. */
export const withoutHash = (logicalId: string): string => logicalId.replace(/[0-9A-F]{8}$/, '');

/** Returns the name of the construct that contains a resource. */
export const machineName = ({ logicalId }: Pick<AssemblyStateMachine, 'logicalId'>): string =>
  withoutHash(logicalId).replace(/StateMachine$/, '');

/** The only Systems Manager document. Its role trusts no other service. */
export const RUNBOOK = 'SSM runbook';

/** Name of the schedules that start sweeps. */
export const SCHEDULER = 'EventBridge Scheduler';

/** Compares texts independently of the locale and the machine. */
/** Returns the text as Markdown code. */
export const code = (text: string): string => `\`${text}\``;
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Returns a function that replaces generated names in an ARN or any other text of the template by readable ones.
 * `others` has additional readable names by generated name.
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
  // The longest first, because a name may be the beginning of another.
  const order = [...configured, ...names].sort(([a], [b]) => b.length - a.length || byText(a, b));
  // Cached, because the same few texts are converted many times.
  const known = new Map<string, string>();
  return (text) => {
    const found =
      known.get(text) ?? order.reduce((result, [generated, name]) => result.replaceAll(generated, name), text);
    known.set(text, found);
    return found;
  };
};
