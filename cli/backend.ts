/** Where a migration runs: the embedded sandbox, or (`deployed.ts`) a service that is deployed. */
import type { SFNClient } from '@aws-sdk/client-sfn';
import { ulid } from 'ulid';
import { AwsExecutions } from '../lambdas/adapters/aws-executions.ts';
import { createDynamoLedger } from '../lambdas/adapters/dynamo-ledger.ts';
import { createDynamoSweeps } from '../lambdas/adapters/dynamo-sweeps.ts';
import { s3Documents } from '../lambdas/adapters/s3-documents.ts';
import type { ApproverRule, Disruption, Migration } from '../lambdas/domain/migration/model.ts';
import type { Clock, Documents, Executions, Ids, Ledger, Sweeps } from '../lambdas/ports/index.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from '../sandbox/sandbox.ts';
import type { SandboxClock } from '../sandbox/world/clock.ts';
import { Random } from '../sandbox/world/random.ts';
import type { Scenario } from '../sandbox/world/scenario.ts';
import { ensureAssembly } from './assembly.ts';
import { watchDisruption } from './disruption.ts';

/** What there is of sweeps. */
export interface Sweeping {
  sweeps: Sweeps;
  /** Objects of the bucket of that name. */
  documentsIn: (bucket: string) => Documents;
  /** Absent where it is not said where sweeps run, or where they keep what they find. */
  stateMachineArn?: string | undefined;
  bucketName?: string | undefined;
}

export interface Backend {
  stepFunctions: SFNClient;
  ledger: Ledger;
  /** `spawn` starts a thread of control that may sleep; where time is real it just runs it. */
  clock: Clock & Pick<SandboxClock, 'spawn'> & Partial<Pick<SandboxClock, 'kind'>>;
  ids: Ids;
  stateMachineArn: string;
  recoverStateMachineArn: string;
  /** Absent where the service may change no trust policy. */
  retireStateMachineArn?: string;
  sweeping?: Sweeping;
  /** Who may approve what somebody asked for; the strictest rule where it is not known here. */
  approver?: ApproverRule | undefined;
  /** Whether a migration may be approved whose requester nobody has authenticated; not where that is not known here. */
  allowUnknownRequester?: boolean | undefined;
  /** True where AWS is played: durations then come from knobs. */
  simulated: boolean;
  /** What an ended migration did to its pods, where somebody has watched them all the time. */
  disruption?: (migration: Migration) => Disruption | undefined;
  close(): Promise<void>;
}

export interface SandboxBackend extends Backend {
  sandbox: Sandbox;
}

/** The port that the service's own code has, over a backend's client. */
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

/**
 * Opens the sandbox over the synthesised application; builds that first where there is none (`onBuild` is called then).
 */
export const openSandboxBackend = async (
  scenario: Scenario,
  options: Pick<SandboxOptions, 'clock' | 'definitionOf' | 'keepCalls' | 'lambdas' | 'listen' | 'seed' | 'clients'> & {
    onBuild?: () => void;
  },
): Promise<SandboxBackend> => {
  const seed = options.seed ?? scenario.seed;
  const { directory } = await ensureAssembly(options.onBuild);
  const { onBuild: _, ...given } = options;
  const sandbox = await openSandbox({ ...given, scenario, seed, assemblyDirectory: directory });
  const clients = sandbox.clients();
  const { tableName, sweepStateMachineArn, sweepBucketName, ...machines } = sandbox.outputs;
  // A generator of its own: the number of ids made here must not shift what the world draws.
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
