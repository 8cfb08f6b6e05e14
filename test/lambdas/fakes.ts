/** The ports in memory: what a step asked of them stands in one journal, and any call can be made to fail once. */
import { MigrationError } from '../../lambdas/domain/errors.ts';
import { partitionOf } from '../../lambdas/domain/arn.ts';
import type { Association, Migration, PodEvidence, Snapshot, StepLine } from '../../lambdas/domain/model.ts';
import type { Clock, HandlerDependencies, Ids, Kubernetes, Ledger, LockHolder, Pod, Role, Roles, StepEntry, Telemetry, Workload, WorkloadRef } from '../../lambdas/ports/index.ts';
import type { Step } from '../../lambdas/runtime/step.ts';
import { FakeEks } from './fake-eks.ts';
import { aNodePod, aPod, aWorkload, agentDaemonSet, bothWays, NOW, ROLE } from './fixtures.ts';

/** Calls that change something outside the ledger. */
const MUTATING = new Set(['eks.createAddon', 'eks.updateAddon', 'eks.deleteAddon', 'eks.createAssociation', 'eks.deleteAssociation', 'kubernetes.restartWorkload']);

export type When = 'before' | 'after';
interface Fault {
  matches: (call: string, index: number) => boolean;
  when: When;
  error: Error;
}

export const lost = (): MigrationError => new MigrationError('ConnectionLost', 'TimeoutError: socket hang up');

/** Every call of every port, in order. A fault strikes once: `before` the effect, or `after` it, which is a lost reply. */
export class Journal {
  readonly calls: { call: string; args: unknown[] }[] = [];
  private faults: Fault[] = [];

  failNext(call: string, when: When = 'before', error: Error = lost()): void {
    this.faults.push({ matches: (name) => name === call, when, error });
  }
  /** Strikes at the call of that number, counted from 0 over all ports. */
  failAt(position: number, when: When, error: Error = lost()): void {
    this.faults.push({ matches: (_, index) => index === position, when, error });
  }
  enter(call: string, args: unknown[]): Fault | undefined {
    const index = this.calls.push({ call, args: structuredClone(args) }) - 1;
    const fault = this.faults.find((one) => one.matches(call, index));
    this.faults = this.faults.filter((one) => one !== fault);
    return fault;
  }
  clear(): void {
    this.calls.length = 0;
  }
  names(): string[] {
    return this.calls.map((one) => one.call);
  }
  mutations(): string[] {
    return this.names().filter((name) => MUTATING.has(name));
  }
  /** Arguments of the calls of that name. */
  of(call: string): unknown[][] {
    return this.calls.filter((one) => one.call === call).map((one) => one.args);
  }
}

function watched<T extends object>(name: string, port: T, journal: Journal): T {
  return new Proxy(port, {
    get: (inner, key) => {
      const member: unknown = Reflect.get(inner, key);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        const fault = journal.enter(`${name}.${String(key)}`, args);
        if (fault?.when === 'before') throw fault.error;
        const answer: unknown = await Reflect.apply(member, inner, args);
        if (fault) throw fault.error;
        return structuredClone(answer);
      };
    },
  });
}

/** Stands still but for `sleep`, which takes no real time. */
export class FakeClock implements Clock {
  private time = NOW;
  readonly slept: number[] = [];
  now(): number {
    return this.time;
  }
  advance(milliseconds: number): void {
    this.time += milliseconds;
  }
  async sleep(milliseconds: number): Promise<void> {
    this.slept.push(milliseconds);
    this.advance(milliseconds);
  }
}

export class FakeRoles implements Roles {
  readonly trust: Record<string, string | undefined> = { [ROLE]: bothWays };
  async getRole(arn: string): Promise<Role | undefined> {
    const trustPolicy = this.trust[arn];
    return trustPolicy === undefined ? undefined : { arn, trustPolicy };
  }
}

export class FakeKubernetes implements Kubernetes {
  pods: Pod[] = [aPod('irsa'), aNodePod()];
  workloads: Workload[] = [aWorkload(), aWorkload({ kind: 'DaemonSet', name: 'ebs-csi-node', serviceAccount: 'ebs-csi-node-sa' }), agentDaemonSet()];
  /** Called with a workload whose pods are to roll. */
  onRestart: (ref: WorkloadRef) => void = () => undefined;

  async listPods(namespace: string): Promise<Pod[]> {
    return this.pods.filter((pod) => pod.namespace === namespace);
  }
  async listWorkloads(namespace: string): Promise<Workload[]> {
    return this.workloads.filter((workload) => workload.namespace === namespace);
  }
  async getWorkload(ref: WorkloadRef): Promise<Workload | undefined> {
    return this.workloads.find((one) => one.kind === ref.kind && one.namespace === ref.namespace && one.name === ref.name);
  }
  async restartWorkload(ref: WorkloadRef, marker: string): Promise<void> {
    const workload = await this.getWorkload(ref);
    if (!workload) throw new MigrationError('NotFound', `${ref.kind} ${ref.name} is not there`);
    if (workload.templateAnnotations['restarted'] === marker) return;
    workload.templateAnnotations = { restarted: marker };
    this.onRestart(ref);
  }
}

/** The ledger's promises on maps; `test/lambdas/adapters/dynamo-ledger.test.ts` holds both to one set of tests. */
export class FakeLedger implements Ledger {
  private readonly records = new Map<string, Migration>();
  private readonly snapshots = new Map<string, Snapshot>();
  private readonly lines = new Map<string, StepLine[]>();
  private readonly evidence = new Map<string, PodEvidence[]>();
  private readonly locks = new Map<string, { fence: number; owner?: LockHolder }>();

  async putMigration(record: Migration): Promise<void> {
    const before = this.records.get(record.migrationId);
    if (before?.status === 'ended') throw new MigrationError('BadInput', `Migration ${record.migrationId} is already over; start a new one under a new id.`);
    this.records.set(record.migrationId, structuredClone({ ...record, associations: before?.associations ?? { purged: [], created: [], restored: [] } }));
  }
  async getMigration(migrationId: string): Promise<Migration | undefined> {
    return structuredClone(this.records.get(migrationId));
  }
  async updateMigration(migrationId: string, change: Partial<Omit<Migration, 'migrationId' | 'associations'>>): Promise<void> {
    const record = this.records.get(migrationId);
    if (record) Object.assign(record, structuredClone(Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))));
  }
  async recordAssociation(migrationId: string, what: 'purged' | 'created' | 'restored', association: Association): Promise<void> {
    const list = this.records.get(migrationId)?.associations[what];
    if (list && !list.some((one) => one.id === association.id)) list.push(structuredClone(association));
  }

  async acquireLock(key: string, owner: LockHolder): ReturnType<Ledger['acquireLock']> {
    const lock = this.locks.get(key);
    if (lock?.owner && lock.owner.migrationId !== owner.migrationId) return { acquired: false, holder: lock.owner };
    const fence = (lock?.fence ?? 0) + 1;
    this.locks.set(key, { fence, owner });
    return { acquired: true, fence };
  }
  async assertLock(key: string, migrationId: string, fence: number): Promise<void> {
    const lock = this.locks.get(key);
    if (lock?.owner?.migrationId !== migrationId || lock.fence !== fence) throw new MigrationError('LockLost', `The lock ${key} is no longer held by migration ${migrationId} (fence ${fence}).`);
  }
  async releaseLock(key: string, migrationId: string): Promise<void> {
    const lock = this.locks.get(key);
    if (lock?.owner?.migrationId === migrationId) this.locks.set(key, { fence: lock.fence });
  }

  async putSnapshot(migrationId: string, snapshot: Snapshot): Promise<void> {
    this.snapshots.set(migrationId, structuredClone(snapshot));
  }
  async getSnapshot(migrationId: string): Promise<Snapshot | undefined> {
    return structuredClone(this.snapshots.get(migrationId));
  }

  async recordStep(migrationId: string, { name, startedAt, endedAt, result, error }: StepEntry): Promise<void> {
    const lines = this.lines.get(migrationId) ?? [];
    const before = lines.find((line) => line.name === name);
    const line: StepLine = { name, startedAt: before?.startedAt ?? startedAt, endedAt, attempts: (before?.attempts ?? 0) + 1 };
    if ((result ?? before?.result) !== undefined) line.result = result ?? before?.result;
    if (error) line.error = error;
    this.lines.set(migrationId, [...lines.filter((one) => one !== before), line]);
  }
  async listSteps(migrationId: string): Promise<StepLine[]> {
    return [...(this.lines.get(migrationId) ?? [])].sort((a, b) => a.startedAt.localeCompare(b.startedAt) || a.endedAt.localeCompare(b.endedAt));
  }

  async putEvidence(migrationId: string, round: string, pods: PodEvidence[]): Promise<void> {
    this.evidence.set(`${migrationId}#${round}`, structuredClone(pods));
  }
  async getEvidence(migrationId: string, round: string): Promise<PodEvidence[]> {
    return structuredClone(this.evidence.get(`${migrationId}#${round}`) ?? []);
  }
}

export class FakeTelemetry implements Telemetry {
  readonly lines: { level: 'info' | 'warn' | 'error'; message: string; fields: Record<string, unknown> }[] = [];
  readonly counts: Record<string, number> = {};
  private readonly line =
    (level: 'info' | 'warn' | 'error') =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      this.lines.push({ level, message, fields });
    };
  readonly log = { info: this.line('info'), warn: this.line('warn'), error: this.line('error') };
  count(metric: string, value = 1): void {
    this.counts[metric] = (this.counts[metric] ?? 0) + value;
  }
}

export interface Fakes {
  journal: Journal;
  clock: FakeClock;
  eks: FakeEks;
  roles: FakeRoles;
  kubernetes: FakeKubernetes;
  /** Unwatched: what a test looks up in it is not in the journal. */
  ledger: FakeLedger;
  telemetry: FakeTelemetry;
  dependencies: HandlerDependencies;
}

/** One target's ports over one journal: the driver on IRSA, its pods running. */
export function newFakes(): Fakes {
  const journal = new Journal();
  const clock = new FakeClock();
  const [eks, roles, kubernetes, ledger, telemetry] = [new FakeEks(clock), new FakeRoles(), new FakeKubernetes(), new FakeLedger(), new FakeTelemetry()];
  let made = 0;
  const ids: Ids = { ulid: () => `01JD8Z5Q6R7S8T9V0W1X2Y${String(++made).padStart(4, '0')}` };
  const ports = { eks: watched('eks', eks, journal), roles: watched('roles', roles, journal), kubernetes: watched('kubernetes', kubernetes, journal) };
  return {
    journal,
    clock,
    eks,
    roles,
    kubernetes,
    ledger,
    telemetry,
    dependencies: {
      portsFor: (target) => {
        if (partitionOf(target.region) !== 'aws') throw new Error(`no ports for ${target.region}`);
        return ports;
      },
      ledger: watched('ledger', ledger, journal),
      clock,
      ids,
      telemetry,
    },
  };
}

/** Runs a step as its handler does: input and output through its schemas. */
export async function invoke(step: Step, input: unknown, { dependencies }: Fakes): Promise<unknown> {
  return step.schema.output.parse(await step.run(step.schema.input.parse(input), dependencies));
}
