/** The ports in memory: what a step asked of them stands in one journal, and any call can be made to fail once. */
import { copyOf } from './copy.ts';
import { isMigrationError, MigrationError } from '../../lambdas/domain/failures/errors.ts';
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type { ServiceEvent } from '../../lambdas/domain/events/service-event.ts';
import type {
  AnnotatedServiceAccount,
  AttributedServiceAccount,
  AroundCalls,
  CalledService,
  Clock,
  ApiGroup,
  CustomResourceKind,
  ListedKind,
  Events,
  HandlerDependencies,
  Ids,
  Kubernetes,
  MutatingWebhook,
  Node,
  OidcProvider,
  Pod,
  Role,
  RolePolicy,
  SimulatedCall,
  SimulationQuestion,
  Roles,
  ServiceAccount,
  ServiceAccountDetail,
  Settings,
  Workload,
  WorkloadRef,
} from '../../lambdas/ports/index.ts';
import { type Kind, PORT_KINDS } from '../../lambdas/ports/kinds.ts';
import type { Step } from '../../lambdas/runtime/step.ts';
import { FakeEks } from './fake-eks.ts';
import { FakeExecutions } from './fake-executions.ts';
import { FakeLedger } from './fake-ledger.ts';
import { FakePace } from './fake-pace.ts';
import { FakeTelemetry } from './fake-telemetry.ts';
import { FakeDocuments, FakeFleet, FakeSweeps } from './fake-sweeps.ts';
import { NODE_ROLE, ROLE, ROLES_OF_ACCOUNT } from './example.ts';
import { NOW } from './run-examples.ts';
import { bothWays } from './trust-examples.ts';
import {
  aNode,
  aNodePod,
  anAgentPod,
  anAnnotatedAccount,
  aPod,
  podIdentityWebhook,
  someWorkloads,
} from './eks-fixtures.ts';
import { STEP_ROLES } from './fixtures.ts';

export { FakeLedger };

/** The ports that change something outside the service's own table and bucket. */
const OUTSIDE = ['eks', 'kubernetes', 'roles', 'events', 'executions'] as const;
/** Calls that change something there. */
const MUTATING: ReadonlySet<string> = new Set(
  OUTSIDE.flatMap((port) =>
    Object.entries<Kind>(PORT_KINDS[port]).flatMap(([name, kind]) => (kind === 'write' ? [`${port}.${name}`] : [])),
  ),
);

export type When = 'before' | 'after';
interface Fault {
  matches: (call: string, index: number) => boolean;
  when: When;
  error: Error;
}

export const lost = (): MigrationError => new MigrationError('ConnectionLost', 'TimeoutError: socket hang up');

/**
 * Every call of every port, in order. A fault strikes once: `before` the effect, or `after` it, which is a lost reply.
 */
export class Journal {
  readonly calls: { call: string; args: unknown[] }[] = [];
  private faults: Fault[] = [];

  failNext(call: string, when: When = 'before', error: Error = lost()): void {
    this.faults.push({ matches: (name) => name === call, when, error });
  }
  /** The next such call is refused before its effect. */
  refuseNext(call: string, ...error: ConstructorParameters<typeof MigrationError>): void {
    this.failNext(call, 'before', new MigrationError(...error));
  }
  /** Strikes at the call of that number, counted from 0 over all ports. */
  failAt(position: number, when: When, error: Error = lost()): void {
    this.faults.push({ matches: (_, index) => index === position, when, error });
  }
  enter(call: string, args: unknown[]): Fault | undefined {
    // A visitor can't be kept.
    const index =
      this.calls.push({ call, args: copyOf(args.map((arg) => (typeof arg === 'function' ? 'a function' : arg))) }) - 1;
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
  /** The call directly before the first one of that name. */
  before(call: string): string | undefined {
    return this.names()[this.names().indexOf(call) - 1];
  }
  /** Those calls, in the order in which each was made first; without those that were not made. */
  firsts(...calls: string[]): string[] {
    return [...new Set(this.names())].filter((name) => calls.includes(name));
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
        return copyOf(answer);
      };
    },
  });
}

/** Each call of the port is one call of the service. */
const guarded = <T extends object>(service: CalledService, port: T, around: AroundCalls | undefined): T =>
  around
    ? new Proxy(port, {
        get: (inner, key) => {
          const member: unknown = Reflect.get(inner, key);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]) =>
            around(
              service,
              () => Reflect.apply(member, inner, args) as Promise<unknown>,
              (error) => (isMigrationError(error) ? error.name : 'ConnectionLost'),
            );
        },
      })
    : port;

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
  /** Tags by role's ARN. */
  readonly tags: Record<string, Record<string, string>> = {};
  /** Characters without white space that a trust policy may have. */
  trustQuota = 2048;
  /** By role's ARN; a role that is not there has none. */
  readonly policies: Record<string, RolePolicy[]> = {
    [NODE_ROLE]: [{ name: 'AmazonEKSWorkerNodePolicy', arn: 'arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy' }],
  };
  /** By role's ARN; a role that is not there has none. */
  readonly boundaries: Record<string, RolePolicy> = {};
  /** What IAM's simulation refuses; it allows everything else. */
  readonly refused: { action: string; principalArn?: string; resource?: string; service?: string }[] = [];
  /** Condition keys that its answers miss. */
  readonly missing: string[] = [];
  /** Condition keys of the policies, which its answers miss if the question does not have them. */
  readonly used: string[] = [];
  readonly limitedBy: SimulatedCall['limitedBy'][number][] = [];
  async getRole(arn: string): Promise<Role | undefined> {
    const trustPolicy = this.trust[arn];
    return trustPolicy === undefined ? undefined : { arn, trustPolicy, tags: this.tags[arn] ?? {} };
  }
  /** ARNs of the OIDC providers that IAM lacks; it has all others. */
  readonly absentProviders = new Set<string>();
  clientIds = ['sts.amazonaws.com'];
  async getOidcProvider(arn: string): Promise<OidcProvider | undefined> {
    return this.absentProviders.has(arn) ? undefined : { arn, clientIds: this.clientIds };
  }

  async findRole(name: string): Promise<string | undefined> {
    return Object.keys(this.trust).find((arn) => arn.endsWith(`/${name}`));
  }
  async updateTrustPolicy(arn: string, document: string): Promise<void> {
    if (this.trust[arn] === undefined)
      throw new MigrationError(
        'NotFound',
        `iam:UpdateAssumeRolePolicy: NoSuchEntity: The role with name ${arn.split('/').at(-1)} cannot be found.`,
      );
    if (document.replace(/\s/g, '').length > this.trustQuota)
      throw new MigrationError(
        'TrustTooLong',
        `iam:UpdateAssumeRolePolicy: LimitExceeded: Cannot exceed quota for ACLSizePerRole: ${this.trustQuota}`,
      );
    this.trust[arn] = document;
  }
  async listPolicies(arn: string): Promise<RolePolicy[]> {
    return this.policies[arn] ?? [];
  }
  async getBoundary(arn: string): Promise<RolePolicy | undefined> {
    return this.boundaries[arn];
  }
  async simulate({ principalArn, actions, resources, context }: SimulationQuestion): Promise<SimulatedCall[]> {
    return actions.flatMap((action) =>
      resources.map((resource) => {
        const service = context['iam:PassedToService']?.[0];
        const refused = this.refused.some(
          (one) =>
            one.action === action &&
            (one.principalArn ?? principalArn) === principalArn &&
            (one.resource ?? resource) === resource &&
            (one.service ?? service) === service,
        );
        const missing = [...this.missing, ...this.used.filter((key) => context[key] === undefined)];
        return { action, resource, allowed: !refused, missing, limitedBy: [...this.limitedBy] };
      }),
    );
  }
}

export class FakeKubernetes implements Kubernetes {
  pods: Pod[] = [aPod('irsa'), aNodePod()];
  /** Pods of the Pod Identity agent, kept apart from the other pods. */
  agentPods: Pod[] = [anAgentPod('node-1'), anAgentPod('node-2')];
  workloads: Workload[] = someWorkloads();
  /** By group and plural, such as `cert-manager.io/certificates`: `namespace/name` of each. */
  readonly customResources: Record<string, string[]> = {};
  /** Service accounts with the IRSA annotation. */
  annotated: (AnnotatedServiceAccount & Partial<AttributedServiceAccount>)[] = [];
  /** Service accounts without it. */
  plainServiceAccounts: ServiceAccount[] = [];
  /** Those that are asked for by name. */
  serviceAccounts: ServiceAccountDetail[] = [anAnnotatedAccount()];
  nodes: Node[] = [aNode(), aNode({ name: 'node-2' })];
  webhooks: MutatingWebhook[] = [podIdentityWebhook()];
  /** Called with a workload whose pods are to roll. */
  onRestart: (ref: WorkloadRef) => void = () => undefined;

  private all(): Pod[] {
    return [...this.pods, ...this.agentPods];
  }
  async listPods(namespace: string): Promise<Pod[]> {
    return this.all().filter((pod) => pod.namespace === namespace);
  }
  async listAllPods(): Promise<Pod[]> {
    return this.all();
  }
  /** Two at a time, so that what holds on to the first page is seen. */
  async eachPod(visit: (pods: Pod[]) => void): Promise<void> {
    const all = this.all();
    for (let from = 0; from < all.length; from += 2) visit(all.slice(from, from + 2));
  }
  async listServiceAccounts(): Promise<ServiceAccount[]> {
    return [...this.plainServiceAccounts, ...this.annotated];
  }
  async listNodes(): Promise<Node[]> {
    return this.nodes;
  }
  async listMutatingWebhooks(): Promise<MutatingWebhook[]> {
    return this.webhooks;
  }
  async listAnnotatedServiceAccounts(): Promise<AnnotatedServiceAccount[]> {
    return this.annotated;
  }
  async listAttributedServiceAccounts(namespace: string): Promise<AttributedServiceAccount[]> {
    return this.annotated
      .filter((one) => one.namespace === namespace)
      .map((one) => ({ annotatedBy: ['eks'], labels: {}, annotations: {}, managers: ['eks'], ...one }));
  }
  async listWorkloads(namespace: string): Promise<Workload[]> {
    return this.workloads.filter((workload) => workload.namespace === namespace);
  }
  async getWorkload(ref: WorkloadRef): Promise<Workload | undefined> {
    return this.workloads.find(
      (one) => one.kind === ref.kind && one.namespace === ref.namespace && one.name === ref.name,
    );
  }
  async getServiceAccount(namespace: string, name: string): Promise<ServiceAccountDetail | undefined> {
    return copyOf(this.serviceAccounts.find((one) => one.namespace === namespace && one.name === name));
  }
  async annotateServiceAccount(
    { namespace, name, resourceVersion }: Pick<ServiceAccountDetail, 'namespace' | 'name' | 'resourceVersion'>,
    roleArn: string | null,
  ): Promise<void> {
    const account = this.serviceAccounts.find((one) => one.namespace === namespace && one.name === name);
    if (!account) throw new MigrationError('NotFound', `service account ${namespace}/${name} is not there`);
    if (account.resourceVersion !== resourceVersion)
      throw new MigrationError('Busy', `service account ${namespace}/${name} was changed since`);
    delete account.roleArn;
    if (roleArn !== null) account.roleArn = roleArn;
    account.resourceVersion = String(Number(account.resourceVersion) + 1);
  }
  async listCustomResources({ group, plural }: CustomResourceKind): Promise<string[]> {
    return this.customResources[`${group}/${plural}`] ?? [];
  }
  /** Objects by `plural.group`; a resource that is not named is not served. */
  objects: Record<string, unknown[]> = {};
  /** Versions by group; `v1` for a group that is not named. */
  versions: Record<string, string[]> = {};
  /** Resources whose list is refused, by `plural.group`. */
  readonly forbidden = new Set<string>();
  private versionsOf(group: string): string[] {
    return this.versions[group] ?? ['v1'];
  }
  async listApiGroups(): Promise<ApiGroup[]> {
    const served = [...Object.keys(this.objects), ...this.forbidden].map((name) => name.split('.').slice(1).join('.'));
    return [...new Set(served)]
      .filter((name) => name !== '')
      .map((name) => ({ name, versions: this.versionsOf(name) }));
  }
  async listObjects({ group, version, plural, namespace }: ListedKind): Promise<unknown[] | undefined> {
    const resource = group === '' ? plural : `${plural}.${group}`;
    if (this.forbidden.has(resource))
      throw new MigrationError('AccessDenied', `The API server answered 403 to list ${resource}: it is forbidden.`);
    const all = this.versionsOf(group).includes(version) ? this.objects[resource] : undefined;
    return namespace === undefined
      ? all
      : all?.filter((one) => (one as { metadata?: { namespace?: string } }).metadata?.namespace === namespace);
  }
  async restartWorkload(ref: WorkloadRef, marker: string): Promise<void> {
    const workload = await this.getWorkload(ref);
    if (!workload) throw new MigrationError('NotFound', `${ref.kind} ${ref.name} is not there`);
    if (workload.templateAnnotations['restarted'] === marker) return;
    workload.templateAnnotations = { restarted: marker };
    this.onRestart(ref);
  }
  /** What an eviction is answered with, where it is not carried out. */
  eviction: 'evicted' | 'refused' | 'gone' = 'evicted';
  async evictPod({ uid }: Pick<Pod, 'namespace' | 'name' | 'uid'>): Promise<'evicted' | 'refused' | 'gone'> {
    if (this.eviction === 'evicted') this.pods = this.pods.filter((pod) => pod.uid !== uid);
    return this.eviction;
  }
}

/** EventBridge's bus. */
class FakeEvents implements Events {
  readonly put: ServiceEvent[] = [];
  async publish(events: ServiceEvent[]): Promise<void> {
    this.put.push(...copyOf(events));
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
  executions: FakeExecutions;
  events: FakeEvents;
  sweeps: FakeSweeps;
  /** Unwatched: no step asks it for anything. */
  pace: FakePace;
  documents: FakeDocuments;
  fleet: FakeFleet;
  settings: Settings;
  /** Milliseconds that the invocation has left, as the step is told. */
  invocation: { remaining: number };
  telemetry: FakeTelemetry;
  dependencies: HandlerDependencies;
}

/** One target's ports over one journal: the driver on IRSA, its pods running. */
export function newFakes(): Fakes {
  const journal = new Journal();
  const clock = new FakeClock();
  const [eks, roles, kubernetes, ledger, executions, events, telemetry] = [
    new FakeEks(clock),
    new FakeRoles(),
    new FakeKubernetes(),
    new FakeLedger(),
    new FakeExecutions(),
    new FakeEvents(),
    new FakeTelemetry(),
  ];
  const [sweeps, documents, fleet] = [new FakeSweeps(), new FakeDocuments(), new FakeFleet()];
  const pace = new FakePace();
  const settings: Settings = {
    passableRoleArns: [ROLES_OF_ACCOUNT],
    repairableRoleArns: [],
    actingRoles: STEP_ROLES,
    approvals: { required: false, approver: 'another-role', allowUnknownRequester: false },
  };
  const invocation = { remaining: 60_000 };
  let made = 0;
  const ids: Ids = { ulid: () => `01JD8Z5Q6R7S8T9V0W1X2Y${String(++made).padStart(4, '0')}` };
  const ports = {
    eks: watched('eks', eks, journal),
    roles: watched('roles', roles, journal),
    kubernetes: watched('kubernetes', kubernetes, journal),
  };
  return {
    journal,
    clock,
    eks,
    roles,
    kubernetes,
    ledger,
    executions,
    events,
    sweeps,
    pace,
    documents,
    fleet,
    settings,
    invocation,
    telemetry,
    dependencies: {
      portsFor: (target, around) => {
        if (partitionOf(target.region) !== 'aws') throw new Error(`no ports for ${target.region}`);
        return {
          eks: guarded('eks', ports.eks, around),
          roles: guarded('iam', ports.roles, around),
          kubernetes: guarded('kubernetes', ports.kubernetes, around),
        };
      },
      pace,
      ledger: watched('ledger', ledger, journal),
      executions: watched('executions', executions, journal),
      events: watched('events', events, journal),
      fleetOf: (_, around) => guarded('eks', watched('fleet', fleet, journal), around),
      sweeps: watched('sweeps', sweeps, journal),
      documents: watched('documents', documents, journal),
      settings,
      clock,
      ids,
      telemetry,
      remainingTime: () => invocation.remaining,
    },
  };
}

/** Runs a step as its handler does: input and output through its schemas. */
export async function invoke(step: Step, input: unknown, { dependencies }: Fakes): Promise<unknown> {
  return step.schema.output.parse(await step.run(step.schema.input.parse(input), dependencies));
}
