/** Where a migration runs: the embedded sandbox, or a deployed service (`deployed.ts`). */
import type { SFNClient } from '@aws-sdk/client-sfn';
import { ulid } from 'ulid';
import { AwsExecutions } from '../lambdas/adapters/aws-executions.ts';
import { createDynamoLedger } from '../lambdas/adapters/dynamo-ledger.ts';
import { createDynamoSweeps } from '../lambdas/adapters/dynamo-sweeps.ts';
import { s3Documents } from '../lambdas/adapters/s3-documents.ts';
import type { ApproverRule } from '../lambdas/domain/approval/approval.ts';
import type { Disruption, Migration } from '../lambdas/domain/record/migration.ts';
import type { Clock, Documents, Executions, Ids, Ledger, Sweeps } from '../lambdas/ports/index.ts';
import type { OpenOptions, Sandbox } from '../sandbox/sandbox.ts';
import type { SandboxClock } from '../sandbox/clock/clock.ts';
import { Random } from '../sandbox/random.ts';
import type { Scenario } from '../sandbox/scenario/scenario.ts';
import { ensureAssembly } from './assembly.ts';
import { watchDisruption } from './disruption.ts';

/** Access to sweeps. */
export interface Sweeping {
  sweeps: Sweeps;
  /** Returns the objects of a bucket. */
  documentsIn: (bucket: string) => Documents;
  /** Absent if the environment does not name the state machine, or the bucket, of sweeps. */
  stateMachineArn?: string | undefined;
  bucketName?: string | undefined;
}

export interface Backend {
  stepFunctions: SFNClient;
  ledger: Ledger;
  /** `spawn` starts a thread of control that may sleep; in real time, it just runs it. */
  clock: Clock & Pick<SandboxClock, 'spawn'> & Partial<Pick<SandboxClock, 'kind'>>;
  ids: Ids;
  stateMachineArn: string;
  recoverStateMachineArn: string;
  /** Absent if the service may not change trust policies. */
  retireStateMachineArn?: string;
  sweeping?: Sweeping;
  /** Who may approve a plan; absent if not known here, which means the strictest rule. */
  approver?: ApproverRule | undefined;
  /** Whether a migration with an unauthenticated requester may be approved; absent means no. */
  allowUnknownRequester?: boolean | undefined;
  /** True if AWS is simulated: durations then come from knobs. */
  simulated: boolean;
  /** Returns the disruption of an ended migration's pods; absent if they are not observed all the time. */
  disruption?: (migration: Migration) => Disruption | undefined;
  close(): Promise<void>;
}

export interface SandboxBackend extends Backend {
  sandbox: Sandbox;
}

/** Returns the port of the service's own code, over a backend's client. */
export const executionsOf = ({
  stepFunctions,
  stateMachineArn,
  recoverStateMachineArn,
  sweeping,
}: Pick<Backend, 'stepFunctions' | 'stateMachineArn' | 'recoverStateMachineArn' | 'sweeping'>): Executions => {
  const sweepStateMachineArn = sweeping?.stateMachineArn;
  return new AwsExecutions({
    client: stepFunctions,
    stateMachineArn: () => stateMachineArn,
    recoverStateMachineArn: () => recoverStateMachineArn,
    ...(sweepStateMachineArn === undefined ? {} : { sweepStateMachineArn: () => sweepStateMachineArn }),
  });
};

/** Opens the sandbox over the synthesised application, building it first if necessary (calls `onBuild` then). */
export const openSandboxBackend = async (
  scenario: Scenario,
  options: Pick<
    OpenOptions,
    'clock' | 'controlPlanes' | 'definitionOf' | 'interpret' | 'keepCalls' | 'lambdas' | 'listen' | 'seed' | 'clients'
  > & { onBuild?: () => void },
): Promise<SandboxBackend> => {
  const seed = options.seed ?? scenario.seed;
  const { directory } = await ensureAssembly(options.onBuild);
  const { onBuild: _, ...given } = options;
  const { openSandbox } = await import('../sandbox/sandbox.ts');
  const sandbox = await openSandbox({ ...given, scenario, seed, assemblyDirectory: directory });
  const clients = sandbox.clients();
  const { tableName, sweepStateMachineArn, sweepBucketName, ...machines } = sandbox.outputs;
  // A separate generator, so that the number of ids drawn here does not shift what the world draws.
  const random = new Random(seed);
  return {
    sandbox,
    stepFunctions: clients.stepFunctions(),
    ledger: createDynamoLedger({ client: clients.dynamodb(), tableName }),
    sweeping: {
      sweeps: createDynamoSweeps({ client: clients.dynamodb(), tableName }),
      documentsIn: (bucket) => s3Documents(clients, () => bucket),
      stateMachineArn: sweepStateMachineArn,
      bucketName: sweepBucketName,
    },
    clock: sandbox.clock,
    ids: { ulid: () => ulid(sandbox.clock.now(), () => random.next()) },
    ...machines,
    allowUnknownRequester: true,
    simulated: true,
    disruption: watchDisruption(sandbox.world),
    close: () => sandbox.close(),
  };
};
