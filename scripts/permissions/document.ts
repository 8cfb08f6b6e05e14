/** Writes the facts as Markdown: the same facts result in the same bytes. */
import { accessOf, changes, EXCEPTIONS } from './actions.ts';
import { CLAIMS } from './claims.ts';
import type { Caller, ExplainedRight, Facts, Needs, PolicyFacts, RoleFacts } from './model.ts';
import { byText, code } from './names.ts';

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
const unique = (texts: readonly string[]): string[] => [...new Set(texts)].sort(byText);
const list = (texts: readonly string[]): string => (texts.length === 0 ? '–' : texts.join(', '));

const serviceOf = (action: string): string => action.split(':')[0] ?? '';
const isLedger = ({ action }: ExplainedRight): boolean => serviceOf(action) === 'dynamodb';
/**
 * Rights on the service's own resources: the ledger, the bucket of sweeps, logs, traces, the key that encrypts them,
 * and network interfaces.
 */
const isOwn = ({ action }: ExplainedRight): boolean =>
  ['dynamodb', 'ec2', 'kms', 'logs', 's3', 'xray'].includes(serviceOf(action));
const SERVICES: Readonly<Record<string, string>> = {
  dynamodb: 'DynamoDB',
  ec2: 'EC2',
  eks: 'EKS',
  events: 'EventBridge',
  iam: 'IAM',
  kms: 'KMS',
  lambda: 'Lambda',
  logs: 'CloudWatch Logs',
  s3: 'S3',
  sqs: 'SQS',
  states: 'Step Functions',
  sts: 'STS',
  xray: 'X-Ray',
};
const serviceName = (action: string): string => SERVICES[serviceOf(action)] ?? serviceOf(action);

/** Rights that make changes are bold and come first. */
const accessText = (action: string): string => (changes(action) ? `**${accessOf(action)}**` : `${accessOf(action)}`);
const rank = (action: string): string =>
  `${['Permissions management', 'Write', 'Tagging', 'List', 'Read'].indexOf(accessOf(action) ?? '')}${action}`;

const FUNCTION = /^(.*:function:)([\w-]+)(:.*)?$/;
/** Lists functions and their versions in a line each, and leaves out what a wildcard of the same row covers. */
const resourcesText = (resources: readonly string[]): string => {
  const functions = resources.map((resource) => FUNCTION.exec(resource)).filter((match) => match !== null);
  if (functions.length === 0)
    return resources
      .map((resource) =>
        resource.startsWith('each of ') ? `each of ${code(resource.slice('each of '.length))}` : code(resource),
      )
      .join('<br>');
  const names = unique(functions.map(([, , name = '']) => name));
  return `${code(`${functions[0]?.[1] ?? ''}NAME`)}, with any version, of: ${names.join(', ')}`;
};

const groupBy = <Item>(items: readonly Item[], keyOf: (item: Item) => string): [Item, ...Item[]][] =>
  [...Map.groupBy(items, keyOf).values()].filter((group): group is [Item, ...Item[]] => group.length > 0);

/**
 * Groups the resources of an action with the same reasons, and then actions that differ only in their name. Actions
 * that make changes are grouped separately.
 */
const rowsOf = (rights: readonly ExplainedRight[], roleNeeds: Needs): string[][] => {
  const sorted = [...rights].sort((a, b) => byText(rank(a.action), rank(b.action)) || byText(a.resource, b.resource));
  const actions = groupBy(sorted, ({ action, condition, whys, needs }) =>
    [action, condition, needs, ...whys].join('\n'),
  ).map((group) => {
    const [{ action, condition, whys, needs }] = group;
    const only = needs === undefined || needs === roleNeeds ? '' : ` (only with ${code(needs)})`;
    return { action, cells: [resourcesText(group.map(({ resource }) => resource)), condition, whys.join('; ') + only] };
  });
  return groupBy(actions, ({ action, cells }) => [changes(action), ...cells].join('\n')).map((group) => {
    const [{ cells }] = group;
    return [
      group.map(({ action }) => code(action)).join('<br>'),
      group.map(({ action }) => accessText(action)).join('<br>'),
      ...cells,
    ];
  });
};
const RIGHTS_HEAD = ['action', 'access', 'resource', 'condition', 'what for'];

const deployed = ({ needs }: Pick<RoleFacts, 'needs'>): string =>
  needs === undefined ? 'always' : `with ${code(needs)}`;

const policyDeployed = ({ needs, insteadOf }: PolicyFacts): string =>
  insteadOf === undefined ? deployed({ needs }) : `without ${code(insteadOf)}`;

const callers = (calledBy: readonly Caller[]): string =>
  list(calledBy.map(({ by, states }) => (states.length === 0 ? by : `${by} (${states.join(', ')})`)));
const linked = (names: readonly string[]): string =>
  unique(names)
    .map((name) => `[${name}](#${name})`)
    .join(', ');

const overview = (lambdas: readonly RoleFacts[], kubernetes: readonly string[]): string =>
  table(
    ['Lambda', 'reads', 'changes', 'API server', 'ledger', 'called by', 'deployed'],
    lambdas.map((lambda) => {
      const target = lambda.rights.filter((right) => !isOwn(right));
      const ledger = lambda.rights.filter(isLedger);
      return [
        linked([lambda.name]),
        list(unique(target.filter(({ action }) => !changes(action)).map(({ action }) => serviceName(action)))),
        list(unique(target.filter(({ action }) => changes(action)).map(({ action }) => action)).map(code)),
        kubernetes.includes(lambda.name) ? 'with its access entry' : '–',
        list([
          ...(ledger.some(({ action }) => !changes(action)) ? ['reads'] : []),
          ...(ledger.some(({ action }) => changes(action)) ? ['writes'] : []),
        ]),
        callers(lambda.calledBy),
        deployed(lambda),
      ];
    }),
  );

/** Rights that can make changes outside of the service itself, by action. */
const changesTable = (lambdas: readonly RoleFacts[]): string => {
  const rights = lambdas.flatMap((lambda) =>
    lambda.rights
      .filter((right) => changes(right.action) && !isOwn(right))
      .map((right) => ({ ...right, name: lambda.name })),
  );
  const sorted = rights.sort((a, b) =>
    byText([rank(a.action), a.resource, a.condition].join('\n'), [rank(b.action), b.resource, b.condition].join('\n')),
  );
  const groups = groupBy(sorted, ({ action, resource, condition }) => [action, resource, condition].join('\n'));
  return table(
    ['action', 'access', 'resource', 'condition', 'Lambdas'],
    groups.map((group) => [
      code(group[0].action),
      accessText(group[0].action),
      resourcesText([group[0].resource]),
      group[0].condition,
      linked(group.map(({ name }) => name)),
    ]),
  );
};

/** Returns every right on `*` with the name of its exception. */
const exceptionsTable = (roles: readonly RoleFacts[]): string => {
  const rights = roles.flatMap((role) =>
    role.rights.filter(({ resource }) => resource === '*').map(({ action }) => ({ action, role })),
  );
  return table(
    ['exception', 'actions', 'who', "AWS's reason"],
    EXCEPTIONS.flatMap(({ name, actions, reason }) => {
      const of = rights.filter(({ action }) => actions.includes(action));
      if (of.length === 0) return [];
      const [lambdas, others] = [of.filter(({ role }) => role.isLambda), of.filter(({ role }) => !role.isLambda)].map(
        (some) => unique(some.map(({ role }) => role.name)),
      );
      const all = roles.filter(({ isLambda }) => isLambda).length;
      const who = [lambdas?.length === all ? 'every Lambda' : linked(lambdas ?? []), ...(others ?? [])]
        .filter((text) => text !== '')
        .join(', ');
      return [
        [
          name,
          unique(of.map(({ action }) => action))
            .map(code)
            .join(', '),
          who,
          reason,
        ],
      ];
    }),
  );
};

/** Returns a Lambda's rights by their text, with placeholders for its own name and log group. */
const ownRights = ({ name, rights }: RoleFacts): Map<string, ExplainedRight> => {
  const ownNames = (text: string): string =>
    text.replaceAll(new RegExp(`(function:|LOG-GROUP-OF-)${name}(?![\\w-])`, 'g'), (_, before: string) =>
      before === 'function:' ? 'function:ITS-NAME' : 'ITS-LOG-GROUP',
    );
  return new Map(
    rights
      .map((right) => ({ ...right, resource: ownNames(right.resource), condition: ownNames(right.condition) }))
      .map((right) => [sameAs(right), right]),
  );
};
/** The common rights of a Lambda that is deployed only with a setting depend on that setting too. */
const sameAs = ({ action, resource, condition, whys }: ExplainedRight): string =>
  [action, resource, condition, ...whys].join('\n');

/** Returns the rights that every Lambda has with the same reasons. */
const sharedOf = (lambdas: readonly RoleFacts[]): ExplainedRight[] => {
  const [first, ...others] = lambdas.filter(({ needs }) => needs === undefined).map(ownRights);
  const rest = [...others, ...lambdas.filter(({ needs }) => needs !== undefined).map(ownRights)];
  return [...(first ?? new Map<string, ExplainedRight>())]
    .filter(([key]) => rest.every((rights) => rights.has(key)))
    .map(([, right]) => right);
};
const withoutShared = (lambda: RoleFacts, shared: readonly ExplainedRight[]): ExplainedRight[] => {
  const keys = new Set(shared.map(sameAs));
  return [...ownRights(lambda)].filter(([key]) => !keys.has(key)).map(([, right]) => right);
};

const INTRODUCTION = [
  '# What the service may do',
  '<!-- Generated by npm run permissions (scripts/permissions.ts) from the synthesized template. Do not edit. A test fails if it is stale. -->',
  `This page lists every deployed right of every role, with its reason. The rights come from the CloudFormation template with all options enabled; the reasons come from the grants in the code (\`lib/permissions\`). If a right has no reason, or a reason has no right, this page cannot be generated.

Placeholders: \`ACCOUNT\` and \`REGION\` are those of the deployment, and \`aws\` is its partition. \`STACK\`, \`TABLE\`, \`BUCKET\`, \`DEAD-LETTERS\`, \`MigrateAddon\`, \`Recover\`, \`Retire\`, \`Sweep\` and \`ROLE-OF-…\` stand for the stack's name and the names that CloudFormation generates. A migration's target names its region and cluster, so EKS rights cover all of this account's.

The settings of [configuration.md](configuration.md) determine what is deployed; what needs two of them is shown with one. \`passableRoleArns\` and \`repairableRoleArns\` are the roles that the deployment names; without the second, nothing that needs them is deployed. \`deploy.api\`, \`deploy.denialRule\` and \`deploy.runbook\` are on by default. \`KEY\` is the key that \`customerKey\` creates or names; without it there is no right on a key. With \`subnetIds\` and \`securityGroupIds\`, the Lambdas that call API servers are in a VPC. The access level comes from AWS's [Service Authorization Reference](https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html). Rights that change something are **bold**, and listed first.`,
];

const overviewSections = (lambdas: readonly RoleFacts[], { kubernetes }: Facts): string[] => [
  '## Overview',
  'Each step is a Lambda with its own role.',
  overview(lambdas, kubernetes),
  '## Everything that changes something',
  "This table covers everything outside of the service itself. In addition, the Lambdas write items of the ledger, objects of the bucket of sweeps, their own logs and traces. State machines call their Lambdas, and have the rights that Step Functions needs for logs and traces ([exceptions](#rights-on-every-resource)). The [SSM runbook](#ssm-runbook) starts and stops migrations, and [EventBridge Scheduler](#eventbridge-scheduler) starts sweeps. The customer's key encrypts and decrypts the stored data. Lambda creates the network interfaces of the functions that are in a VPC.",
  changesTable(lambdas),
];

const prohibitionSections = (roles: readonly RoleFacts[]): string[] => {
  const services = unique(roles.flatMap(({ rights }) => rights.map(({ action }) => serviceName(action))));
  return [
    '## What no role may do',
    `Each of these statements was checked against every right when this page was generated. All rights are in ${list(services)}. No right has a wildcard in its action, and none is a \`NotAction\` or \`NotResource\`. No role has a third-party managed policy (a right that many patterns or accounts make larger than 1,536 characters is in one of the stack's own managed policies, which the roles with that right share). Each role has the permissions boundary, if the deployment names one (\`permissionsBoundaryArn\`). Every right on \`*\` is listed with its reason [below](#rights-on-every-resource).`,
    `No role may\n\n${CLAIMS.map(({ says }) => `- ${says};`)
      .join('\n')
      .replace(/;$/, '.')}`,
    '## Rights on every resource',
    "These are the exceptions, with AWS's reason for each. No other action may have only `*` as its resource.",
    exceptionsTable(roles),
  ];
};

const clusterSection = ({ kubernetes, restart, annotate }: Facts): string[] => [
  '## In the cluster',
  `What a role may do inside a cluster is not in the template. It is defined by an access entry, which an administrator creates in each cluster, and which no role here can create or change. The roles of ${linked(kubernetes)} need one. All of them may read. Only ${linked(restart)} may restart workloads, and only ${linked(annotate)} may change annotations of service accounts, each through a separate Kubernetes group ([kubernetes-access.md](kubernetes-access.md)).`,
];

const lambdaSections = (lambdas: readonly RoleFacts[]): string[] => {
  const shared = sharedOf(lambdas);
  return [
    '## Lambda by Lambda',
    '### Every Lambda',
    `Each Lambda has these rights in addition to its own. \`ITS-NAME\` and \`ITS-LOG-GROUP\` are the Lambda's own. Its role can be assumed by: ${unique(lambdas.map(({ trustedBy }) => trustedBy)).join('; ')}.`,
    table(RIGHTS_HEAD, rowsOf(shared, undefined)),
    ...lambdas.flatMap((lambda) => [
      `### ${lambda.name}`,
      `Called by ${callers(lambda.calledBy)}. Deployed: ${deployed(lambda)}.`,
      table(RIGHTS_HEAD, rowsOf(withoutShared(lambda, shared), lambda.needs)),
    ]),
  ];
};

const apiSection = ({ methods }: Facts): string[] => [
  '## The HTTP API',
  `Deployed: with \`deploy.api\`. Each method requires a signed request, and IAM authorizes it with \`execute-api:Invoke\` on \`arn:aws:execute-api:REGION:ACCOUNT:API/v1/METHOD/PATH\` ([api.md](api.md) has policies for readers, requesters, approvers and operators). The stack grants that right to no principal, and the API has no resource policy that would allow another account. The Lambda's [policy](#resource-policies) allows API Gateway to call it, with one statement for each method. API Gateway writes the access log, if there is one (\`deploy.apiAccessLog\`), with a role of the account that is not part of the stack.`,
  table(
    ['method', 'path', 'answered by'],
    methods.map(({ method, path, lambda }) => [method, code(path), linked([lambda])]),
  ),
];

const otherSections = (others: readonly RoleFacts[]): string[] => [
  '## State machines, EventBridge and the runbook',
  ...others.flatMap((role) => [
    `### ${role.name.replace(/^./, (first) => first.toUpperCase())}`,
    `Its role can be assumed by: ${role.trustedBy}. Deployed: ${deployed(role)}.`,
    table(RIGHTS_HEAD, rowsOf(role.rights, role.needs)),
  ]),
];

const resourcePoliciesSection = ({ resourcePolicies, subscribed }: Facts): string[] => [
  '## Resource policies',
  "These policies allow or deny access to a resource, in addition to the rights of the roles. The customer's key has this policy if the stack creates it; `:root` stands for the account, so that IAM decides which of its principals have access. These policies allow EventBridge to call Lambdas and to publish to the topic, without a role.",
  table(
    ['resource', 'effect', 'who', 'action', 'condition', 'deployed'],
    resourcePolicies.map((policy) => [
      policy.of,
      policy.effect,
      policy.who,
      policy.action,
      policy.condition,
      policyDeployed(policy),
    ]),
  ),
  `The topic's messages go to the deployment's subscriptions, with protocol ${list(subscribed.map(code))}: each of \`notifications.emails\`, once its owner has confirmed it.`,
];

/** Returns the whole document. */
export const documentOf = (facts: Facts): string => {
  const { roles } = facts;
  const lambdas = roles.filter(({ isLambda }) => isLambda);
  const others = roles.filter(({ isLambda }) => !isLambda);
  return `${[
    ...INTRODUCTION,
    ...overviewSections(lambdas, facts),
    ...prohibitionSections(roles),
    ...clusterSection(facts),
    ...lambdaSections(lambdas),
    ...apiSection(facts),
    ...otherSections(others),
    ...resourcePoliciesSection(facts),
  ].join('\n\n')}\n`;
};
