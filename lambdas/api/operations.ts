/**
 * Every operation of the API, as data: what routes requests, makes the OpenAPI document, and makes the methods of the
 * gateway.
 */
import type { z } from 'zod';
import type { Correlation } from '../domain/migration/correlation.ts';
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
import {
  approvalBody,
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
  /** As API Gateway and OpenAPI write it. */
  path: `/${string}`;
  summary: string;
  description: string;
  parameters?: z.ZodObject;
  query: z.ZodObject;
  body?: z.ZodType;
  /** Whether it heeds the header Idempotency-Key. */
  idempotencyKey?: true;
  status: 200 | 202;
  answer: z.ZodType;
  /** Beside those that every operation has. */
  problems: readonly ProblemKind[];
}

const OF_BODIES = ['too-large', 'not-json', 'unsupported-encoding'] as const satisfies ProblemKind[];

/** Of a sweep that is there: answered at once, and heeded when the sweep looks for it next. */
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
      'Looks at everything and makes the plan, and changes nothing: a dry run. Answers at once; the plan is under `links.plan` some seconds later.',
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
      'The plan, its checks and its verdict: of a dry run, or of a migration. Without `plan` it is not made yet.',
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
      'Plans, waits for an approval and a change window where they are asked for, changes, verifies, and goes back by itself. Answers at once. Who asks is the principal that signed the request.',
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
      'Newest first, and no dry runs unless `dryRun` asks for them. Each other parameter narrows the list. A migration of the last seconds may be missing.',
    query: listQuery,
    status: 200,
    answer: listAnswer,
    problems: [],
  },
  getMigration: {
    method: 'GET',
    path: '/migrations/{id}',
    summary: 'Show a migration',
    description: 'As it stands: status, step, plan, approvals, evidence, and what can be done with it.',
    parameters: ofMigration,
    query: noQuery,
    status: 200,
    answer: migrationAnswer,
    problems: ['unknown-migration'],
  },
  decideApproval: {
    method: 'POST',
    path: '/migrations/{id}/approval',
    summary: 'Approve or reject a plan',
    description:
      'Decides about the plan of that hash, and no other one. The same decision of the same principal may be said again.',
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
      'Puts back what a migration has changed that is over. Answers at once; from then on the migration shows it: its `status` is `rolling-back` until the rollback has ended, or was refused, which leaves the migration as it was.',
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
      "Takes the cluster's OIDC statement for the service accounts of a migration out of the trust policy of its role, once nothing needs it, or puts back what was taken out. Without `dryRun: false` it shows the checks and the change, and changes nothing. Answers at once; the migration shows it as `retirement`. Only where the deployment may change trust policies (`repairableRoleArns`).",
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
    summary: 'Stop a migration',
    description: 'Before anything was changed it ends `blocked`; after that, what it has changed is put back.',
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
    summary: 'Say how the workloads of a cluster get their AWS credentials',
    description:
      'A row for each workload, by namespace, kind, name and service account, with what stands in the way of Pod Identity. The pods are read anew for each page.',
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
      'Looks at a fleet (`inventory`), plans what is ready there (`plan`), or migrates it in waves (`migrate`). Answers at once. Without accounts and regions it is about all that the deployment is configured for.',
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
    description: 'Newest first. Each parameter narrows the list. A sweep of the last seconds may be missing.',
    query: sweepsQuery,
    status: 200,
    answer: sweepListAnswer,
    problems: [],
  },
  getSweep: {
    method: 'GET',
    path: '/sweeps/{id}',
    summary: 'Show a sweep',
    description: 'As it stands: status, phase, wave, and how many migrations wait, are under way and have ended how.',
    parameters: ofSweep,
    query: noQuery,
    status: 200,
    answer: sweepAnswer,
    problems: ['unknown-sweep'],
  },
  getSweepReport: {
    method: 'GET',
    path: '/sweeps/{id}/report',
    summary: 'Say where the report of a sweep is',
    description:
      'Its bucket, and the keys of the JSON document, the CSV file and the HTML page. They are read in S3, with rights of their own.',
    parameters: ofSweep,
    query: noQuery,
    status: 200,
    answer: sweepReportAnswer,
    problems: ['unknown-sweep', 'no-report'],
  },
  pauseSweep: commandOf(
    'pause',
    'Pause a sweep',
    'It begins no more migrations until it is resumed; those under way go on to their end.',
  ),
  resumeSweep: commandOf(
    'resume',
    'Resume a sweep',
    'One that is paused, has stopped, or whose execution has ended before it was over goes on. What has ended is not done again.',
  ),
  stopSweep: commandOf(
    'stop',
    'Stop a sweep',
    'It begins no more migrations; when those under way have ended, it ends `stopped`, with a report. It can be resumed.',
  ),
} as const satisfies Record<string, Operation>;

export type OperationId = keyof typeof OPERATIONS;

/** What any of them may answer. */
export const PROBLEMS_OF_ALL = [
  'invalid-request',
  'unauthenticated',
  'unexpected',
  'unavailable',
] as const satisfies ProblemKind[];

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type Field<One, Name extends string> = One extends Record<Name, infer Schema> ? Parsed<Schema> : undefined;
/** What an operation is given, once all of it is right. */
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
  /** What stands before the API's paths in the caller's URLs. */
  prefix: string;
}
export interface Reply<Id extends OperationId> {
  body: z.input<(typeof OPERATIONS)[Id]['answer']>;
  headers?: Record<string, string>;
}
