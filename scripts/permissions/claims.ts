/**
 * What no role of the service may do. Each statement is checked against every right in the template before it is
 * written.
 */
import { MIGRATION_TAG } from '../../lambdas/domain/migration/service-account.ts';
import { exceptionOf } from './actions.ts';
import { RUNBOOK, SCHEDULER } from './names.ts';
import type { Right } from './rights.ts';

interface Claimant {
  readonly name: string;
  readonly isLambda: boolean;
}

interface Claim {
  /** Goes on from "Nobody may". */
  readonly says: string;
  readonly isBroken: (right: Right, who: Claimant) => boolean;
}

const TRUST_WRITERS = ['repair-trust', 'retire-trust'];
/** Conditions are combined with AND, so one that limits the service is enough. */
const PASSED_TO_EKS =
  /(^|, and )`iam:PassedToService` StringEquals `(pods\.)?eks\.amazonaws\.com`( or `(pods\.)?eks\.amazonaws\.com`)?($|, and )/;
const EKS_CHANGES = [
  'CreateAddon',
  'UpdateAddon',
  'DeleteAddon',
  'CreatePodIdentityAssociation',
  'UpdatePodIdentityAssociation',
  'DeletePodIdentityAssociation',
].map((name) => `eks:${name}`);
/**
 * Tagging of add-ons and associations, including every resource on which AWS may require it for a create with tags (ADR
 * 31).
 */
const TAGGED =
  /^arn:aws:eks:\*:ACCOUNT:(addon\/\*\/\*\/\*|podidentityassociation\/\*\/\*|\/create(addon|podidentityassociation))$/;
const CREATES_WITH_TAGS = ['create-addon', 'restore-addon', 'restore-associations'];
const ASSOCIATES = 'create-association';
const OUR_TAG = `\`aws:TagKeys\` ForAllValues:StringEquals \`${MIGRATION_TAG}\``;
const isTagOfCluster = ({ action, resource }: Right): boolean =>
  action === 'eks:TagResource' && resource === 'arn:aws:eks:*:ACCOUNT:cluster/*';
const NOT_BY_CODE = '`lambda:SourceFunctionArn` Null `true`';
const RUNS_MIGRATIONS = new Set([
  'states:StartExecution stateMachine:MigrateAddon',
  'states:StopExecution execution:MigrateAddon:*',
]);
const RECOVERS = new Set(['states:StartExecution stateMachine:Recover']);
const [API, FINDER, DENIALS, DISPATCHER, STARTER, SWEEP] = [
  'api',
  'find-stranded',
  'diagnose-denial',
  'dispatch-sweep',
  'start-sweep',
  'state machine Sweep',
];
/** What was requested through the API. */
const RETIRES = 'states:StartExecution stateMachine:Retire';
const ASKED_FOR = new Set([
  'states:StartExecution stateMachine:MigrateAddon',
  'states:StartExecution stateMachine:Recover',
  'states:SendTaskSuccess stateMachine:MigrateAddon',
  'states:SendTaskFailure stateMachine:MigrateAddon',
  'states:StartExecution stateMachine:Sweep',
  RETIRES,
]);
/** Ends waits that have become pointless with a failure; completing such a wait would be an approval. */
const ENDS_WAITS = new Set([...RECOVERS, 'states:SendTaskFailure stateMachine:MigrateAddon', RETIRES]);
const STARTS = new Set(['states:StartExecution stateMachine:MigrateAddon']);
const STARTS_SWEEPS = new Set(['states:StartExecution stateMachine:Sweep']);
const DISPATCHES = new Set([...STARTS, ...STARTS_SWEEPS]);
/** Redrives its own child executions for locations. */
const LOOKS = new Set([
  ...STARTS_SWEEPS,
  'states:StopExecution execution:Sweep:*',
  'states:RedriveExecution execution:Sweep/locations:*',
]);
const MACHINES_OF: Readonly<Record<string, ReadonlySet<string>>> = {
  [RUNBOOK]: RUNS_MIGRATIONS,
  [API]: ASKED_FOR,
  [FINDER]: ENDS_WAITS,
  [DENIALS]: STARTS,
  [DISPATCHER]: DISPATCHES,
  [STARTER]: STARTS_SWEEPS,
  [SWEEP]: LOOKS,
};
/** The source of the events identifies the service that puts them. */
const OWN_EVENTS =
  '`events:source` ForAllValues:StringEquals `pod-identity-migrator`, and `events:source` Null `false`';
/** Item by item, and only in the partitions of sweeps. */
const IN_SWEEPS = '`dynamodb:LeadingKeys` ForAllValues:StringLike `SWEEP#*`, and `dynamodb:LeadingKeys` Null `false`';
/** The same for the shared pace, which one of them writes: it contains no migration. */
const IN_PACE = IN_SWEEPS.replace('SWEEP#*', 'PACE#*');
const WRITES_ITEMS = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'];
const INVENTORY = 'take-inventory';
const OF_SWEEPS: readonly string[] = [STARTER, 'begin-sweep', INVENTORY, DISPATCHER, 'report-sweep'];
const IN_BUCKET = /^arn:aws:s3:::BUCKET(\/sweeps\/[\w*./-]+)?$/;
const USES_BUCKET = ['begin-sweep', 'take-inventory', 'report-sweep', SWEEP];
const OBJECTS = [
  's3:GetObject',
  's3:PutObject',
  's3:ListBucket',
  's3:ListMultipartUploadParts',
  's3:AbortMultipartUpload',
];
const ITEMS = ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem'];

/** Roles of the separate stack in each of these accounts. */
const SPOKE_ROLE = /^arn:aws:iam::\*:role\/pod-identity-migrator-[a-z-]+$/;
const IN_ACCOUNTS = '`aws:ResourceAccount` StringEquals `each-of-accounts`';

/** Rights with readable names: `TABLE`, `each of passableRoleArns`. */
export const CLAIMS: readonly Claim[] = [
  {
    says: 'change an IAM role, user, group or policy in any other way than by `iam:UpdateAssumeRolePolicy`, create one or delete one',
    isBroken: ({ action }) =>
      /^iam:(?!Get|List|Simulate)/.test(action) && !['iam:PassRole', 'iam:UpdateAssumeRolePolicy'].includes(action),
  },
  {
    says: `change a trust policy, but for ${TRUST_WRITERS.map((name) => `\`${name}\``).join(' and ')} on each of \`repairableRoleArns\``,
    isBroken: ({ action, resource }, { name }) =>
      action === 'iam:UpdateAssumeRolePolicy' &&
      !(TRUST_WRITERS.includes(name) && resource === 'each of repairableRoleArns'),
  },
  {
    says: 'pass a role to another service than EKS, or one that `passableRoleArns` does not name',
    isBroken: ({ action, resource, condition }) =>
      action === 'iam:PassRole' && !(resource === 'each of passableRoleArns' && PASSED_TO_EKS.test(condition)),
  },
  {
    says: 'become another role, or make credentials (`sts`), but those that the stack PodIdentityMigratorSpoke has in each of `accounts` for that step',
    isBroken: ({ action, resource, condition }, { isLambda }) =>
      action.startsWith('sts:') &&
      !(isLambda && action === 'sts:AssumeRole' && SPOKE_ROLE.test(resource) && condition === IN_ACCOUNTS),
  },
  {
    says: `change a cluster, a node group or an access entry, or anything else of EKS's but add-ons, Pod Identity associations and their tags; nor open an API server through EKS (\`eks:AccessKubernetesApi\`); nor tag a cluster, for which AWS may ask where an add-on or an association is created with tags, but for ${CREATES_WITH_TAGS.map((name) => `\`${name}\``).join(', ')}, and \`${ASSOCIATES}\` with the tag \`${MIGRATION_TAG}\` alone`,
    isBroken: (right, { name }) => {
      const { action, resource, condition } = right;
      if (!/^eks:(?!Describe|List)/.test(action)) return false;
      if (isTagOfCluster(right))
        return !(CREATES_WITH_TAGS.includes(name) || (name === ASSOCIATES && condition === OUR_TAG));
      return !(EKS_CHANGES.includes(action) || (action === 'eks:TagResource' && TAGGED.test(resource)));
    },
  },
  {
    says: `stop, redrive or alter an execution or a state machine, or start any but Recover; but for the ${RUNBOOK}, which starts MigrateAddon and stops its executions, and no others, \`${API}\`, which starts MigrateAddon, Sweep and Retire too, and ends waits for an approval, \`${FINDER}\`, which starts Retire for what \`${API}\` has accepted, and ends waits for an approval without one, \`${DENIALS}\`, which starts MigrateAddon, \`${DISPATCHER}\`, which starts MigrateAddon and Sweep, \`${STARTER}\`, which starts Sweep, and the state machine Sweep, which starts, stops and redrives its own executions`,
    isBroken: ({ action, resource }, { name }) => {
      if (!action.startsWith('states:') || action === 'states:DescribeExecution') return false;
      const what = `${action} ${resource.split(':').slice(5).join(':')}`;
      return !(MACHINES_OF[name] ?? RECOVERS).has(what);
    },
  },
  {
    says: "put events on another bus than the account's default one, or events that name another source than the service's own (`events`); publish or send a message (`sns`, `sqs`), but that Scheduler lays what it could not start into the dead-letter queue; or call an API of the account, or change one (`execute-api`, `apigateway`)",
    isBroken: ({ action, resource, condition }, { name }) =>
      /^(events|sns|sqs|execute-api|apigateway):/.test(action) &&
      !(action === 'events:PutEvents' && resource.endsWith(':event-bus/default') && condition === OWN_EVENTS) &&
      !(action === 'sqs:SendMessage' && resource.endsWith(':DEAD-LETTERS') && name === SCHEDULER),
  },
  {
    says: `use another table than the ledger, or scan, delete, restore or reconfigure it, or delete an item in it, but for \`${DISPATCHER}\`, which moves items of sweeps; nor write an item of a migration or a lock as a step of a sweep (${OF_SWEEPS.map((name) => `\`${name}\``).join(', ')})`,
    isBroken: ({ action, resource, condition }, { name }) => {
      if (!action.startsWith('dynamodb:')) return false;
      if (!/:table\/TABLE(\/index\/[\w-]+)?$/.test(resource)) return true;
      if (OF_SWEEPS.includes(name) && WRITES_ITEMS.includes(action))
        return (
          (condition !== IN_SWEEPS &&
            !(condition === IN_PACE && action === 'dynamodb:UpdateItem' && name === INVENTORY)) ||
          (action === 'dynamodb:DeleteItem' && name !== DISPATCHER)
        );
      return !ITEMS.includes(action);
    },
  },
  {
    says: 'read a secret or a parameter (`secretsmanager`, `ssm`)',
    isBroken: ({ action }) => /^(secretsmanager|ssm):/.test(action),
  },
  {
    says: "use another key than the customer's (`customerKey`), or that for more than to open and to seal what the service keeps, each bound by its encryption context",
    isBroken: ({ action, resource, condition }) =>
      action.startsWith('kms:') &&
      !(
        ['kms:Decrypt', 'kms:GenerateDataKey'].includes(action) &&
        resource.endsWith(':key/KEY') &&
        condition.includes('`kms:EncryptionContext:')
      ),
  },
  {
    says: `do anything in S3 but put, get and list objects of the bucket of sweeps, which ${USES_BUCKET.map((name) => (name === SWEEP ? 'the state machine Sweep' : `\`${name}\``)).join(', ')} do`,
    isBroken: ({ action, resource }, { name }) =>
      action.startsWith('s3:') && !(USES_BUCKET.includes(name) && OBJECTS.includes(action) && IN_BUCKET.test(resource)),
  },
  {
    says: 'do anything in EC2, but that Lambda itself (`lambda:SourceFunctionArn` is absent) makes and removes the network interfaces of the functions that are in a VPC',
    isBroken: ({ action, condition }, { isLambda }) =>
      action.startsWith('ec2:') &&
      !(isLambda && exceptionOf(action)?.name === 'VPC interfaces' && condition === NOT_BY_CODE),
  },
  {
    says: 'call a Lambda by the role of a Lambda',
    isBroken: ({ action }, { isLambda }) => isLambda && action.startsWith('lambda:'),
  },
  {
    says: 'read a log',
    isBroken: ({ action }) => /^logs:(Get(?!LogDelivery$)|Filter|StartQuery|StartLiveTail|Unmask)/.test(action),
  },
  {
    says: 'act on a resource of another account by what stands here (`passableRoleArns` and `repairableRoleArns` may name one), but to become such a role there',
    isBroken: ({ resource }) =>
      resource !== '*' &&
      !resource.startsWith('each of ') &&
      !IN_BUCKET.test(resource) &&
      !SPOKE_ROLE.test(resource) &&
      resource.split(':')[4] !== 'ACCOUNT',
  },
];

/** Returns a sentence for each right that violates a claim. */
export const brokenClaims = (rights: readonly Right[], who: Claimant): string[] =>
  rights.flatMap((right) =>
    CLAIMS.filter(({ isBroken }) => isBroken(right, who)).map(
      ({ says }) =>
        `${who.name} may ${right.action} on ${right.resource}, but the document says that nobody may ${says}: take one of them back (scripts/permissions/claims.ts)`,
    ),
  );
