/** A request and a response of each operation, for readers of docs/openapi.json. A test parses each with its schema. */
import type { z } from 'zod';
import type { HandOff } from '../../lambdas/domain/terms/hand-off.ts';
import type { SweepRequestInput } from '../../lambdas/domain/sweep/request.ts';
import type { OperationId, OPERATIONS } from '../../lambdas/api/operations.ts';
import { listIdOf, tokenAfter } from '../../lambdas/api/tokens.ts';

type Schemas = typeof OPERATIONS;
type Body<Id extends OperationId> = Schemas[Id] extends { body: infer Schema extends z.ZodType }
  ? { request: z.input<Schema> }
  : { request?: undefined };
type Examples = { [Id in OperationId]: Body<Id> & { answer: z.input<Schemas[Id]['answer']> } };

const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const TARGET = { account: '111122223333', region: 'eu-west-1', cluster: 'reliability-dev' };
const ADDON = 'aws-ebs-csi-driver';
const ROLE = 'arn:aws:iam::111122223333:role/eks-addons/ebs-csi';
const DEPLOYER = 'arn:aws:sts::111122223333:assumed-role/Deployer/pipeline-42';
const REVIEWER = 'arn:aws:sts::111122223333:assumed-role/Reviewer/jane';
const [STARTED, ASKED, DECIDED, EXPIRES] = [
  '2026-01-15T09:00:00.000Z',
  '2026-01-15T09:00:12.000Z',
  '2026-01-15T09:20:00.000Z',
  '2026-01-16T09:00:12.000Z',
];
/** Entry after which the next page begins. */
const LAST = { startedAt: STARTED, id: ID };

const LINKS = { self: `/v1/migrations/${ID}`, plan: `/v1/plans/${ID}` };
const PLAN_LINKS = { self: LINKS.plan, migration: LINKS.self, plan: LINKS.plan };
const ACCEPTED = { migrationId: ID, status: 'accepted', links: LINKS } as const;
const PLAN = {
  verdict: 'migrate',
  strategy: 'auto',
  preserve: false,
  attempts: [{ strategy: 'in-place', preserve: false, disruption: 'rolling', resolveConflicts: 'PRESERVE' }],
  checks: [{ id: 'trust', status: 'pass', message: `The trust policy of ${ROLE} allows EKS Pod Identity.` }],
  steps: [
    {
      name: 'update-addon',
      what: "Add the add-on's Pod Identity association and remove its role",
      calls: ['eks:UpdateAddon'],
      disruption: 'rolling',
      undo: 'UpdateAddon with the previous role',
    },
  ],
  associations: [{ namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa', roleArn: ROLE }],
  existing: [],
  purge: [],
  carryOver: [],
  trustRepairs: [],
  found: HASH,
  hash: HASH,
} as const;
const HAND_OFF: HandOff = {
  state: 'migrated',
  target: TARGET,
  addon: { name: ADDON, version: 'v1.38.1-eksbuild.1', removeRoleArn: ROLE, associations: [...PLAN.associations] },
  associations: [{ ...PLAN.associations[0], action: 'do-not-import', id: 'a-4m52gmy5x76ycbzc8', tags: {} }],
  trust: [],
  annotations: [],
  notInCode: [],
  order: [`Until this change is merged, nobody may apply code that defines add-on ${ADDON}.`],
};
const UNTOUCHED = {
  warnings: [],
  associations: { purged: [], created: [], restored: [] },
  trustChanges: [],
  retirements: [],
  restoreCommands: [],
  verification: { before: [], pods: [] },
};
const PENDING = { round: 1, planHash: HASH, state: 'pending', requestedAt: ASKED, expiresAt: EXPIRES } as const;

const SWEEP_LINKS = { self: `/v1/sweeps/${ID}` };
const SWEEP_REQUEST: SweepRequestInput = {
  mode: 'migrate',
  selection: { clusters: ['prod-*'], clusterTags: { team: 'payments' } },
  limits: { canary: 2, concurrency: 20 },
  reason: 'Retire IRSA',
};
const SWEEP = {
  sweepId: ID,
  request: { ...SWEEP_REQUEST, requestedBy: DEPLOYER },
  status: 'running',
  phase: 'migrations',
  startedAt: STARTED,
  executionArn: `arn:aws:states:eu-west-1:111122223333:execution:Sweep:${ID}`,
  executionStatus: 'RUNNING',
  wave: { number: 2, size: 4, begun: 4 },
  failures: 0,
  tally: { queued: 31, inFlight: 4, ended: { migrated: 2 } },
} as const;
const REPORTS = {
  bucket: 'podidentitymigrator-sweeps-a1b2c3',
  json: `sweeps/${ID}/report.json`,
  csv: `sweeps/${ID}/report.csv`,
  html: `sweeps/${ID}/report.html`,
};
const commanded = (command: 'pause' | 'resume' | 'stop', reason: string) => ({
  request: { reason },
  answer: {
    ...SWEEP,
    action: command,
    first: true,
    command: { command, at: DECIDED, by: DEPLOYER, reason },
    links: SWEEP_LINKS,
  },
});

export const EXAMPLES: Examples = {
  createPlan: { request: { target: TARGET, addon: ADDON }, answer: { ...ACCEPTED, links: PLAN_LINKS } },
  getPlan: {
    answer: {
      migrationId: ID,
      status: 'ended',
      outcome: 'planned',
      target: TARGET,
      addon: ADDON,
      strategy: 'auto',
      preserve: false,
      dryRun: true,
      requestedBy: DEPLOYER,
      startedAt: STARTED,
      endedAt: ASKED,
      plan: PLAN as never,
      links: PLAN_LINKS,
    },
  },
  createMigration: {
    request: { target: TARGET, addon: ADDON, approval: 'required', reason: 'Retire IRSA' },
    answer: ACCEPTED,
  },
  listMigrations: {
    answer: {
      migrations: [
        {
          migrationId: ID,
          target: TARGET,
          addon: ADDON,
          status: 'ended',
          outcome: 'migrated',
          dryRun: false,
          requestedBy: DEPLOYER,
          startedAt: STARTED,
          endedAt: DECIDED,
          links: LINKS,
        },
      ],
      next: tokenAfter(listIdOf('migrations', { dryRun: 'false' }), LAST),
    },
  },
  getMigration: {
    answer: {
      migrationId: ID,
      status: 'running',
      dryRun: false,
      target: TARGET,
      addon: ADDON,
      strategy: 'auto',
      preserve: false,
      verified: 'none',
      requestedBy: DEPLOYER,
      reason: 'Retire IRSA',
      startedAt: STARTED,
      step: 'plan',
      executionArn: `arn:aws:states:eu-west-1:111122223333:execution:MigrateAddon:${ID}`,
      executionStatus: 'RUNNING',
      plan: PLAN as never,
      approvals: [PENDING],
      steps: [{ name: 'plan', startedAt: STARTED, endedAt: ASKED, tries: 1 }],
      ...UNTOUCHED,
      links: { ...LINKS, approval: `${LINKS.self}/approval`, cancel: `${LINKS.self}/cancel` },
    },
  },
  getHandOff: {
    answer: {
      migrationId: ID,
      handOff: HAND_OFF,
      format: 'terraform',
      text: 'resource "aws_eks_addon" "aws_ebs_csi_driver" {\n  …\n}\n',
      links: { self: `${LINKS.self}/hand-off`, migration: LINKS.self, plan: LINKS.plan },
    },
  },
  decideApproval: {
    request: { decision: 'approve', planHash: HASH, reason: 'Reviewed the plan' },
    answer: {
      action: 'approval',
      migrationId: ID,
      status: 'running',
      first: true,
      approval: {
        ...PENDING,
        state: 'approved',
        decidedBy: REVIEWER,
        decidedAt: DECIDED,
        reason: 'Reviewed the plan',
      },
      links: { ...LINKS, cancel: `${LINKS.self}/cancel` },
    },
  },
  rollBack: {
    request: { reason: 'The driver cannot mount volumes' },
    answer: {
      action: 'rollback',
      migrationId: ID,
      status: 'rolling-back',
      first: true,
      rollback: {
        id: `${ID}-${ID}`,
        state: 'requested',
        cause: 'requested',
        requestedBy: DEPLOYER,
        reason: 'The driver cannot mount volumes',
        after: 'migrated',
        startedAt: DECIDED,
        executionArn: `arn:aws:states:eu-west-1:111122223333:execution:Recover:${ID}-${ID}`,
      },
      links: LINKS,
    },
  },
  retire: {
    request: { dryRun: false, reason: 'Two weeks without IRSA' },
    answer: {
      action: 'retire',
      migrationId: ID,
      status: 'ended',
      first: true,
      retirement: {
        id: `${ID}-${ID}`,
        state: 'requested',
        action: 'retire',
        dryRun: false,
        soakDays: 7,
        requestedBy: DEPLOYER,
        reason: 'Two weeks without IRSA',
        startedAt: DECIDED,
        executionArn: `arn:aws:states:eu-west-1:111122223333:execution:Retire:${ID}-${ID}`,
      },
      links: { ...LINKS, rollback: `${LINKS.self}/rollback` },
    },
  },
  cancel: {
    request: { reason: 'Scheduled for the wrong day' },
    answer: {
      action: 'cancel',
      migrationId: ID,
      status: 'running',
      first: true,
      cancellation: { requestedAt: DECIDED, requestedBy: DEPLOYER, reason: 'Scheduled for the wrong day' },
      begun: false,
      willEnd: 'blocked',
      links: { ...LINKS, cancel: `${LINKS.self}/cancel` },
    },
  },
  listIdentities: {
    answer: {
      target: TARGET,
      takenAt: STARTED,
      cluster: {
        version: '1.31',
        autoMode: false,
        oidcIssuer: 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE',
      },
      agent: { id: 'agent', status: 'pass', message: 'The Pod Identity agent is ready on 3 of 3 nodes.' },
      workloads: [
        {
          namespace: 'kube-system',
          kind: 'Deployment',
          name: 'ebs-csi-controller',
          serviceAccount: 'ebs-csi-controller-sa',
          pods: { total: 2, ready: 2, by: { irsa: 2 } },
          identity: 'irsa',
          example: {
            pod: 'ebs-csi-controller-7d9f8b6c5-abcde',
            evidence: 'AWS_WEB_IDENTITY_TOKEN_FILE in the env of ebs-plugin',
          },
          since: '2026-01-02T10:00:00.000Z',
          youngest: '2026-01-02T10:00:05.000Z',
          roles: [{ by: 'irsa', roleArn: ROLE, pods: 2 }],
          annotatedRole: ROLE,
          obstacles: [],
        },
      ],
      unread: [],
      totals: { workloads: 1 },
    },
  },
  createSweep: { request: SWEEP_REQUEST, answer: { sweepId: ID, status: 'accepted', links: SWEEP_LINKS } },
  listSweeps: {
    answer: {
      sweeps: [{ sweepId: ID, request: SWEEP.request, status: 'running', startedAt: STARTED, links: SWEEP_LINKS }],
      next: tokenAfter(listIdOf('sweeps', {}), LAST),
    },
  },
  getSweep: {
    answer: {
      ...SWEEP,
      links: { ...SWEEP_LINKS, pause: `${SWEEP_LINKS.self}/pause`, stop: `${SWEEP_LINKS.self}/stop` },
    },
  },
  getSweepReport: {
    answer: { sweepId: ID, reports: REPORTS, links: { ...SWEEP_LINKS, report: `${SWEEP_LINKS.self}/report` } },
  },
  pauseSweep: commanded('pause', 'Release night'),
  resumeSweep: commanded('resume', 'Release finished'),
  stopSweep: commanded('stop', 'Volumes cannot be mounted'),
};
