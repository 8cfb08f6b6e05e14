/** What a role may do, why, and what uses it. */
import type { AssemblyRole } from '../../sandbox/assembly/roles.ts';
import { type CommonRight, OF_EVENT_RULES, OF_EVERY_LAMBDA, OF_STATE_MACHINES } from './actions.ts';
import { callersOf, type CallingMachine, isCalled } from './callers.ts';
import { brokenClaims } from './claims.ts';
import type { Caller, Needs, RoleFacts } from './model.ts';
import { byText, lambdaName, RUNBOOK, SAMPLE, SAMPLE_BOUNDARY, SCHEDULER, withoutHash } from './names.ts';
import { keyOf, type Reason, type Right, rightsOf, unmatched } from './rights.ts';
import type { Template } from './template.ts';
import { isTrusted, trustText } from './trust.ts';

const reasonsBy = (common: readonly CommonRight[], resourcesOf: (action: string) => readonly string[]): Reason[] =>
  common.flatMap(({ actions, why }) =>
    actions.flatMap((action) => resourcesOf(action).map((resource) => ({ action, resource, condition: '', why }))),
  );

/** Names of users of roles by the service that the role trusts. */
const OF_OTHER_ACCOUNTS = [
  { service: 'ssm.amazonaws.com', name: RUNBOOK },
  { service: 'scheduler.amazonaws.com', name: SCHEDULER },
];
/** Rights by role in a template. */
export type RoleKeys = ReadonlyMap<string, ReadonlySet<string>>;

/** The sources from which a role is described. */
export interface RoleContext {
  template: Template;
  machines: readonly CallingMachine[];
  /** Replaces generated names in a text by readable ones. */
  named: (text: string) => string;
  needsOf: (isThere: (keys: RoleKeys) => boolean) => Needs;
}

/** Returns what uses a role, and the reasons for the rights that this needs. */
interface Use {
  name: string;
  reasons: readonly Reason[];
  isLambda: boolean;
  calledBy: readonly Caller[];
}

const lambdaUse = (role: AssemblyRole, { template, machines }: RoleContext): Use | undefined => {
  const { assembly, logGroups, reasons } = template;
  const lambda = assembly.functions.find(({ roleArn }) => roleArn === role.arn);
  if (lambda === undefined) return undefined;
  const name = lambdaName(lambda);
  const logs = `arn:aws:logs:${SAMPLE.region}:${SAMPLE.account}:log-group:${logGroups.get(name) ?? ''}:*`;
  const common = reasonsBy(OF_EVERY_LAMBDA, (action) => [action.startsWith('logs:') ? logs : '*']);
  return {
    name,
    reasons: [...(reasons.get(name) ?? []), ...common],
    isLambda: true,
    calledBy: callersOf(lambda, assembly, machines),
  };
};

const machineUse = (role: AssemblyRole, { template, machines }: RoleContext): Use | undefined => {
  const machine = machines.find((one) => one.machine.roleArn === role.arn);
  if (machine === undefined) return undefined;
  const functionArns = template.assembly.functions.flatMap((one) => {
    const calls = machine.calls.filter(({ functionArn }) => isCalled(one, functionArn));
    if (calls.length === 0) return [];
    return [`${one.arn}:*`, ...(calls.every(({ isPrevious }) => isPrevious) ? [] : one.versionArns)];
  });
  const own = reasonsBy(OF_STATE_MACHINES, (action) => (action === 'lambda:InvokeFunction' ? functionArns : ['*']));
  return {
    name: `state machine ${machine.name}`,
    reasons: [...(template.reasons.get(machine.name) ?? []), ...own],
    isLambda: false,
    calledBy: [],
  };
};

const ruleUse = (role: AssemblyRole, { template }: RoleContext): Use | undefined => {
  const targets = template.assembly.rules.flatMap((rule) =>
    rule.targets
      .filter(({ roleArn }) => roleArn === role.arn)
      .map(({ arn }) => ({ arn, rule: withoutHash(rule.logicalId) })),
  );
  if (targets.length === 0) return undefined;
  const ruleNames = [...new Set(targets.map(({ rule }) => rule))].sort(byText);
  return {
    name: `EventBridge, for the rule ${ruleNames.join(', ')}`,
    reasons: reasonsBy(OF_EVENT_RULES, () => targets.map(({ arn }) => arn)),
    isLambda: false,
    calledBy: [],
  };
};

const otherUse = (role: AssemblyRole, { template: { reasons } }: RoleContext): Use | undefined => {
  const other = OF_OTHER_ACCOUNTS.find(({ service }) => isTrusted(role, service));
  return other && { name: other.name, reasons: reasons.get(other.name) ?? [], isLambda: false, calledBy: [] };
};

/** Returns the facts about a role and every problem with it; no facts for an unused role. */
export const roleFactsOf = (role: AssemblyRole, context: RoleContext): { facts?: RoleFacts; problems: string[] } => {
  const use =
    lambdaUse(role, context) ?? machineUse(role, context) ?? ruleUse(role, context) ?? otherUse(role, context);
  if (!use)
    return {
      problems: [`the role ${role.logicalId} is used by no Lambda, state machine, rule or runbook: who is it for?`],
    };
  const { named, needsOf } = context;
  const { name, reasons, isLambda, calledBy } = use;
  const { rights, problems: wrong } = rightsOf(role, name);
  const readable = ({ action, resource, condition }: Right): Right => ({
    action,
    resource: named(resource),
    condition: named(condition),
  });
  const isBounded = role.permissionsBoundary?.arn.endsWith(`:${SAMPLE_BOUNDARY}`) === true;
  return {
    facts: {
      name,
      isLambda,
      calledBy,
      rights: rights.map((right) => ({
        ...readable(right),
        whys: [...new Set(reasons.filter((reason) => keyOf(reason) === keyOf(right)).map(({ why }) => why))],
        needs: needsOf((keys) => keys.get(role.logicalId)?.has(keyOf(right)) === true),
      })),
      trustedBy: named(trustText(role)),
      needs: needsOf((keys) => keys.has(role.logicalId)),
    },
    problems: [
      ...wrong,
      ...unmatched(rights, reasons, name).map(named),
      ...brokenClaims(rights.map(readable), { name, isLambda }),
      ...(isBounded ? [] : [`${name} does not have the permissions boundary that the deployment names`]),
    ],
  };
};
