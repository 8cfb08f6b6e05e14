/**
 * Checks that AWS services can use the roles that the application assigns to them. Lambda and Step Functions evaluate a
 * role's trust policy when a function or state machine is created ("The role defined for the function cannot be assumed
 * by Lambda."; "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume
 * the provided role."), EventBridge on its first delivery: the sandbox reports all of these before anything runs.
 */
import { evaluate, type KeyState, parsePolicy } from '../lambdas/domain/policy/index.ts';
import type { Assembly } from './assembly/assembly.ts';

/** A service cannot use a role; the message says what to add. */
export class ServiceRoleError extends Error {
  override readonly name = 'ServiceRoleError';
}

interface Use {
  service: 'events' | 'lambda' | 'scheduler' | 'states';
  roleArn: string;
  /** What uses the role, for the message. */
  what: string;
  /** ARN of the resource for which the service assumes the role. */
  arn: string;
}

const usesOf = ({ functions, stateMachines, rules, schedules = [] }: Assembly): Use[] => [
  ...functions.map(({ roleArn, name, arn }) => ({
    service: 'lambda' as const,
    roleArn,
    what: `function ${name}`,
    arn,
  })),
  ...stateMachines.map(({ roleArn, name, arn }) => ({
    service: 'states' as const,
    roleArn,
    what: `state machine ${name}`,
    arn,
  })),
  ...rules.flatMap(({ targets, name, arn }) =>
    targets.flatMap(({ roleArn }) =>
      roleArn === undefined ? [] : [{ service: 'events' as const, roleArn, what: `rule ${name}`, arn }],
    ),
  ),
  ...schedules.map(({ target: { roleArn }, name, groupArn }) => ({
    service: 'scheduler' as const,
    roleArn,
    what: `schedule ${name}`,
    arn: groupArn,
  })),
];

/**
 * Returns the condition keys of a service that assumes a role. Step Functions sends the state machine (Step Functions
 * Developer Guide, "Prevent cross-service confused deputy issue") and EventBridge the rule (EventBridge User Guide,
 * "Using IAM policy conditions"), Scheduler the schedule's group (EventBridge Scheduler User Guide, "Confused deputy
 * prevention"); what Lambda sends is not documented, and all other keys are unknown. That `aws:PrincipalIsAWSService`
 * is true is documented: IAM User Guide, "AWS global condition context keys".
 */
const lookUpOf = ({ service, arn }: Use): ((key: string) => KeyState) => {
  const [, , , , account = ''] = arn.split(':');
  const from: [string, string][] =
    service === 'lambda'
      ? []
      : [
          ['aws:sourcearn', arn],
          ['aws:sourceaccount', account],
        ];
  const known = new Map([['aws:principalisawsservice', 'true'], ...from]);
  return (key) => {
    const value = known.get(key);
    return value === undefined ? { state: 'unknown' } : { state: 'values', values: [value] };
  };
};

const refusalOf = (use: Use, trustPolicy: unknown): string | undefined => {
  const [, , , region = ''] = use.arn.split(':');
  const service = `${use.service}.amazonaws.com`;
  const principal = { type: 'Service' as const, values: [service, `${use.service}.${region}.amazonaws.com`] };
  const { verdict, reasons } = evaluate(parsePolicy(trustPolicy, 'trust'), {
    action: 'sts:AssumeRole',
    principal,
    lookUp: lookUpOf(use),
  });
  if (verdict === 'allowed' || verdict === 'unknown') return undefined;
  const statement = JSON.stringify({ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' });
  return `The sandbox cannot deploy the application: ${service} may not assume the role ${use.roleArn} of the ${use.what} (${reasons[0]?.message ?? verdict}). Add to the role's trust policy: ${statement}.`;
};

/** Assemblies that were already checked: they never change. */
const checked = new WeakSet<Assembly>();

/**
 * Throws ServiceRoleError for the first role that a service cannot use; roles that the application only references are
 * not checked.
 */
export const checkServiceRoles = (assembly: Assembly): void => {
  if (checked.has(assembly)) return;
  const trusts = new Map(assembly.roles.map(({ arn, trustPolicy }) => [arn, trustPolicy]));
  for (const use of usesOf(assembly)) {
    const refusal = trusts.has(use.roleArn) ? refusalOf(use, trusts.get(use.roleArn)) : undefined;
    if (refusal !== undefined) throw new ServiceRoleError(refusal);
  }
  checked.add(assembly);
};
