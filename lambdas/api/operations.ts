/**
 * Every operation of the API as data. The router, the OpenAPI document and API Gateway's methods are derived from it.
 */
import type { z } from 'zod';
import type { Correlation } from '../domain/terms/correlation.ts';
import {
  accepted,
  approvalAnswer,
  cancelAnswer,
  identitiesAnswer,
  listAnswer,
  migrationAnswer,
  planAnswer,
  retirementAnswer,
  rollbackAnswer,
  sweepAccepted,
  sweepActionAnswer,
  sweepAnswer,
  sweepListAnswer,
  sweepReportAnswer,
} from './answers.ts';
import { handOffAnswer } from './hand-off-answer.ts';
import {
  approvalBody,
  handOffQuery,
  identitiesQuery,
  listQuery,
  migrationBody,
  noQuery,
  ofCluster,
  ofMigration,
  ofSweep,
  planBody,
  reasonBody,
  retirementBody,
  rollbackBody,
  sweepBody,
  sweepsQuery,
} from './inputs.ts';
import type { ProblemKind } from './problems.ts';

export interface Operation {
  method: 'GET' | 'POST';
  /** Path template in the syntax of API Gateway and OpenAPI. */
  path: `/${string}`;
  summary: string;
  description: string;
  parameters?: z.ZodObject;
  query: z.ZodObject;
  body?: z.ZodType;
  /** Whether the operation accepts the header Idempotency-Key. */
  idempotencyKey?: true;
  status: 200 | 202;
  answer: z.ZodType;
  /** Problems in addition to `PROBLEMS_OF_ALL`. */
  problems: readonly ProblemKind[];
}

const OF_BODIES = ['too-large', 'not-json', 'unsupported-encoding'] as const satisfies ProblemKind[];

/**
 * Returns an action on a sweep. It is answered immediately, and takes effect when the sweep next checks for commands.
 */
const commandOf = <Name extends 'pause' | 'resume' | 'stop'>(name: Name, summary: string, description: string) =>
  ({
    method: 'POST',
    path: `/sweeps/{id}/${name}`,
    summary,
    description,
    parameters: ofSweep,
    query: noQuery,
    body: reasonBody,
    status: 202,
    answer: sweepActionAnswer,
    problems: [...OF_BODIES, 'unknown-sweep', 'not-now'],
  }) as const;

export const OPERATIONS = {
  createPlan: {
    method: 'POST',
    path: '/plans',
    summary: 'Plan a migration',
    description:
      'Starts a dry run, which runs all checks and plans the migration, and changes nothing. The response is immediate; the plan is available at `links.plan` a few seconds later.',
    query: noQuery,
    body: planBody,
    idempotencyKey: true,
    status: 202,
    answer: accepted,
    problems: [...OF_BODIES, 'key-used', 'other-account'],
  },
  getPlan: {
    method: 'GET',
    path: '/plans/{id}',
    summary: 'Show a plan',
    description:
      'Returns the plan of a dry run or a migration, with its checks and its verdict. `plan` is absent until planning is finished.',
    parameters: ofMigration,
    query: noQuery,
    status: 200,
    answer: planAnswer,
    problems: ['unknown-migration'],
  },
  createMigration: {
    method: 'POST',
    path: '/migrations',
    summary: 'Start a migration',
    description:
      'Starts a migration: it plans, waits for an approval and a change window if required, makes the change, verifies the pods, and rolls back automatically if the change fails. The response is immediate. The requester is the principal that signed the request.',
    query: noQuery,
    body: migrationBody,
    idempotencyKey: true,
    status: 202,
    answer: accepted,
    problems: [...OF_BODIES, 'key-used', 'other-account', 'subject-busy', 'too-many-waiting'],
  },
  listMigrations: {
    method: 'GET',
    path: '/migrations',
    summary: 'List migrations',
    description:
      'Lists migrations, newest first. Dry runs are included only if `dryRun` requests them. Each other parameter narrows the list. A migration that started in the last few seconds may be missing.',
    query: listQuery,
    status: 200,
    answer: listAnswer,
    problems: [],
  },
  getMigration: {
    method: 'GET',
    path: '/migrations/{id}',
    summary: 'Show a migration',
    description:
      'Returns the current state of a migration: status, step, plan, approvals, evidence, and the actions that are possible now.',
    parameters: ofMigration,
    query: noQuery,
    status: 200,
    answer: migrationAnswer,
    problems: ['unknown-migration'],
  },
  getHandOff: {
    method: 'GET',
    path: '/migrations/{id}/hand-off',
    summary: "Show what the owner's code must contain",
    description:
      'Returns what the code that defines the add-on, the associations and the roles must contain, so that its next apply changes nothing: after the migration, its rollback or its retirement, or after the planned migration. With `format`, also as text for that tool.',
    parameters: ofMigration,
    query: handOffQuery,
    status: 200,
    answer: handOffAnswer,
    problems: ['unknown-migration', 'no-hand-off'],
  },
  decideApproval: {
    method: 'POST',
    path: '/migrations/{id}/approval',
    summary: 'Approve or reject a plan',
    description:
      'Approves or rejects the plan with the given hash, and no other plan. The same principal may send the same decision again.',
    parameters: ofMigration,
    query: noQuery,
    body: approvalBody,
    status: 200,
    answer: approvalAnswer,
    problems: [...OF_BODIES, 'unknown-migration', 'no-approval', 'not-allowed-to-approve'],
  },
  rollBack: {
    method: 'POST',
    path: '/migrations/{id}/rollback',
    summary: 'Roll a migration back',
    description:
      'Restores what a migration that has ended changed. The response is immediate. The `status` of the migration is `rolling-back` until the rollback ends or is refused. A refused rollback leaves the migration unchanged.',
    parameters: ofMigration,
    query: noQuery,
    body: rollbackBody,
    idempotencyKey: true,
    status: 202,
    answer: rollbackAnswer,
    problems: [...OF_BODIES, 'unknown-migration', 'no-rollback', 'rolling-back', 'key-used'],
  },
  retire: {
    method: 'POST',
    path: '/migrations/{id}/retire',
    summary: 'Retire the OIDC trust of a migration',
    description:
      "Removes the cluster's OIDC statement for the service accounts of a migration from the trust policy of its role, once nothing needs it, or reinstates what was removed. Unless `dryRun` is false, it only reports the checks and the change. The response is immediate; `retirement` of the migration has the result. Available only if the deployment may change trust policies (`repairableRoleArns`).",
    parameters: ofMigration,
    query: noQuery,
    body: retirementBody,
    idempotencyKey: true,
    status: 202,
    answer: retirementAnswer,
    problems: [...OF_BODIES, 'unknown-migration', 'not-enabled', 'retiring', 'key-used'],
  },
  cancel: {
    method: 'POST',
    path: '/migrations/{id}/cancel',
    summary: 'Cancel a migration',
    description:
      'Stops a migration. If nothing was changed yet, the migration ends `blocked`; otherwise its changes are rolled back.',
    parameters: ofMigration,
    query: noQuery,
    body: reasonBody,
    status: 202,
    answer: cancelAnswer,
    problems: [...OF_BODIES, 'unknown-migration', 'no-cancel'],
  },
  listIdentities: {
    method: 'GET',
    path: '/clusters/{name}/identities',
    summary: 'List how the workloads of a cluster get their AWS credentials',
    description:
      'Returns a row for each workload, sorted by namespace, kind, name and service account, with the obstacles to Pod Identity. The pods are read again for each page.',
    parameters: ofCluster,
    query: identitiesQuery,
    status: 200,
    answer: identitiesAnswer,
    problems: ['unknown-cluster', 'no-access', 'other-account'],
  },
  createSweep: {
    method: 'POST',
    path: '/sweeps',
    summary: 'Start a sweep',
    description:
      'Starts a sweep of a fleet: it takes an inventory (`inventory`), plans what is ready (`plan`), or migrates it in waves (`migrate`). The response is immediate. Without accounts and regions, the sweep covers all that the deployment is configured for.',
    query: noQuery,
    body: sweepBody,
    idempotencyKey: true,
    status: 202,
    answer: sweepAccepted,
    problems: [...OF_BODIES, 'key-used', 'other-account'],
  },
  listSweeps: {
    method: 'GET',
    path: '/sweeps',
    summary: 'List sweeps',
    description:
      'Lists sweeps, newest first. Each parameter narrows the list. A sweep that started in the last few seconds may be missing.',
    query: sweepsQuery,
    status: 200,
    answer: sweepListAnswer,
    problems: [],
  },
  getSweep: {
    method: 'GET',
    path: '/sweeps/{id}',
    summary: 'Show a sweep',
    description:
      'Returns the current state of a sweep: status, phase, wave, and the numbers of migrations that are waiting, in progress, and ended by outcome.',
    parameters: ofSweep,
    query: noQuery,
    status: 200,
    answer: sweepAnswer,
    problems: ['unknown-sweep'],
  },
  getSweepReport: {
    method: 'GET',
    path: '/sweeps/{id}/report',
    summary: 'Get the location of the report of a sweep',
    description:
      'Returns the bucket, and the keys of the JSON document, the CSV file and the HTML page. Reading them in S3 requires separate permissions.',
    parameters: ofSweep,
    query: noQuery,
    status: 200,
    answer: sweepReportAnswer,
    problems: ['unknown-sweep', 'no-report'],
  },
  pauseSweep: commandOf(
    'pause',
    'Pause a sweep',
    'The sweep starts no further migrations until it is resumed. Migrations in progress continue.',
  ),
  resumeSweep: commandOf(
    'resume',
    'Resume a sweep',
    'Continues a sweep that is paused or stopped, or whose execution ended before the sweep was finished. Migrations that have ended are not repeated.',
  ),
  stopSweep: commandOf(
    'stop',
    'Stop a sweep',
    'The sweep starts no further migrations. Once the migrations in progress have ended, it ends `stopped`, with a report. It can be resumed.',
  ),
} as const satisfies Record<string, Operation>;

export type OperationId = keyof typeof OPERATIONS;

/** Problems that every operation may answer with. */
export const PROBLEMS_OF_ALL = [
  'invalid-request',
  'unauthenticated',
  'unexpected',
  'unavailable',
] as const satisfies ProblemKind[];

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type Field<One, Name extends string> = One extends Record<Name, infer Schema> ? Parsed<Schema> : undefined;
/** The validated input of an operation. */
export interface Call<Id extends OperationId> {
  parameters: Field<(typeof OPERATIONS)[Id], 'parameters'>;
  query: Parsed<(typeof OPERATIONS)[Id]['query']>;
  body: Field<(typeof OPERATIONS)[Id], 'body'>;
  idempotencyKey: string | undefined;
  /** ARN of the principal that signed the request. */
  caller: string;
  /** The caller's own ids of the request. */
  correlation: Correlation | undefined;
  /** The service's own account. */
  account: string;
  /** What precedes the API's paths in the caller's URLs. */
  prefix: string;
}
export interface Reply<Id extends OperationId> {
  body: z.input<(typeof OPERATIONS)[Id]['answer']>;
  headers?: Record<string, string>;
}
