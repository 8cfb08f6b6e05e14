/** Rights of each step on the ledger's table (`lambdas/adapters/dynamo-*.ts`). */
import { type StepName, stepSchemas } from '../../lambdas/steps/schemas.ts';
import { BY_TIME, HELD_LOCKS, type ListIndex, PENDING } from '../../lambdas/adapters/indexes.ts';
import { everyValue } from './every-value.ts';
import type { Grant } from './grant.ts';

/** Reasons by call. Query reads a migration's file, GetItem reads locks, and UpdateItem writes. */
type Calls = Partial<Record<'Query' | 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem', string>>;

const READS = 'reads the record, the plan and the snapshot of its migration';
const GUARD = 'makes sure of its lock directly before each change';
const LINE = "writes the step's own line";
const RESERVES = 'reserves its calls';

const callsOf: Record<StepName, Calls> = {
  plan: {
    Query: 'finds what an earlier attempt of the same execution has written',
    GetItem: 'reads who holds the lock of what shall migrate',
    PutItem: 'notes which identity the pods have before the change',
    UpdateItem: `writes the migration's record and the plan, and ${LINE}`,
  },
  'request-approval': {
    Query: READS,
    PutItem: 'notes that an approval is waited for, and by which token',
    UpdateItem: `takes a slot among those that wait, notes that others are to be told of it, and ${LINE}`,
  },
  'await-window': { Query: READS, UpdateItem: `takes a slot among those that wait, and ${LINE}` },
  begin: {
    Query: READS,
    GetItem: 'reads who holds a lock that it does not get',
    PutItem: 'stores the snapshot, before anything is changed, and asks others that wait for the same subject to stop',
    UpdateItem: `takes the locks of what migrates and of its roles, frees its slot, and ${LINE}`,
  },
  'install-agent': {
    Query: READS,
    GetItem: GUARD,
    UpdateItem: `notes that it installs the agent, which stays, and ${LINE}`,
  },
  'repair-trust': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'notes a trust policy, before and after, before it is written',
    UpdateItem: `makes sure that it has the role's lock alone, notes what could not be undone, and ${LINE}`,
  },
  'delete-addon': {
    Query: READS,
    GetItem: GUARD,
    UpdateItem: `notes which copy of the add-on it deletes before it does, and ${LINE}`,
  },
  'await-deleted': { Query: READS, UpdateItem: LINE },
  'create-addon': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'notes each conflicting association, whole, before it is deleted',
    UpdateItem: `notes which copy of the add-on it made, and ${LINE}`,
  },
  'update-addon': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'notes each conflicting association, whole, before it is deleted',
    UpdateItem: `notes the way that is tried before its first change, and ${LINE}`,
  },
  'create-association': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'notes the association that it made',
    UpdateItem: LINE,
  },
  'await-active': { Query: READS, PutItem: 'notes the associations that were made', UpdateItem: LINE },
  'carry-over': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'notes the associations as they are after it',
    UpdateItem: LINE,
  },
  'verify-pods': {
    Query: READS,
    PutItem: 'keeps the evidence of every pod that counts',
    UpdateItem: `notes what was verified, and ${LINE}`,
  },
  'restart-pods': { Query: READS, GetItem: GUARD, UpdateItem: LINE },
  'annotate-service-account': {
    Query: READS,
    GetItem: GUARD,
    UpdateItem: `notes that it takes the annotation off before it does, what was verified, and ${LINE}`,
  },
  'assess-rollback': {
    Query: READS,
    GetItem: 'makes sure of its lock',
    UpdateItem: `notes a copy of the add-on as the migration's own, and ${LINE}`,
  },
  'restore-addon': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'notes each left-over association, whole, before it is deleted',
    UpdateItem: `notes the copies of the add-on that it removes and makes, and ${LINE}`,
  },
  'restore-associations': {
    Query: READS,
    GetItem: GUARD,
    PutItem: 'notes the associations that it made again, and its own before it deletes them',
    UpdateItem: LINE,
  },
  pause: {
    Query: 'reads what its migration has waited for so far, and whether somebody has cancelled it',
    UpdateItem: 'notes what the migration waits for, and what others are to be told of it',
  },
  'take-over': {
    Query: 'reads the record, the snapshot and the step lines of the migration',
    GetItem: 'reads who holds its locks',
    UpdateItem: `takes the locks over, notes what becomes of the rollback, and ${LINE}`,
  },
  'find-stranded': {
    Query:
      'reads the record of a migration whose lock is held, or that waits, who shares a lock, and the task that waits for an approval',
    UpdateItem:
      'parks a lock that waits for a person, frees the slot of what waits no more, and ends a retirement that stopped before it began',
  },
  finish: {
    Query: READS,
    UpdateItem: `writes the outcome, lets go of the locks, frees the slot, and ${LINE}`,
  },
  'retire-trust': {
    Query: `${READS}, and whether a rollback was begun`,
    GetItem: `${GUARD}, and reads whether the migration still shows this retirement`,
    PutItem: 'notes a trust policy, before and after, before it is written',
    UpdateItem: `takes the locks and lets go of them, notes how the retirement stands, and ${LINE}`,
  },
  api: {
    Query:
      'reads the migrations that are asked about, with their steps and their evidence, and the sweeps, with what they migrate',
    GetItem:
      'finds what was asked for before under the same key, the task that waits for an approval, and how a retirement stands',
    PutItem: 'notes what is asked for, before anything is started, so that it is started once',
    UpdateItem:
      "writes a new migration's record, an approval's decision, a rollback or a retirement, the slot of one that waits, what is asked of a sweep, and reserves its calls",
  },
  'publish-events': {
    Query: 'reads the record of a migration that is to be told of',
    GetItem: 'reads what is to be told of it, and where the last look ended',
    UpdateItem: 'notes what was told, and where the next look goes on',
  },
  'diagnose-denial': {
    Query: "reads the record of the migration that has the add-on's claim",
    GetItem: 'reads the claim of an earlier event of the same add-on',
    PutItem: 'claims the add-on for the event, before anything is started',
    UpdateItem: "writes the migration's record before it is started",
  },
  'start-sweep': {
    Query: 'reads the record of a sweep that was started before',
    PutItem: 'notes a scheduled sweep, once',
  },
  'begin-sweep': {
    Query: 'reads the record of the sweep',
    PutItem: 'notes a sweep that has no record yet',
    UpdateItem: 'notes the execution that works on it',
  },
  'take-inventory': {
    Query: 'reads what the sweep asks for, and how many calls wait',
    PutItem: 'queues what is ready to be migrated',
    UpdateItem: `${RESERVES} of EKS, of IAM and of API servers in the shared pace`,
  },
  'dispatch-sweep': {
    Query: "reads the sweep, what waits and what is in flight, the migrations' records, and how many calls wait",
    GetItem: 'reads whether another migration works on an add-on, before it begins one',
    PutItem: 'notes what it begins, before it does, and what has ended',
    UpdateItem: 'notes the wave that it is at, and what counts for the stop',
    DeleteItem: 'takes an add-on out of the place where it was before',
  },
  'report-sweep': {
    Query: 'reads the sweep, and what became of what it has begun',
    UpdateItem: 'writes how the sweep ended',
  },
};

/** Queries of the table's indexes by step. */
const INDEXES: Partial<Record<StepName, Record<string, string>>> = {
  'find-stranded': {
    [HELD_LOCKS]:
      'lists the locks that are held, and the rollbacks and retirements that were requested and are not begun',
  },
  api: {
    [BY_TIME]: 'lists the migrations, and the sweeps',
    ByStatus: 'lists the migrations, and the sweeps, of one status',
    ByOutcome: 'lists the migrations of one outcome',
    ByCluster: 'lists the migrations of one cluster',
    ByClusterName: 'lists the migrations of clusters of one name',
    ByAccount: 'lists the migrations of one account',
    ByAddon: 'lists the migrations of one add-on',
    ByRequester: 'lists the migrations that one requester asked for',
  } satisfies Record<ListIndex, string>,
  'publish-events': { [PENDING]: 'lists what was not told yet, and the approvals that are waited for' },
  'begin-sweep': { [BY_TIME]: 'finds the sweep before it' },
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
