/** What the roles of the deployed application may do, action by action, held against what calls rested on. */
import type { Assembly } from '../../sandbox/assembly/assembly.ts';
import type { Use } from '../../sandbox/authorization/authorizer.ts';
import { isSpokeRole } from '../../lambdas/domain/access/spokes.ts';
import { matchesWildcard } from '../../lambdas/domain/policy/index.ts';

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}
interface Document {
  Statement: Statement[];
}

/** One action in one statement of one policy, on all its resources or on one of them. */
export interface Grant {
  /** The step whose Lambda has it, or the name of what else has a role: a state machine, a rule. */
  holder: string;
  principalArn: string;
  policy: string;
  statement: number;
  action: string;
  resources: string[];
  /** The service that a role may be passed to; of `iam:PassRole`, of which each service is a grant by itself. */
  service?: string;
}

/**
 * What no SDK call of ours needs, by AWS's own documentation: the runtime of Lambda writes logs and traces with the
 * function's role, and Step Functions delivers its logs and traces with the machine's.
 */
const EXCEPTIONS = /^(xray:|logs:)/;
/**
 * Looked at one resource by one: who may start one state machine, or become one role, has no right by that to the
 * other; and of the resources that a create with tags may be asked about, each is needed by one of AWS's ways.
 */
const ONE_BY_ONE = /^(states:(Start|Stop|Send)|sts:|eks:TagResource$)/;

const listOf = (value: string | string[]): string[] => (Array.isArray(value) ? value : [value]);

/** ARN of the role of the SSM runbook: the one that Systems Manager may become. */
export const runbookRoleOf = ({ roles }: Pick<Assembly, 'roles'>): string =>
  roles.find(({ trustPolicy }) => JSON.stringify(trustPolicy).includes('"ssm.amazonaws.com"'))!.arn;

/**
 * What a distributed Map needs in AWS, and the sandbox's does not: results are written in parts that are put together,
 * and its executions are followed, stopped and redriven. Source: Step Functions Developer Guide, "IAM policies for
 * using Distributed Map states".
 */
const isOfDistributedMap = ({ holder, action, resources }: Pick<Grant, 'holder' | 'action' | 'resources'>): boolean =>
  /^state machine \S+-Sweep/.test(holder) &&
  (/^(states:(Describe|Stop|Redrive)Execution|s3:(ListMultipartUploadParts|AbortMultipartUpload))$/.test(action) ||
    (action === 's3:GetObject' && resources.every((resource) => resource.endsWith('/map/*'))));

type Deployed = Pick<Assembly, 'functions' | 'stateMachines' | 'rules' | 'roles' | 'schedules'>;

/** By role, who has it. */
const holdersOf = ({ functions, stateMachines, rules, roles, schedules = [] }: Deployed): Map<string, string> =>
  new Map([
    [runbookRoleOf({ roles }), 'runbook'],
    ...roles
      .filter(({ arn }) => isSpokeRole(arn))
      .map(({ arn }) => [arn, `spoke ${arn.split(':role/pod-identity-migrator-')[1]}`] as const),
    ...rules.flatMap(({ name, targets }) =>
      targets.flatMap(({ roleArn }) => (roleArn === undefined ? [] : [[roleArn, `rule ${name}`] as const])),
    ),
    ...schedules.map(({ target: { roleArn } }) => [roleArn, 'EventBridge Scheduler'] as const),
    ...stateMachines.map(({ name, roleArn }) => [roleArn, `state machine ${name}`] as const),
    ...functions.map(({ handler, roleArn }) => [roleArn, handler.replace('.handler', '')] as const),
  ]);

const documentOf = (document: object): Document => document as Document;

const PASSED_TO = 'iam:PassedToService';
const servicesIn = (condition: Statement['Condition']): Pick<Grant, 'service'>[] => {
  const services = condition?.['StringEquals']?.[PASSED_TO];
  return services === undefined ? [{}] : listOf(services).map((service) => ({ service }));
};

/** Every action of every role of the application, the exceptions left out. */
export const grantsOf = (assembly: Deployed): Grant[] => {
  const holders = holdersOf(assembly);
  return assembly.roles.flatMap(({ arn, policies }) =>
    policies.flatMap(({ name, document }) =>
      documentOf(document).Statement.flatMap(({ Effect, Action, Resource, Condition }, statement) =>
        (Effect === 'Allow' ? listOf(Action) : []).flatMap((action) => {
          const resources = ONE_BY_ONE.test(action)
            ? listOf(Resource).map((resource) => [resource])
            : [listOf(Resource)];
          return resources
            .flatMap((each) =>
              servicesIn(Condition).map((service) => ({
                holder: holders.get(arn) ?? arn,
                principalArn: arn,
                policy: name,
                statement,
                action,
                resources: each,
                ...service,
              })),
            )
            .filter((grant) => !EXCEPTIONS.test(action) && !isOfDistributedMap(grant));
        }),
      ),
    ),
  );
};

export const nameOf = ({ holder, action }: Pick<Grant, 'holder' | 'action'>): string => `${holder} ${action}`;

/** The same, with what distinguishes it from others of that action. */
export const titleOf = (grant: Grant): string =>
  [
    nameOf(grant),
    ...(ONE_BY_ONE.test(grant.action) ? [`on ${grant.resources.join(', ')}`] : []),
    ...(grant.service === undefined ? [] : [`to ${grant.service}`]),
  ].join(' ');

/** Whether a call has rested on it. */
export const isUsed = ({ principalArn, action, resources, service }: Grant, uses: readonly Use[]): boolean =>
  uses.some(
    (use) =>
      use.principalArn === principalArn &&
      use.action === action &&
      resources.some((pattern) => matchesWildcard(pattern, use.resource)) &&
      (service === undefined || service === use.passedTo),
  );

/** No service has it: a policy needs a statement, and a statement an action. */
const NOTHING = 'none:Nothing';

const exceptService = (statement: Statement, service: string): Statement => ({
  ...statement,
  Condition: {
    ...statement.Condition,
    StringEquals: {
      ...statement.Condition?.['StringEquals'],
      [PASSED_TO]: listOf(statement.Condition?.['StringEquals']?.[PASSED_TO] ?? []).filter((one) => one !== service),
    },
  },
});

/** That policy's text without that action on those resources, or to that service. */
export const without = (
  document: object,
  { statement: index, action, resources, service }: Pick<Grant, 'statement' | 'action' | 'resources' | 'service'>,
): string =>
  JSON.stringify({
    ...document,
    Statement: documentOf(document).Statement.flatMap((statement, at) => {
      if (at !== index) return [statement];
      const left = listOf(statement.Action).filter((one) => one !== action);
      const others = listOf(statement.Resource).filter((one) => !resources.includes(one));
      return [
        { ...statement, Action: left.length === 0 ? NOTHING : left },
        ...(others.length === 0 ? [] : [{ ...statement, Action: action, Resource: others }]),
        ...(service === undefined
          ? []
          : [exceptService({ ...statement, Action: action, Resource: resources }, service)]),
      ];
    }),
  });
