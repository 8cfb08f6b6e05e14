/**
 * Variables with the roles of a deployed service that call API servers: printed by `sandbox`, read by
 * `grant-access --deployed`.
 */
import type { ServiceRoles } from '../lambdas/domain/access/entries.ts';
import { parseRoleArn } from '../lambdas/domain/aws/arn.ts';
import { partitionOf } from '../lambdas/domain/aws/partitions.ts';
import type { Target } from '../lambdas/domain/terms/subject.ts';
import { spokeKubernetesRoles } from '../lambdas/domain/access/spokes.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { CliError } from './errors.ts';
import { PROGRAM } from './options.ts';

export const ACCESS_VARIABLES: Record<keyof ServiceRoles, { variable: string; output: string }> = {
  all: { variable: 'POD_IDENTITY_KUBERNETES_ROLE_ARNS', output: 'KubernetesRoleArns' },
  restart: { variable: 'POD_IDENTITY_KUBERNETES_RESTART_ROLE_ARNS', output: 'KubernetesRestartRoleArns' },
  annotate: { variable: 'POD_IDENTITY_KUBERNETES_ANNOTATE_ROLE_ARNS', output: 'KubernetesAnnotateRoleArns' },
};
const names = Object.keys(ACCESS_VARIABLES) as (keyof ServiceRoles)[];

export const rolesOfSandbox = ({ outputs }: Pick<Sandbox, 'outputs'>): ServiceRoles => ({
  all: outputs.kubernetesRoleArns,
  restart: outputs.restartRoleArns,
  annotate: outputs.annotateRoleArns,
});

/**
 * Returns the roles that call the API server of a cluster: the service's own, or, in another account, those that it
 * assumes there.
 */
export const rolesFor = (own: ServiceRoles, { account, region }: Pick<Target, 'account' | 'region'>): ServiceRoles =>
  own.all.some((arn) => parseRoleArn(arn)?.account === account)
    ? own
    : spokeKubernetesRoles(account, partitionOf(region));

export const accessEnvironment = (roles: ServiceRoles): Record<string, string> =>
  Object.fromEntries(names.map((name) => [ACCESS_VARIABLES[name].variable, roles[name].join(',')]));

/** Reads the variables. Throws a CliError that names every missing or wrong variable and the source of its value. */
export const readAccessEnvironment = (environment: Readonly<Record<string, string | undefined>>): ServiceRoles => {
  const valueOf = (name: keyof ServiceRoles): string[] =>
    (environment[ACCESS_VARIABLES[name].variable] ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  const wrong = names.flatMap((name) => {
    const { variable } = ACCESS_VARIABLES[name];
    const arns = valueOf(name);
    const bad = arns.find((arn) => parseRoleArn(arn) === undefined);
    if (arns.length === 0) return [{ name, why: `${variable} is not set` }];
    return bad === undefined
      ? []
      : [
          {
            name,
            why: `${variable} must be comma-separated ARNs of IAM roles, but "${bad.slice(0, 100)}" is not one`,
          },
        ];
  });
  if (wrong.length === 0) return { all: valueOf('all'), restart: valueOf('restart'), annotate: valueOf('annotate') };
  throw new CliError(
    'NotConfigured',
    `--deployed needs to know the roles of the service:\n${wrong.map(({ why }) => why).join('\n')}`,
    `Set them to the outputs of the stack PodIdentityMigrator (aws cloudformation describe-stacks --stack-name PodIdentityMigrator):\n${wrong.map(({ name }) => `${ACCESS_VARIABLES[name].variable}: output ${ACCESS_VARIABLES[name].output}`).join('\n')}\n"${PROGRAM} sandbox" prints them for the service in a sandbox.`,
  );
};
