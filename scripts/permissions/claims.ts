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
  'states:SendTaskSuccess stateMachine:Retire',
  'states:SendTaskFailure stateMachine:Retire',
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
    says: 'create, delete or change an IAM role, user, group or policy, except with `iam:UpdateAssumeRolePolicy`',
    isBroken: ({ action }) =>
      /^iam:(?!Get|List|Simulate)/.test(action) && !['iam:PassRole', 'iam:UpdateAssumeRolePolicy'].includes(action),
  },
  {
    says: `change a trust policy, except ${TRUST_WRITERS.map((name) => `\`${name}\``).join(' and ')} on each of \`repairableRoleArns\``,
    isBroken: ({ action, resource }, { name }) =>
      action === 'iam:UpdateAssumeRolePolicy' &&
      !(TRUST_WRITERS.includes(name) && resource === 'each of repairableRoleArns'),
  },
  {
    says: 'pass a role to a service other than EKS, or a role that `passableRoleArns` does not name',
    isBroken: ({ action, resource, condition }) =>
      action === 'iam:PassRole' && !(resource === 'each of passableRoleArns' && PASSED_TO_EKS.test(condition)),
  },
  {
    says: 'assume another role, or create credentials (`sts`), except the roles of the stack PodIdentityMigratorSpoke for that step in each of `accounts`',
    isBroken: ({ action, resource, condition }, { isLambda }) =>
      action.startsWith('sts:') &&
      !(isLambda && action === 'sts:AssumeRole' && SPOKE_ROLE.test(resource) && condition === IN_ACCOUNTS),
  },
  {
    says: `change a cluster, a node group or an access entry, or any other EKS resource except add-ons, Pod Identity associations and their tags; nor access an API server through EKS (\`eks:AccessKubernetesApi\`); nor tag a cluster, which AWS may require if an add-on or an association is created with tags, except ${CREATES_WITH_TAGS.map((name) => `\`${name}\``).join(', ')}, and \`${ASSOCIATES}\` with only the tag \`${MIGRATION_TAG}\``,
    isBroken: (right, { name }) => {
      const { action, resource, condition } = right;
      if (!/^eks:(?!Describe|List)/.test(action)) return false;
      if (isTagOfCluster(right))
        return !(CREATES_WITH_TAGS.includes(name) || (name === ASSOCIATES && condition === OUR_TAG));
      return !(EKS_CHANGES.includes(action) || (action === 'eks:TagResource' && TAGGED.test(resource)));
    },
  },
  {
    says: `stop, redrive or change an execution or a state machine, or start any except Recover. The exceptions are: the ${RUNBOOK}, which starts MigrateAddon and stops its executions, and no others; \`${API}\`, which also starts MigrateAddon, Sweep and Retire, and ends waits for an approval; \`${FINDER}\`, which starts Retire for what \`${API}\` has accepted, and fails waits for an approval; \`${DENIALS}\`, which starts MigrateAddon; \`${DISPATCHER}\`, which starts MigrateAddon and Sweep; \`${STARTER}\`, which starts Sweep; and the state machine Sweep, which starts, stops and redrives its own executions`,
    isBroken: ({ action, resource }, { name }) => {
      if (!action.startsWith('states:') || action === 'states:DescribeExecution') return false;
      const what = `${action} ${resource.split(':').slice(5).join(':')}`;
      return !(MACHINES_OF[name] ?? RECOVERS).has(what);
    },
  },
  {
    says: "put events on a bus other than the account's default bus, or events with a source other than the service's own (`events`); publish or send a message (`sns`, `sqs`), except that Scheduler sends what it could not start to the dead-letter queue; or call or change an API of the account (`execute-api`, `apigateway`)",
    isBroken: ({ action, resource, condition }, { name }) =>
      /^(events|sns|sqs|execute-api|apigateway):/.test(action) &&
      !(action === 'events:PutEvents' && resource.endsWith(':event-bus/default') && condition === OWN_EVENTS) &&
      !(action === 'sqs:SendMessage' && resource.endsWith(':DEAD-LETTERS') && name === SCHEDULER),
  },
  {
    says: `use a table other than the ledger, or scan, delete, restore or reconfigure the ledger, or delete an item in it, except \`${DISPATCHER}\`, which moves items of sweeps; nor, as a step of a sweep, write an item of a migration or a lock (${OF_SWEEPS.map((name) => `\`${name}\``).join(', ')})`,
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
    says: "use a key other than the customer's (`customerKey`), or use that key for anything except encrypting and decrypting the service's data, each bound by its encryption context",
    isBroken: ({ action, resource, condition }) =>
      action.startsWith('kms:') &&
      !(
        ['kms:Decrypt', 'kms:GenerateDataKey'].includes(action) &&
        resource.endsWith(':key/KEY') &&
        condition.includes('`kms:EncryptionContext:')
      ),
  },
  {
    says: `do anything in S3 except put, get and list objects of the bucket of sweeps, which only ${USES_BUCKET.map((name) => (name === SWEEP ? 'the state machine Sweep' : `\`${name}\``)).join(', ')} do`,
    isBroken: ({ action, resource }, { name }) =>
      action.startsWith('s3:') && !(USES_BUCKET.includes(name) && OBJECTS.includes(action) && IN_BUCKET.test(resource)),
  },
  {
    says: 'do anything in EC2, except that Lambda itself (`lambda:SourceFunctionArn` is absent) creates and deletes the network interfaces of the functions that are in a VPC',
    isBroken: ({ action, condition }, { isLambda }) =>
      action.startsWith('ec2:') &&
      !(isLambda && exceptionOf(action)?.name === 'VPC interfaces' && condition === NOT_BY_CODE),
  },
  {
    says: 'call a Lambda with the role of a Lambda',
    isBroken: ({ action }, { isLambda }) => isLambda && action.startsWith('lambda:'),
  },
  {
    says: 'read a log',
    isBroken: ({ action }) => /^logs:(Get(?!LogDelivery$)|Filter|StartQuery|StartLiveTail|Unmask)/.test(action),
  },
  {
    says: 'act on a resource of another account with the rights on this page (`passableRoleArns` and `repairableRoleArns` may name one), except to assume such a role there',
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
