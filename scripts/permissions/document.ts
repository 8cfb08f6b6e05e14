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
        kubernetes.includes(lambda.name) ? 'by its access entry' : '–',
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
  '<!-- Made by npm run permissions (scripts/permissions.ts) from the synthesised template: do not edit it by hand. A test fails while it is stale. -->',
  `Every right that is deployed, of every role, with the reason for it. The rights are those of the CloudFormation template, with everything switched on; the reasons are those that the code gives each grant (\`lib/permissions\`). Neither is written without the other: a right without a reason, or a reason without its right, keeps this document from being made.

How to read it: \`ACCOUNT\` and \`REGION\` are those of the deployment, \`aws\` stands for its partition, and \`STACK\`, \`TABLE\`, \`BUCKET\`, \`DEAD-LETTERS\`, \`MigrateAddon\`, \`Recover\`, \`Retire\`, \`Sweep\` and \`ROLE-OF-…\` for its name and those that CloudFormation generates. A migration's target names its own region and cluster, so rights in EKS are on any of this account's.
What is deployed goes by the settings of [configuration.md](configuration.md); what needs two of them is shown with one. \`passableRoleArns\` and \`repairableRoleArns\` are the roles that the deployment names; without the second, whatever is on them is not deployed. \`deploy.api\`, \`deploy.denialRule\` and \`deploy.runbook\` are on unless they are switched off. \`KEY\` is the key that \`customerKey\` makes, or names; without it there is no right on a key. With \`subnetIds\` and \`securityGroupIds\` the Lambdas that call API servers are in a VPC. The access level is that of AWS's [Service Authorization Reference](https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html); what changes something is **bold**, and stands first.`,
];

const overviewSections = (lambdas: readonly RoleFacts[], { kubernetes }: Facts): string[] => [
  '## Overview',
  'Each step is a Lambda with a role of its own.',
  overview(lambdas, kubernetes),
  '## Everything that changes something',
  "Outside of the service itself. Beside this, the Lambdas write items of the ledger, objects of the bucket of sweeps, their own logs and traces; state machines call their Lambdas, and have what Step Functions needs for logs and traces ([exceptions](#rights-on-every-resource)); the [SSM runbook](#ssm-runbook) starts and stops migrations, and [EventBridge Scheduler](#eventbridge-scheduler) starts sweeps; the customer's key opens and seals what they keep; and Lambda makes the network interfaces of those that are in a VPC.",
  changesTable(lambdas),
];

const prohibitionSections = (roles: readonly RoleFacts[]): string[] => {
  const services = unique(roles.flatMap(({ rights }) => rights.map(({ action }) => serviceName(action))));
  return [
    '## What nobody may do',
    `Each sentence was held against every right here when this file was made. All rights are in ${list(services)}. No right has a wildcard in its action, and none is a \`NotAction\` or \`NotResource\`; no role has a managed policy of anybody else's (a right that many patterns or accounts make larger than 1,536 characters is in a managed policy of the stack's own, which the roles with that right share), and each has the permissions boundary, where the deployment names one (\`permissionsBoundaryArn\`). Every right on \`*\` has its name and its reason [below](#rights-on-every-resource).`,
    `Nobody may\n\n${CLAIMS.map(({ says }) => `- ${says};`)
      .join('\n')
      .replace(/;$/, '.')}`,
    '## Rights on every resource',
    "The exceptions, with AWS's reason for each; no other action may have `*` alone as its resource.",
    exceptionsTable(roles),
  ];
};

const clusterSection = ({ kubernetes, restart, annotate }: Facts): string[] => [
  '## In the cluster',
  `What a role may do inside a cluster is not in the template: an access entry says it, which somebody makes in each cluster ([README](../README.md) has the rights that it needs), and which nothing here can make or change. The roles that need one are those of ${linked(kubernetes)}. What is for all of them reads; restarts of workloads are for ${linked(restart)} alone, and annotations of service accounts for ${linked(annotate)} alone, each by a Kubernetes group of its own ([kubernetes-access.md](kubernetes-access.md)).`,
];

const lambdaSections = (lambdas: readonly RoleFacts[]): string[] => {
  const shared = sharedOf(lambdas);
  return [
    '## Lambda by Lambda',
    '### Every Lambda',
    `Beside its own rights, each may do this. \`ITS-NAME\` and \`ITS-LOG-GROUP\` are the Lambda's own. Who may become its role: ${unique(lambdas.map(({ trustedBy }) => trustedBy)).join('; ')}.`,
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
  `Deployed: with \`deploy.api\`. Each method wants a signed request, and IAM decides by \`execute-api:Invoke\` on \`arn:aws:execute-api:REGION:ACCOUNT:API/v1/METHOD/PATH\` who may call it ([api.md](api.md) has policies for readers, requesters, approvers and operators). The stack gives that right to nobody, and the API has no policy of its own that would let another account in. API Gateway calls the Lambda by the Lambda's [policy](#policies-of-resources), one method each, and writes the access log, where there is one (\`deploy.apiAccessLog\`), by a role of the account's that is no part of the stack.`,
  table(
    ['method', 'path', 'answered by'],
    methods.map(({ method, path, lambda }) => [method, code(path), linked([lambda])]),
  ),
];

const otherSections = (others: readonly RoleFacts[]): string[] => [
  '## State machines, EventBridge and the runbook',
  ...others.flatMap((role) => [
    `### ${role.name.replace(/^./, (first) => first.toUpperCase())}`,
    `Who may become its role: ${role.trustedBy}. Deployed: ${deployed(role)}.`,
    table(RIGHTS_HEAD, rowsOf(role.rights, role.needs)),
  ]),
];

const resourcePoliciesSection = ({ resourcePolicies, subscribed }: Facts): string[] => [
  '## Policies of resources',
  "Whom a resource lets in, or keeps out, beside what the roles may do. The customer's key has this policy where it is made here; `:root` stands for the account, which leaves it to IAM whom of its principals that is for. EventBridge calls Lambdas, and publishes to the topic, by these policies, and needs no role for it.",
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
  `What is published to the topic goes to what the deployment has subscribed, by ${list(subscribed.map(code))}: each of \`notifications.emails\`, once its owner has confirmed it.`,
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
