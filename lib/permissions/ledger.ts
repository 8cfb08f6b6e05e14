/** Rights of each step on the ledger's table (`lambdas/adapters/dynamo-*.ts`). */
import { type StepName, stepSchemas } from '../../lambdas/steps/schemas.ts';
import { BY_TIME, HELD_LOCKS, type ListIndex, PENDING } from '../../lambdas/adapters/indexes.ts';
import { everyValue } from './every-value.ts';
import type { Grant } from './grant.ts';

/** Reasons by call. Query reads a migration's file, GetItem reads locks, and UpdateItem writes. */
type Calls = Partial<Record<'Query' | 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem', string>>;

const READS = 'reads the record, the plan and the snapshot of its migration';
const GUARD = 'checks its lock directly before each change';
/** Of the steps of the state machines that pause. */
const LINE = "writes the step's own line and its wait";
const RESERVES = 'reserves its calls';

const callsOf: Record<StepName, Calls> = {
  plan: {
    Query: 'finds what an earlier attempt of the same execution has written',
    GetItem: 'reads who holds the lock of the subject',
    PutItem: 'records which identity the pods have before the change',
    UpdateItem: `writes the migration's record and the plan, and ${LINE}`,
  },
  'request-approval': {
    Query: READS,
    PutItem: 'records that it waits for an approval, with the token',
    UpdateItem: `takes a slot of those that wait, records the outbox event, and ${LINE}`,
  },
  'await-window': { Query: READS, UpdateItem: `takes a slot of those that wait, and ${LINE}` },
  begin: {
    Query: READS,
    GetItem: 'reads who holds a lock that is not available',
    PutItem:
      'stores the snapshot, before anything is changed, and requests that others that wait for the same subject stop',
    UpdateItem: `takes the locks of the subject and of its roles, releases its slot, and ${LINE}`,
  },
  'install-agent': {
    Query: READS,
    GetItem: GUARD,
    UpdateItem: `records that it installs the agent, which stays, and ${LINE}`,
  },
  'repair-trust': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'records a trust policy, before and after, before it is written',
    UpdateItem: `checks that it holds the role's lock exclusively, records what could not be undone, and ${LINE}`,
  },
  'delete-addon': {
    Query: READS,
    GetItem: GUARD,
    UpdateItem: `records which copy of the add-on it deletes before it does, and ${LINE}`,
  },
  'await-deleted': { Query: READS, UpdateItem: LINE },
  'create-addon': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'records each conflicting association in full before it is deleted',
    UpdateItem: `records which copy of the add-on it created, and ${LINE}`,
  },
  'update-addon': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'records each conflicting association in full before it is deleted',
    UpdateItem: `records the attempt before its first change, and ${LINE}`,
  },
  'create-association': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'records the association that it created',
    UpdateItem: LINE,
  },
  'await-active': { Query: READS, PutItem: 'records the created associations', UpdateItem: LINE },
  'carry-over': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'records the associations as they are afterwards',
    UpdateItem: LINE,
  },
  'verify-pods': {
    Query: READS,
    PutItem: 'stores the evidence of every pod that counts',
    UpdateItem: `records what was verified, and ${LINE}`,
  },
  'restart-pods': { Query: READS, GetItem: GUARD, UpdateItem: LINE },
  'annotate-service-account': {
    Query: READS,
    GetItem: GUARD,
    UpdateItem: `records that it removes the annotation before it does, what was verified, and ${LINE}`,
  },
  'assess-rollback': {
    Query: READS,
    GetItem: 'checks that it holds its lock',
    UpdateItem: `records a copy of the add-on as the migration's own, and ${LINE}`,
  },
  'restore-addon': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'records each conflicting association in full before it is deleted',
    UpdateItem: `records the copies of the add-on that it deletes and creates, and ${LINE}`,
  },
  'restore-associations': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'records the associations that it restored, and its own before it deletes them',
    UpdateItem: LINE,
  },
  pause: {
    Query: 'reads what its migration has waited for so far, and whether it was cancelled',
    UpdateItem: 'records what the migration waits for, and the outbox event',
  },
  'take-over': {
    Query: 'reads the record, the snapshot and the step lines of the migration',
    GetItem: 'reads who holds its locks',
    UpdateItem: `takes the locks over, records the state of the rollback, and ${LINE}`,
  },
  'find-stranded': {
    Query:
      'reads the record of a migration whose lock is held, or that waits, what is left if it was deleted, who shares a lock, and the task that waits for an approval',
    UpdateItem:
      'parks a lock, writes a deleted record again, releases the slot of a migration that no longer waits, and ends a retirement that stopped before it began',
  },
  finish: {
    Query: READS,
    UpdateItem: `writes the outcome, releases the locks and the slot, and ${LINE}`,
  },
  'retire-trust': {
    Query: `${READS}, and whether a rollback was begun`,
    GetItem: `${GUARD}, and reads whether the migration still shows this retirement`,
    PutItem: 'records a trust policy, before and after, before it is written',
    UpdateItem: `takes and releases the locks, records the state of the retirement, ends its wait, and writes the step's own line`,
  },
  api: {
    Query:
      'reads the requested migrations, with their steps and their evidence, and the sweeps, with what they migrate',
    GetItem:
      'finds an earlier request with the same key, the task that waits for an approval, and the state of a retirement',
    PutItem: 'records the request before anything is started, so that it is started once',
    UpdateItem:
      "writes a new record, an approval's decision, a rollback or a retirement, the slot of a waiting migration, a command for a sweep, and reserves its calls",
  },
  'publish-events': {
    Query: 'reads the record of a migration whose event is to be published',
    GetItem: 'reads the outbox, and where the last run ended',
    UpdateItem: 'records what was published, and where the next run continues',
  },
  'diagnose-denial': {
    Query: "reads the record of the migration that has the add-on's claim",
    GetItem: 'reads the claim of an earlier event of the same add-on',
    PutItem: 'claims the add-on for the event, before anything is started',
    UpdateItem: "writes the migration's record before it is started",
  },
  'start-sweep': {
    Query: 'reads the record of a sweep that was started before',
    PutItem: 'records a scheduled sweep, once',
  },
  'begin-sweep': {
    Query: 'reads the record of the sweep',
    PutItem: 'records a sweep that has no record yet',
    UpdateItem: 'records the execution that works on it',
  },
  'take-inventory': {
    Query: 'reads the request of the sweep, which clusters are inspected, and how many calls wait',
    PutItem: 'marks each cluster before and after its inspection, and queues what is ready to be migrated',
    UpdateItem: `${RESERVES} of EKS, of IAM and of API servers in the shared rate limit`,
  },
  'dispatch-sweep': {
    Query: "reads the sweep, what is queued and what is in flight, the migrations' records, and how many calls wait",
    GetItem: 'reads whether another migration works on an add-on, before it starts one',
    PutItem: 'records what it starts, before it does, and what has ended',
    UpdateItem: 'records the current wave, and what counts towards the stop',
    DeleteItem: 'deletes an add-on from its previous state',
  },
  'report-sweep': {
    Query: 'reads the sweep, and the outcomes of its migrations',
    UpdateItem: 'writes how the sweep ended',
  },
};

/** Queries of the table's indexes by step. */
const INDEXES: Partial<Record<StepName, Record<string, string>>> = {
  'find-stranded': {
    [HELD_LOCKS]: 'lists the held locks, and the rollbacks and retirements that were requested and have not begun',
  },
  api: {
    [BY_TIME]: 'lists the migrations, and the sweeps',
    ByStatus: 'lists the migrations, and the sweeps, of one status',
    ByOutcome: 'lists the migrations of one outcome',
    ByCluster: 'lists the migrations of one cluster',
    ByClusterName: 'lists the migrations of clusters of one name',
    ByAccount: 'lists the migrations of one account',
    ByAddon: 'lists the migrations of one add-on',
    ByRequester: 'lists the migrations of one requester',
  } satisfies Record<ListIndex, string>,
  'publish-events': { [PENDING]: 'lists the unpublished events, and the pending approvals' },
  'begin-sweep': { [BY_TIME]: 'finds the previous sweep' },
};

/**
 * Steps that write only in the partitions of sweeps, so that they cannot change what a rollback needs. Source: DynamoDB
 * Developer Guide, "Using IAM policy conditions for fine-grained access control".
 */
const OF_SWEEPS: ReadonlySet<StepName> = new Set<StepName>([
  'start-sweep',
  'begin-sweep',
  'take-inventory',
  'dispatch-sweep',
  'report-sweep',
]);
const IN_SWEEPS = { conditions: everyValue('StringLike', { 'dynamodb:LeadingKeys': 'SWEEP#*' }) };
const IN_PACE = { conditions: everyValue('StringLike', { 'dynamodb:LeadingKeys': 'PACE#*' }) };
const isWrite = (call: string): boolean => call !== 'Query' && call !== 'GetItem';

/** The partitions in which a step may make a call. Default: all partitions. */
const conditionsOf = (step: StepName, call: string): Pick<Grant, 'conditions'> => {
  if (!OF_SWEEPS.has(step) || !isWrite(call)) return {};
  return step === 'take-inventory' && call === 'UpdateItem' ? IN_PACE : IN_SWEEPS;
};

const whyOf = (step: StepName, call: string, why: string): string =>
  call === 'UpdateItem' && stepSchemas[step].calls !== undefined ? `${why}, and ${RESERVES}` : why;

/** Returns a step's grants, which are limited to the ledger's table. */
export const ledgerGrantsOf = (step: StepName, tableArn: string): Grant[] => [
  ...Object.entries(callsOf[step]).map(([call, why]) => ({
    actions: [`dynamodb:${call}`],
    resources: [tableArn],
    ...conditionsOf(step, call),
    why: whyOf(step, call, why),
  })),
  ...Object.entries(INDEXES[step] ?? {}).map(([index, why]) => ({
    actions: ['dynamodb:Query'],
    resources: [`${tableArn}/index/${index}`],
    why,
  })),
];
