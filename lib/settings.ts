/**
 * The settings of a deployment: one schema for the configuration file and for the keys of the CDK context that override
 * it. The type `Config`, docs/configuration.md, its JSON Schema and the constructs' properties are derived from it.
 */
import { Aws } from 'aws-cdk-lib';
import { z } from 'zod';
import { approverRule } from '../lambdas/domain/approval/approval.ts';
import { changeWindow } from '../lambdas/domain/terms/change-window.ts';
import { accountId, plainText, regionName } from '../lambdas/domain/text/names.ts';
import { EVENT_TYPES } from '../lambdas/domain/events/outbox-events.ts';
import { ROLLBACK_CLAIM_DAYS } from '../lambdas/domain/settings/deployment.ts';
import { sweepRequest } from '../lambdas/domain/sweep/request.ts';
import { clusterPattern, serviceAccountPattern } from './grant-pattern.ts';
import { roleArnPattern } from './role-pattern.ts';
import { reservedConcurrency, retirement, waiting } from './settings-limits.ts';

/** On the command line, text with commas between is such a list: see `config.ts`. */
const list = <Item extends z.ZodType>(item: Item, missing: string) =>
  z
    .array(item, {
      error: ({ input }) =>
        input === undefined ? missing : 'must be a list, or text with commas between on the command line',
    })
    .min(1, missing);

const areDistinct = (items: readonly unknown[]): boolean => new Set(items).size === items.length;
/** Messages do not repeat values, because a value may be a secret in the wrong field. */
const TWICE = 'names one more than once';

const PASSABLE =
  "must name the roles that the service may hand to EKS and to pods, by ARN or by path: -c 'passableRoleArns=role/eks-addons/*'";
const REPAIRABLE =
  "must name the roles whose trust policy the service may change, by ARN or by path: -c 'repairableRoleArns=role/eks-addons/*'; left out, it may change none";

const PRIVATE = 'for clusters whose API server has a private endpoint only';
const OR_NEITHER = 'Leave out both subnetIds and securityGroupIds for Lambdas in no VPC';
const SUBNETS = `must name the subnets, all of one VPC, in which the Lambdas run that call API servers, ${PRIVATE}: -c 'subnetIds=subnet-0123456789abcdef0,subnet-0fedcba9876543210'. ${OR_NEITHER}`;
const SECURITY_GROUPS = `must name the security groups of the Lambdas that call API servers, ${PRIVATE}: -c 'securityGroupIds=sg-0123456789abcdef0'. ${OR_NEITHER}`;
/** Lambda's maximum. Source: Lambda API Reference, VpcConfig. */
const [MOST_SUBNETS, MOST_SECURITY_GROUPS] = [16, 5];

/** Each once. Source of their form: Amazon Inspector API Reference, LambdaVpcConfig. */
const ec2Ids = (prefix: 'subnet' | 'sg', most: number, missing: string) =>
  list(
    z
      .string()
      .regex(new RegExp(`^${prefix}-([0-9a-z]{8}|[0-9a-z]{17})$`), `must be an ID such as ${prefix}-0123456789abcdef0`),
    missing,
  )
    .refine((ids) => ids.length <= most, {
      error: ({ input }) =>
        `has ${Array.isArray(input) ? input.length : 'too many'} IDs, and Lambda takes at most ${most}`,
    })
    .refine(areDistinct, TWICE);

/**
 * A managed policy by its ARN, or by its end alone from `policy/` on, of this account: one policy, without wildcards.
 */
const boundaryArn = z
  .string()
  .regex(
    /^(arn:aws(-[a-z]+)*:iam::(\d{12}|aws):)?policy(\/[\w+=,.@-]+)+$/,
    'must be the ARN of a managed policy such as arn:aws:iam::111122223333:policy/boundary, or policy/boundary for one of this account',
  )
  .refine(
    (arn) => arn.split('/').every((part) => part !== '.' && part !== '..'),
    'has a part . or .. between its slashes, which IAM does not resolve',
  )
  .transform((arn) => (arn.startsWith('policy/') ? `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:${arn}` : arn));

const KEY =
  'must be true, or the ARN of a key such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
/** `true`, or the ARN of a key that is there; an alias may be pointed elsewhere, so it is none. */
const customerKey = z
  .union([z.boolean(), z.string().regex(/^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, KEY)], KEY)
  .transform((value): 'create' | { arn: string } | undefined => {
    if (typeof value === 'string') return { arn: value };
    return value ? 'create' : undefined;
  })
  .optional();

const TOPIC =
  'must be the ARN of a standard topic of SNS, in the region of the stack, such as arn:aws:sns:eu-west-1:111122223333:alarms';
/** Of a standard topic: the name of a FIFO one ends in `.fifo`. */
const topicArn = z.string(TOPIC).regex(/^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/, TOPIC);

const yesNo = (standard: boolean) => z.boolean('must be true or false').default(standard);

/** The events that a notification can be about. */
export const NOTIFIED_EVENTS = EVENT_TYPES;

const ACCOUNT =
  'must be an AWS account id (12 digits), in quotes: without them YAML takes it for a number, and a zero at its beginning is lost';

/** RFC 5321 allows no longer address. */
const MOST_EMAIL = 254;
const EMAIL = 'must be an e-mail address such as platform-team@example.com';

const HOURS = 'must be a whole number of hours from 1 to 720';
const CLAIM_DAYS = 'must be a whole number of days from 0 to 3650';

const SCHEDULE = 'must be a schedule of EventBridge Scheduler, such as cron(0 6 ? * MON *) or rate(7 days)';
const SCHEDULE_NAME = 'must be a name of at most 64 letters, digits, - and _';
/** Whether the times are right, Scheduler says at the deployment. */
const scheduled = z.strictObject({
  name: z
    .string(SCHEDULE_NAME)
    .regex(/^[\w-]{1,64}$/, SCHEDULE_NAME)
    .describe('The unique name of the schedule.'),
  schedule: z
    .string(SCHEDULE)
    .regex(/^(rate\([1-9]\d{0,4} (minute|hour|day)s?\)|cron\([\w*?,/#-]+( [\w*?,/#-]+){5}\))$/, SCHEDULE)
    .describe(
      'When the sweep is started: `cron(minutes hours day-of-month month day-of-week year)` or `rate(value unit)`, in the syntax of EventBridge Scheduler.',
    ),
  timeZone: changeWindow.shape.timeZone
    .default('UTC')
    .describe('Time zone of the schedule, by its name in the IANA database.'),
  request: sweepRequest
    .omit({ requestedBy: true })
    .extend({ reason: plainText(900).optional() })
    .describe('The request of the sweep: see docs/sweeps.md.'),
});

/** The number of patterns of 160 characters that fit into the policies of a role (docs/scale.md). */
const MOST_PATTERNS = 100;
const patterns = (missing: string) =>
  list(roleArnPattern, missing).max(
    MOST_PATTERNS,
    `must have at most ${MOST_PATTERNS} patterns: cover several roles by one with a wildcard, such as role/eks-addons/*`,
  );

const MOST_GRANTS = 100;
const MOST_IN_GRANT = 50;
const GRANTS =
  'must be a list of entries with roles, clusters and serviceAccounts, such as { roles: [role/eks-addons/dns], clusters: [cluster/prod], serviceAccounts: [external-dns/external-dns] }';
const inGrant = <Item extends z.ZodType>(item: Item, missing: string) =>
  list(item, missing).max(MOST_IN_GRANT, `must have at most ${MOST_IN_GRANT} patterns`);
const roleGrant = z.strictObject({
  roles: inGrant(roleArnPattern, 'must name roles, by ARN or path').describe(
    'Roles, by ARN or path, with wildcards, such as `role/eks-addons/dns`.',
  ),
  clusters: inGrant(clusterPattern, 'must name clusters, by ARN or name').describe(
    'Clusters, by ARN, or by name as `cluster/NAME` for clusters in every account and region, with wildcards.',
  ),
  serviceAccounts: inGrant(serviceAccountPattern, 'must name service accounts, as namespace/name').describe(
    'Service accounts, as `namespace/name`, with wildcards; the namespace is never only a wildcard.',
  ),
});

/** The configuration file. Groups that are left out have their defaults. */
export const settings = z.strictObject({
  $schema: z
    .string()
    .max(2048)
    .optional()
    .describe('The JSON Schema of this file, for editors: `docs/configuration.schema.json`.'),
  passableRoleArns: patterns(PASSABLE).describe(
    'The roles that add-ons have and will get, by ARN or path, with wildcards, such as `role/eks-addons/*`. No other role can be given to an add-on, or to pods. At most 100 patterns.',
  ),
  repairableRoleArns: patterns(REPAIRABLE)
    .optional()
    .describe(
      'The roles whose trust policy the service may change, by ARN or path: for `trust: repair` and `retire`. If omitted, it may change none, and nothing that could is deployed. At most 100 patterns.',
    ),
  roleGrants: z
    .array(roleGrant, GRANTS)
    .max(MOST_GRANTS, `must have at most ${MOST_GRANTS} entries: cover several by one with wildcards`)
    .default([])
    .describe(
      'Which roles may be given to which service accounts although neither a trust policy nor an association is evidence for it: for new roles (`roleArn`), and for trust repairs without session tags (ADR 41). Each entry gives every one of its roles to every one of its service accounts in every one of its clusters. At most 100 entries.',
    ),
  rollbackClaimDays: z
    .int(CLAIM_DAYS)
    .min(0, CLAIM_DAYS)
    .max(3650, CLAIM_DAYS)
    .default(ROLLBACK_CLAIM_DAYS)
    .describe(
      "For how many days after a migration a requested rollback gives a service account back the role of an association that the migration deleted, while the role's trust policy is unchanged: from 0 to 3650. Later it needs a trust policy that names the service account, or `roleGrants`.",
    ),
  permissionsBoundaryArn: boundaryArn
    .optional()
    .describe(
      'A managed policy that limits every role of the service, by its ARN, or `policy/NAME` for a policy of this account.',
    ),
  customerKey: customerKey.describe(
    "`true` to create a KMS key with the stack for all stored data, or the ARN of an existing key. If omitted, AWS's own keys are used.",
  ),
  network: z
    .strictObject({
      subnetIds: ec2Ids('subnet', MOST_SUBNETS, SUBNETS).describe('Their subnets, all of one VPC.'),
      securityGroupIds: ec2Ids('sg', MOST_SECURITY_GROUPS, SECURITY_GROUPS).describe('Their security groups.'),
    })
    .optional()
    .describe(`The VPC of the Lambdas that call API servers, ${PRIVATE}. If omitted, they are in no VPC.`),
  logLevel: z
    .enum(['DEBUG', 'INFO', 'WARN', 'ERROR'])
    .default('INFO')
    .describe('Level from which the Lambdas write log lines.'),
  alarmTopicArn: topicArn
    .optional()
    .describe(
      'A standard SNS topic, in the region of the stack, to which every alarm is sent. If omitted, alarms are visible in CloudWatch only.',
    ),
  deploy: z
    .strictObject({
      api: yesNo(true).describe('The HTTP API.'),
      apiAccessLog: yesNo(false).describe(
        "The HTTP API's access log. It needs the account's CloudWatch role of API Gateway (docs/api.md); without that role a deployment with it fails.",
      ),
      runbook: yesNo(true).describe('The Systems Manager Automation document (docs/runbook.md).'),
      denialRule: yesNo(true).describe("The rule for CloudTrail's events of denied UpdateAddon calls."),
    })
    .prefault({})
    .describe('What is deployed in addition to the state machines.'),
  accounts: z
    .array(accountId.clone({ ...accountId.def, error: () => ACCOUNT }), 'must be a list of AWS account ids')
    .max(100, 'must have at most 100 accounts')
    .refine(areDistinct, TWICE)
    .default([])
    .describe(
      "Other accounts whose clusters the service works on, and whose denied calls it accepts, by their 12 digits, in quotes; all others are refused. Each needs the stack PodIdentityMigratorSpoke (docs/accounts.md). The stack's own account is always included.",
    ),
  regions: z
    .array(regionName, 'must be a list of regions')
    .min(1, 'must name a region')
    .max(50, 'must have at most 50 regions')
    .refine(areDistinct, TWICE)
    .optional()
    .describe("Regions of a sweep whose request names none. If omitted, the stack's own region."),
  sweeps: z
    .array(scheduled, 'must be a list of schedules')
    .max(50, 'must have at most 50 schedules')
    .refine((all) => areDistinct(all.map(({ name }) => name)), TWICE)
    .default([])
    .describe('Sweeps that start automatically on a schedule (docs/sweeps.md).'),
  approvals: z
    .strictObject({
      required: yesNo(false).describe(
        '`true`: every migration, retirement and reinstatement needs an approval, even if its request requires none. Rollbacks need none (docs/approvals.md).',
      ),
      approver: approverRule
        .default('another-role')
        .describe(
          'Who may approve a request: `anyone` with the right to approve, including the requester; `another-session`, of the same role or not, whose name is chosen when the role is assumed; or `another-role`: another role or user, or another user of IAM Identity Center.',
        ),
      allowUnknownRequester: yesNo(false).describe(
        '`true`: a change may be approved although its requester was not authenticated, for example if an execution was started by hand or by the runbook. Only the principal that the request itself names is excluded then. `false`: unless the rule is `anyone`, nobody may approve it.',
      ),
    })
    .prefault({})
    .describe('Approvals before a change.'),
  changeWindow: changeWindow
    .optional()
    .describe(
      'When migrations and retirements may begin. A request may narrow it with its own window, and never widen it. A reinstatement needs an approval outside of it, and rollbacks do not wait for it (docs/approvals.md). If omitted, changes may begin at any time.',
    ),
  notifications: z
    .strictObject({
      topicArn: topicArn.optional().describe('An existing standard SNS topic, in the region of the stack.'),
      emails: list(
        z.email({ error: EMAIL, abort: true }).max(MOST_EMAIL, `must have at most ${MOST_EMAIL} characters`),
        EMAIL,
      )
        .max(50, 'must have at most 50 addresses')
        .refine(areDistinct, TWICE)
        .optional()
        .describe(
          'E-mail addresses: a topic is created, to which each is subscribed once its owner has confirmed it. Not together with `topicArn`.',
        ),
      events: list(z.enum(NOTIFIED_EVENTS), `must name events: ${NOTIFIED_EVENTS.join(', ')}`)
        .refine(areDistinct, TWICE)
        .default(['approval-needed', 'waiting', 'resumed', 'rolled-back', 'needs-human'])
        .describe('The events to send.'),
    })
    .refine(({ topicArn: topic, emails }) => topic === undefined || emails === undefined, {
      path: ['emails'],
      error: 'must be left out where there is a topicArn: subscribe them to that topic, or leave topicArn out',
    })
    .prefault({})
    .describe('The recipients of notifications.'),
  denials: z
    .strictObject({
      action: z
        .enum(['notify', 'ask', 'migrate'])
        .default('notify')
        .describe(
          'What follows an UpdateAddon that was denied as a cross-account pass role: `notify` plans and sends a notification; `ask` starts a migration that waits for an approval; `migrate` starts a migration.',
        ),
      quietHours: z
        .int(HOURS)
        .min(1, HOURS)
        .max(720, HOURS)
        .default(24)
        .describe('For how long further denials of the same add-on are ignored, in hours: from 1 to 720.'),
    })
    .prefault({})
    .describe('What follows a denied UpdateAddon.'),
  waiting,
  retirement,
  reservedConcurrency,
});
export type Settings = z.infer<typeof settings>;

const yesOrNo = (value: boolean): 'true' | 'false' => (value ? 'true' : 'false');

/** The settings that steps read from their environment: the value of each variable. */
export const VARIABLES = {
  POWERTOOLS_LOG_LEVEL: ({ logLevel }: Settings) => logLevel,
  APPROVAL_REQUIRED: ({ approvals }: Settings) => yesOrNo(approvals.required),
  APPROVER: ({ approvals }: Settings) => approvals.approver,
  ALLOW_UNKNOWN_REQUESTER: ({ approvals }: Settings) => yesOrNo(approvals.allowUnknownRequester),
  MOST_WAITING_PER_PRINCIPAL: ({ waiting: { perPrincipal } }: Settings) => String(perPrincipal),
  MOST_WAITING: ({ waiting: { perDeployment } }: Settings) => String(perDeployment),
  LEAST_SOAK_DAYS: ({ retirement: { leastSoakDays } }: Settings) => String(leastSoakDays),
  DENIAL_ACTION: ({ denials }: Settings) => denials.action,
  QUIET_HOURS: ({ denials }: Settings) => String(denials.quietHours),
};
