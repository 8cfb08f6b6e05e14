import { readFileSync } from 'node:fs';
import type { HandOff } from '../../lambdas/domain/terms/hand-off.ts';
import type { Association } from '../../lambdas/domain/terms/observed.ts';
import type { Check } from '../../lambdas/domain/terms/check.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import type { PodEvidence } from '../../lambdas/domain/terms/evidence.ts';
import { vi } from 'vitest';
import { CliError } from '../../cli/errors.ts';
import type { Io, Output } from '../../cli/io.ts';

export const ROLE = 'arn:aws:iam::111122223333:role/ebs-csi';
export const TARGET = { account: '111122223333', region: 'eu-west-1', cluster: 'demo' };

/** Collects the program's output; not a terminal. */
export const collector = (): Output & { text: () => string } => {
  const written: string[] = [];
  return { write: (text: string) => written.push(text), text: () => written.join('') };
};

export const collectingIo = (): Io & { out(): string; err(): string } => {
  const stdout = collector();
  const stderr = collector();
  return { stdout, stderr, out: stdout.text, err: stderr.text };
};

export { words } from '../words.ts';

/**
 * Sets these variables for the program in this process until `vi.unstubAllEnvs`, and removes the machine's own variables
 * for AWS and for a deployed service.
 */
export const stubEnvironment = (variables: Readonly<Record<string, string | undefined>>): void => {
  // The machine's own metadata service stays out of every test (vitest.config.ts).
  for (const name of Object.keys(process.env))
    if (/^(AWS|POD_IDENTITY)_/.test(name) && name !== 'AWS_EC2_METADATA_DISABLED') vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
};

/** Returns the keys of a profile in the credentials file of a served sandbox. */
export const keysOf = (environment: Record<string, string>, profile = 'default') => {
  const text = readFileSync(environment['AWS_SHARED_CREDENTIALS_FILE']!, 'utf8');
  const section = text.split('\n\n').find((each) => each.startsWith(`[${profile}]`))!;
  const valueOf = (name: string): string => new RegExp(`^${name} = (.+)$`, 'm').exec(section)![1]!;
  return {
    accessKeyId: valueOf('aws_access_key_id'),
    secretAccessKey: valueOf('aws_secret_access_key'),
    sessionToken: valueOf('aws_session_token'),
  };
};

/** Returns the options of an SDK client for a sandbox that printed this environment. */
export const sdkOf = (
  environment: Record<string, string>,
  url = environment['AWS_ENDPOINT_URL'],
  profile = 'default',
) => ({ endpoint: url, region: environment['AWS_REGION']!, credentials: keysOf(environment, profile), maxAttempts: 1 });

export const anAssociation = (change: Partial<Association> = {}): Association => ({
  id: 'a-00000000000000001',
  arn: 'arn:aws:eks:eu-west-1:111122223333:podidentityassociation/demo/a-00000000000000001',
  namespace: 'kube-system',
  serviceAccount: 'ebs-csi-controller-sa',
  roleArn: ROLE,
  tags: {},
  createdAt: '2025-11-02T10:00:00.000Z',
  modifiedAt: '2025-11-02T10:00:00.000Z',
  ...change,
});

export const aPod = (change: Partial<PodEvidence> = {}): PodEvidence => ({
  namespace: 'kube-system',
  name: 'ebs-csi-controller-old',
  uid: 'uid-old',
  serviceAccount: 'ebs-csi-controller-sa',
  identity: 'irsa',
  ready: true,
  createdAt: '2025-12-01T10:00:00.000Z',
  evidence: 'AWS_ROLE_ARN',
  ...change,
});

export const aCheck = (change: Partial<Check> = {}): Check => ({
  id: 'cluster-active',
  status: 'pass',
  message: 'cluster demo is ACTIVE',
  ...change,
});

export const aPlan = (change: Partial<Plan> = {}): Plan => ({
  verdict: 'migrate',
  strategy: 'recreate',
  preserve: false,
  attempts: [{ strategy: 'recreate', preserve: false, disruption: 'outage', resolveConflicts: 'NONE' }],
  checks: [aCheck()],
  steps: [
    {
      name: 'delete-addon',
      what: 'Delete the add-on',
      calls: ['eks:DeleteAddon'],
      disruption: 'outage',
      undo: 'create it again from the snapshot',
    },
    { name: 'verify-pods', what: 'Verify the pods', calls: [], disruption: 'none', undo: 'nothing to undo' },
  ],
  addon: {
    name: 'aws-ebs-csi-driver',
    arn: 'arn:aws:eks:eu-west-1:111122223333:addon/demo/aws-ebs-csi-driver/1',
    version: 'v1.35.0-eksbuild.1',
    status: 'ACTIVE',
    serviceAccountRoleArn: ROLE,
    podIdentityAssociations: [],
    tags: {},
    issues: [],
  },
  associations: [{ namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa', roleArn: ROLE }],
  identityLosses: [],
  existing: ['a-00000000000000001'],
  purge: ['a-00000000000000001'],
  carryOver: [],
  trustRepairs: [],
  owners: [],
  found: 'e'.repeat(64),
  hash: 'f'.repeat(64),
  ...change,
});

export const aReport = (change: Partial<MigrationReport> = {}): MigrationReport => ({
  migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
  outcome: 'migrated',
  approvals: [],
  target: TARGET,
  addon: 'aws-ebs-csi-driver',
  strategy: 'recreate',
  preserve: false,
  verified: 'ready',
  startedAt: '2026-01-15T09:00:00.000Z',
  endedAt: '2026-01-15T09:01:43.000Z',
  plan: aPlan(),
  warnings: [],
  steps: [
    {
      name: 'plan',
      startedAt: '2026-01-15T09:00:00.000Z',
      endedAt: '2026-01-15T09:00:00.200Z',
      tries: 1,
      result: 'migrate',
    },
    {
      name: 'await-deleted',
      startedAt: '2026-01-15T09:00:01.000Z',
      endedAt: '2026-01-15T09:00:43.000Z',
      tries: 4,
      result: 'gone',
    },
  ],
  associations: {
    purged: [anAssociation()],
    created: [anAssociation({ id: 'a-00000000000000002', ownerArn: 'arn:owner' })],
    restored: [],
  },
  trustChanges: [],
  retirements: [],
  verification: {
    before: [aPod()],
    pods: [
      aPod({
        name: 'ebs-csi-controller-new',
        uid: 'uid-new',
        identity: 'pod-identity',
        restarts: 0,
        level: 'ready',
        createdAt: '2026-01-15T09:01:12.000Z',
        evidence: 'AWS_CONTAINER_CREDENTIALS_FULL_URI',
      }),
    ],
  },
  restoreCommands: [],
  simulated: true,
  ...change,
});

export const aHandOff = (change: Partial<HandOff> = {}): HandOff => ({
  state: 'planned',
  target: TARGET,
  addon: { name: 'aws-ebs-csi-driver', removeRoleArn: ROLE, associations: [] },
  associations: [],
  trust: [],
  annotations: [],
  notInCode: [],
  order: ['Nobody may apply.', 'A pipeline must be paused.', 'The order.'],
  ...change,
});

/** Returns the CliError that a function throws. */
export const errorOf = (run: () => unknown): CliError => {
  try {
    run();
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error('expected a CliError');
};
