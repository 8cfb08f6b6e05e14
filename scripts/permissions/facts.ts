/**
 * What the template allows, each right with its reasons. Decides from a template alone; a problem of any kind is an
 * error that names it.
 */
import { z } from 'zod';
import type { Assembly, AssemblyRole, AssemblyStateMachine } from '../../sandbox/assembly/assembly.ts';
import { type CommonRight, OF_EVENT_RULES, OF_EVERY_LAMBDA, OF_STATE_MACHINES } from './actions.ts';
import { brokenClaims } from './claims.ts';
import {
  byText,
  lambdaName,
  machineName,
  readersNames,
  RUNBOOK,
  SAMPLE,
  SAMPLE_BOUNDARY,
  SCHEDULER,
  withoutHash,
} from './names.ts';
import { conditionText, keyOf, type Reason, type Right, rightsOf, unmatched } from './rights.ts';
import { type ResourcePolicy, SWITCHES, type Switch, type Template } from './template.ts';

/** Which setting a part of the template needs beside what must be given; undefined: none. */
export type Needs = Switch | undefined;

/** A right in readers' names, with everything that it is needed for. */
export interface ExplainedRight extends Right {
  readonly whys: readonly string[];
  readonly needs: Needs;
}
export interface Caller {
  /** A state machine, or a rule. */
  readonly by: string;
  /** Names of the states; empty for a rule. */
  readonly states: readonly string[];
}
export interface RoleFacts {
  /** Of the Lambda, or of what uses the role. */
  readonly name: string;
  readonly isLambda: boolean;
  readonly rights: readonly ExplainedRight[];
  /** Who may become it, as code. */
  readonly trustedBy: string;
  readonly calledBy: readonly Caller[];
  readonly needs: Needs;
}
export interface PolicyFacts {
  readonly of: string;
  readonly effect: string;
  readonly who: string;
  readonly action: string;
  readonly condition: string;
  readonly needs: Needs;
  /** It is there only where that setting is left out. */
  readonly insteadOf?: Switch;
}
/** A method of the HTTP API, which IAM lets a caller call or not. */
export interface MethodFacts {
  readonly method: string;
  readonly path: string;
  /** The Lambda that answers. */
  readonly lambda: string;
}
export interface Facts {
  readonly roles: readonly RoleFacts[];
  readonly resourcePolicies: readonly PolicyFacts[];
  readonly methods: readonly MethodFacts[];
  /** Protocols of what is subscribed to topics of the stack. */
  readonly subscribed: readonly string[];
  /** Lambdas whose roles call the API server of a cluster, by the stack's output. */
  readonly kubernetes: readonly string[];
  /** Those of them that change something there: they restart workloads, or take annotations off service accounts. */
  readonly restart: readonly string[];
  readonly annotate: readonly string[];
}

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat().sort(byText));
const conditions = z.record(z.string(), z.record(z.string(), z.union([z.string(), z.array(z.string())]))).optional();
const trust = z.object({
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.literal('Allow'),
      Action: z.literal('sts:AssumeRole'),
      Principal: z.strictObject({ Service: texts }),
      Condition: conditions,
    }),
  ),
});
const everybody = z.literal('*').transform(() => ({ AWS: ['*'] }));
const resourcePolicy = z.object({
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.enum(['Allow', 'Deny']),
      Action: texts,
      Principal: z.union([everybody, z.record(z.string(), texts)]),
      Resource: texts,
      Condition: conditions,
    }),
  ),
});

const code = (text: string): string => `\`${text}\``;
const where = (condition: string): string => (condition === '' ? '' : `, where ${condition}`);

const trustText = (role: AssemblyRole): string =>
  trust
    .parse(role.trustPolicy)
    .Statement.map(
      ({ Principal: { Service: services }, Condition: condition }) =>
        services.map(code).join(', ') + where(conditionText(condition)),
    )
    .join('; ');

interface Call {
  /** Name of the Task state. */
  readonly state: string;
  /** With or without a version. */
  readonly functionArn: string;
}
const task = z.looseObject({
  Type: z.literal('Task'),
  Resource: z.string(),
  Arguments: z.looseObject({ FunctionName: z.string() }).optional(),
});

/** What a definition calls, in whichever depth. A Task that calls something else than a Lambda is a problem. */
const callsOf = (
  { definition }: Pick<AssemblyStateMachine, 'definition'>,
  name: string,
): { calls: Call[]; problems: string[] } => {
  const calls: Call[] = [];
  const problems: string[] = [];
  const visit = (value: unknown, key: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { success, data } = task.safeParse(value);
    if (success && /:states:::lambda:invoke(\.waitForTaskToken)?$/.test(data.Resource) && data.Arguments !== undefined)
      calls.push({ state: key, functionArn: data.Arguments.FunctionName });
    else if (success)
      problems.push(
        `the state ${key} of ${name} calls ${data.Resource} by itself, which this document does not show: teach scripts/permissions/facts.ts`,
      );
    for (const [inner, part] of Object.entries(value)) visit(part, inner);
  };
  visit(definition, '');
  return { calls, problems };
};

const reasonsBy = (common: readonly CommonRight[], resourcesOf: (action: string) => readonly string[]): Reason[] =>
  common.flatMap(({ actions, why }) =>
    actions.flatMap((action) => resourcesOf(action).map((resource) => ({ action, resource, condition: '', why }))),
  );

/**
 * Kinds of resources that let somebody do something without a policy document; each is shown, or the document would
 * leave it out.
 */
const SHOWN_TYPES = new Set([
  'AWS::IAM::Role',
  'AWS::Lambda::Permission',
  'AWS::SNS::Subscription',
  'AWS::Events::EventBusPolicy',
]);
const unshownTypes = (types: readonly string[]): string[] =>
  types
    .filter(
      (type) =>
        /(Permission|Role|User|AccessEntry|Grant|PodIdentityAssociation|Account|Authorizer|ApiKey|UsagePlan|Url|EventBusPolicy|Subscription|Destination)/.test(
          type.split('::').at(-1) ?? '',
        ) && !SHOWN_TYPES.has(type),
    )
    .map((type) => `the template has ${type}, which this document does not show: teach scripts/permissions/facts.ts`);

/** Such as `the queue RecoveryTriggersDeadLetters`. */
const resourceName = ({ logicalId, type }: ResourcePolicy): string =>
  `the ${(type.split('::').at(-1) ?? '')
    .replace(/Policy$/, '')
    .replace(/\B[A-Z]/g, ' $&')
    .toLowerCase()} ${withoutHash(logicalId).replace(/Policy$/, '')}`;

type Said = Omit<PolicyFacts, 'needs' | 'insteadOf'>;
const saidIn = ({
  assembly: { functions },
  resourcePolicies,
}: Pick<Template, 'assembly' | 'resourcePolicies'>): Said[] => [
  ...functions.flatMap((one) =>
    (one.permissions ?? []).map(({ action, service, sourceArn, sourceAccount }) => {
      const condition = conditionText({
        ...(sourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': sourceArn } }),
        ...(sourceAccount === undefined ? {} : { StringEquals: { 'aws:SourceAccount': sourceAccount } }),
      });
      return {
        of: `the Lambda ${lambdaName(one)}`,
        effect: 'Allow',
        who: code(service),
        action: code(action),
        condition,
      };
    }),
  ),
  ...resourcePolicies.flatMap((policy) =>
    resourcePolicy
      .parse(policy.document)
      .Statement.map(({ Effect: effect, Action: actions, Principal: principal, Condition: condition }) => ({
        of: resourceName(policy),
        effect,
        who: Object.values(principal).flat().map(code).join(', '),
        action: actions.map(code).join(', '),
        condition: conditionText(condition),
      })),
  ),
];

/** Those of the whole template, and those that are there only where one of the switches is left out. */
const resourcePoliciesOf = (template: Template): PolicyFacts[] => {
  const keyOfSaid = (said: Said): string => JSON.stringify(said);
  const without = SWITCHES.map((out) => ({ out, said: saidIn(template.without[out]) })).map(({ out, said }) => ({
    out,
    said,
    keys: new Set(said.map(keyOfSaid)),
  }));
  const all = saidIn(template);
  const known = new Set(all.map(keyOfSaid));
  return [
    ...all.map((said): PolicyFacts => ({
      ...said,
      needs: without.find(({ keys }) => !keys.has(keyOfSaid(said)))?.out,
    })),
    ...without.flatMap(({ out, said }) =>
      said
        .filter((one) => !known.has(keyOfSaid(one)))
        .map((one): PolicyFacts => ({ ...one, needs: undefined, insteadOf: out })),
    ),
  ];
};

/**
 * EventBridge publishes to a topic without one: of a topic's policy nobody says whether a condition on the rule would
 * hold.
 */
const isOpen = ({ of, effect, who, condition }: PolicyFacts): boolean =>
  effect === 'Allow' &&
  condition === '' &&
  !who.includes(':root') &&
  !(of.startsWith('the topic ') && who === code('events.amazonaws.com'));

/** A method that is authorised in another way than by IAM is a problem. */
const methodsOf = ({ apis = [], functions }: Assembly): { methods: MethodFacts[]; problems: string[] } => {
  const all = apis.flatMap(({ methods }) => methods);
  return {
    methods: all
      .map(({ httpMethod: method, path, functionArn }) => ({
        method,
        path,
        lambda: functions
          .filter((one) => functionArn.startsWith(`${one.arn}:`))
          .map(lambdaName)
          .join(', '),
      }))
      .sort((a, b) => byText(a.path + a.method, b.path + b.method)),
    problems: all
      .filter(({ authorization }) => authorization !== 'AWS_IAM')
      .map(
        ({ httpMethod, path }) =>
          `the API's ${httpMethod} ${path} is open to everybody, although every method is authorised by IAM`,
      ),
  };
};

/** Who is known by whom its role trusts. */
const OF_OTHERS = [
  { service: 'ssm.amazonaws.com', name: RUNBOOK },
  { service: 'scheduler.amazonaws.com', name: SCHEDULER },
];
const isTrusted = (role: AssemblyRole, service: string): boolean =>
  trust.parse(role.trustPolicy).Statement.some(({ Principal: { Service: services } }) => services.includes(service));
/** Functions that Scheduler's role may call: by their versions. */
const scheduledIn = ({ roles }: Assembly): string[] =>
  roles
    .filter((role) => isTrusted(role, 'scheduler.amazonaws.com'))
    .flatMap((role) =>
      rightsOf(role, SCHEDULER).rights.flatMap(({ action, resource }) =>
        action === 'lambda:InvokeFunction' ? [resource] : [],
      ),
    );

const knownKeys = new WeakMap<Assembly, ReadonlyMap<string, ReadonlySet<string>>>();
/** By role, the rights that it has in a template, which is read once. */
const keysOf = (assembly: Assembly): ReadonlyMap<string, ReadonlySet<string>> => {
  const keys =
    knownKeys.get(assembly) ??
    new Map(assembly.roles.map((role) => [role.logicalId, new Set(rightsOf(role, role.logicalId).rights.map(keyOf))]));
  knownKeys.set(assembly, keys);
  return keys;
};

/** Throws an Error with every problem, one a line. */
export const factsOf = (template: Template): Facts => {
  const { assembly, without, keyArn, kept, logGroups, reasons, stackName, types } = template;
  const { functions, stateMachines, rules } = assembly;
  const named = readersNames(
    assembly,
    new Map([
      ...[...logGroups].map(([lambda, group]) => [group, `LOG-GROUP-OF-${lambda}`] as const),
      [keyArn.split('/').at(-1) ?? '', 'KEY'],
      [stackName, 'STACK'],
      ...kept,
    ]),
  );
  const keysWithout = SWITCHES.map((out) => ({ out, keys: keysOf(without[out].assembly) }));
  const needsOf = (isThere: (keys: ReadonlyMap<string, ReadonlySet<string>>) => boolean): Needs =>
    keysWithout.find(({ keys }) => !isThere(keys))?.out;
  const { methods, problems: openMethods } = methodsOf(assembly);
  const policies = resourcePoliciesOf(template);
  const problems: string[] = [
    ...unshownTypes(types),
    ...openMethods,
    ...policies.filter(isOpen).map(({ of, who, action }) => `${of} lets ${who} do ${action} without a condition`),
  ];
  const machines = stateMachines.map((machine) => ({
    machine,
    name: machineName(machine),
    ...callsOf(machine, machineName(machine)),
  }));
  problems.push(...machines.flatMap((one) => one.problems));
  const scheduled = scheduledIn(assembly);
  const isCalled = ({ arn }: { arn: string }, called: string): boolean =>
    called === arn || called.startsWith(`${arn}:`);
  const callersOf = (one: Assembly['functions'][number]): Caller[] =>
    [
      ...machines
        .map(({ name, calls }) => ({
          by: name,
          states: calls
            .filter(({ functionArn }) => isCalled(one, functionArn))
            .map(({ state }) => state)
            .sort(byText),
        }))
        .filter(({ states }) => states.length > 0),
      ...rules
        .filter(({ targets }) => targets.some(({ arn }) => isCalled(one, arn)))
        .map(({ logicalId, everySeconds }) => ({
          by: `the rule ${withoutHash(logicalId)}${everySeconds === undefined ? '' : `, every ${everySeconds === 60 ? 'minute' : `${everySeconds / 60} minutes`}`}`,
          states: [],
        })),
      ...(scheduled.some((arn) => isCalled(one, arn)) ? [{ by: SCHEDULER, states: [] }] : []),
      ...((one.permissions ?? []).some(({ service }) => service === 'apigateway.amazonaws.com')
        ? [{ by: 'API Gateway', states: [] }]
        : []),
    ].sort((a, b) => byText(a.by, b.by));

  const roleFacts = (role: AssemblyRole): RoleFacts[] => {
    const describe = (
      name: string,
      all: readonly Reason[],
      more: Pick<RoleFacts, 'isLambda' | 'calledBy'>,
    ): RoleFacts[] => {
      const { rights, problems: wrong } = rightsOf(role, name);
      const readable = ({ action, resource, condition }: Right): Right => ({
        action,
        resource: named(resource),
        condition: named(condition),
      });
      problems.push(
        ...wrong,
        ...unmatched(rights, all, name).map(named),
        ...brokenClaims(rights.map(readable), { name, isLambda: more.isLambda }),
      );
      if (role.permissionsBoundary?.arn.endsWith(`:${SAMPLE_BOUNDARY}`) !== true)
        problems.push(`${name} does not have the permissions boundary that the deployment names`);
      const explained = rights.map((right) => ({
        ...readable(right),
        whys: [...new Set(all.filter((reason) => keyOf(reason) === keyOf(right)).map(({ why }) => why))],
        needs: needsOf((keys) => keys.get(role.logicalId)?.has(keyOf(right)) === true),
      }));
      return [
        {
          name,
          ...more,
          rights: explained,
          trustedBy: named(trustText(role)),
          needs: needsOf((keys) => keys.has(role.logicalId)),
        },
      ];
    };
    const lambda = functions.find(({ roleArn }) => roleArn === role.arn);
    if (lambda !== undefined) {
      const name = lambdaName(lambda);
      const logs = `arn:aws:logs:${SAMPLE.region}:${SAMPLE.account}:log-group:${logGroups.get(name) ?? ''}:*`;
      const common = reasonsBy(OF_EVERY_LAMBDA, (action) => [action.startsWith('logs:') ? logs : '*']);
      return describe(name, [...(reasons.get(name) ?? []), ...common], { isLambda: true, calledBy: callersOf(lambda) });
    }
    const machine = machines.find((one) => one.machine.roleArn === role.arn);
    if (machine !== undefined) {
      const called = functions.filter((one) => machine.calls.some(({ functionArn }) => isCalled(one, functionArn)));
      const functionArns = called.flatMap(({ arn, versionArns }) => [`${arn}:*`, ...versionArns]);
      const own = reasonsBy(OF_STATE_MACHINES, (action) => (action === 'lambda:InvokeFunction' ? functionArns : ['*']));
      return describe(`state machine ${machine.name}`, [...(reasons.get(machine.name) ?? []), ...own], {
        isLambda: false,
        calledBy: [],
      });
    }
    const targets = rules.flatMap((rule) =>
      rule.targets
        .filter(({ roleArn }) => roleArn === role.arn)
        .map(({ arn }) => ({ arn, rule: withoutHash(rule.logicalId) })),
    );
    if (targets.length > 0) {
      const ruleNames = [...new Set(targets.map(({ rule }) => rule))].sort(byText);
      const own = reasonsBy(OF_EVENT_RULES, () => targets.map(({ arn }) => arn));
      return describe(`EventBridge, for the rule ${ruleNames.join(', ')}`, own, { isLambda: false, calledBy: [] });
    }
    const others = OF_OTHERS.find(({ service }) => isTrusted(role, service));
    if (others) return describe(others.name, reasons.get(others.name) ?? [], { isLambda: false, calledBy: [] });
    problems.push(`the role ${role.logicalId} is used by no Lambda, state machine, rule or runbook: who is it for?`);
    return [];
  };

  const roles = assembly.roles.flatMap(roleFacts).sort((a, b) => byText(a.name, b.name));
  if (problems.length > 0)
    throw new Error(
      `docs/permissions.md can't be made of this template:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );

  const rolesIn = (output: string): string[] => {
    const arns = (assembly.outputs[output] ?? '').split(',');
    return functions
      .filter(({ roleArn }) => arns.includes(roleArn))
      .map(lambdaName)
      .sort(byText);
  };
  return {
    roles,
    resourcePolicies: policies
      .map((one) => ({ ...one, who: named(one.who), condition: named(one.condition) }))
      .sort((a, b) => byText(JSON.stringify(a), JSON.stringify(b))),
    methods,
    subscribed: [
      ...new Set((assembly.topics ?? []).flatMap(({ subscriptions }) => subscriptions.map(({ protocol }) => protocol))),
    ].sort(byText),
    kubernetes: rolesIn('KubernetesRoleArns'),
    restart: rolesIn('KubernetesRestartRoleArns'),
    annotate: rolesIn('KubernetesAnnotateRoleArns'),
  };
};
