/**
 * The ports of one cluster with each question asked only once: what an earlier answer shows is not asked at all. They only
 * read, so that a plan made with them can't change anything.
 */
import { parseRoleArn } from '../../domain/aws/arn.ts';
import { classOf, isMigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type {
  AssociationRef,
  Clock,
  Eks,
  Kubernetes,
  ReadingPorts,
  Roles,
  SimulationQuestion,
  TargetPorts,
  WorkloadRef,
} from '../../ports/index.ts';

type Answers = Map<string, Promise<unknown>>;

/** Returns whether a repeated question may get another answer. */
const isTransient = (error: unknown): boolean => error instanceof Error && classOf(error.name) === 'retryable';

/**
 * Returns the port's methods with these names; their answers stay in `answers` by method and arguments. Failures are kept
 * too, unless they may be transient.
 */
function remembered<Port extends object, Name extends keyof Port & string>(
  port: Port,
  names: readonly Name[],
  answers: Answers,
): Pick<Port, Name> {
  const methods = names.map((name) => {
    const method = (...parameters: unknown[]): Promise<unknown> => {
      const key = `${name} ${JSON.stringify(parameters)}`;
      const known = answers.get(key);
      if (known) return known;
      const answer = (port[name] as (...all: unknown[]) => Promise<unknown>).apply(port, parameters);
      answers.set(key, answer);
      answer.catch((error: unknown) => {
        if (isTransient(error)) answers.delete(key);
      });
      return answer;
    };
    return [name, method];
  });
  return Object.fromEntries(methods) as Pick<Port, Name>;
}

/** Answers that are the same for all clusters of one region of one account, for one invocation. */
export class LocationMemory {
  /** EKS's catalogue, by add-on and version. */
  readonly catalogue: Answers = new Map();
  /** IAM's roles. */
  readonly roles: Answers = new Map();
}

/** A call of an API server that fails later has most likely run into its time-out, and would do so again. */
const QUICK_FAILURE_MS = 5000;
/** The milliseconds before a second try. */
const PAUSE = 1000;

/** Returns whether the API server does not answer, for any reason; false if it was not asked. */
const isSilent = (error: unknown): boolean => isTransient(error) && !isMigrationError(error, 'OutOfTime');

/**
 * An API server that gets a second try after a quick failure. If that fails too, it counts as silent, and no more calls are
 * made to it.
 */
class PatientKubernetes {
  readonly port: Kubernetes;
  /** Why it does not answer. */
  silence: Error | undefined;
  private readonly clock: Clock;

  constructor(kubernetes: Kubernetes, clock: Clock) {
    this.clock = clock;
    this.port = new Proxy(kubernetes, {
      get: (inner, name) => {
        const member: unknown = Reflect.get(inner, name);
        return typeof member === 'function'
          ? (...parameters: unknown[]) => this.ask(() => Reflect.apply(member, inner, parameters) as Promise<unknown>)
          : member;
      },
    });
  }

  private async ask(call: () => Promise<unknown>, isLast = false): Promise<unknown> {
    if (this.silence) throw this.silence;
    const since = this.clock.now();
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Error) || !isSilent(error)) throw error;
      if (isLast || this.clock.now() - since >= QUICK_FAILURE_MS) {
        this.silence = error;
        throw error;
      }
    }
    await this.clock.sleep(PAUSE);
    return this.ask(call, true);
  }
}

function eksOf(eks: Eks, { catalogue }: LocationMemory): ClusterReads['eks'] {
  const once = remembered(
    eks,
    [
      'describeCluster',
      'listAddons',
      'describeAddon',
      'listAssociationRefs',
      'describeAssociation',
      'listNodeCandidates',
      'listCapabilities',
      'listFargateProfiles',
      'describeAccessEntry',
    ],
    new Map(),
  );
  const offers = remembered(eks, ['listOfferedVersions', 'describeConfiguration'], catalogue);
  return {
    ...once,
    ...offers,
    // The list shows which add-ons exist.
    describeAddon: async (name) => ((await once.listAddons()).includes(name) ? once.describeAddon(name) : undefined),
    listAssociations: async (namespace, serviceAccount) => {
      const found: Association[] = [];
      for (const ref of await once.listAssociationRefs()) {
        const association =
          ref.namespace === namespace && ref.serviceAccount === serviceAccount
            ? await once.describeAssociation(ref.id)
            : undefined;
        if (association) found.push(association);
      }
      return found;
    },
    countAssociations: async () => (await once.listAssociationRefs()).length,
    // Only the planned associations are read: another user of a role is worth a warning in a plan, and never blocks it.
    listAllAssociations: async () => ({ associations: [], more: (await once.listAssociationRefs()).length > 0 }),
  };
}

/** Returns whether the resource is a role, in contrast to a resource of EKS. */
const isRole = (resource: string): boolean => parseRoleArn(resource) !== undefined;

/** All calls of the steps to EKS: one question about all of them costs no more than one about a part. */
const IN_EKS = [
  'eks:CreateAddon',
  'eks:CreatePodIdentityAssociation',
  'eks:DeleteAddon',
  'eks:DeletePodIdentityAssociation',
  'eks:TagResource',
  'eks:UpdateAddon',
  'eks:UpdatePodIdentityAssociation',
  'iam:GetRole',
];

const union = (...lists: (readonly string[])[]): string[] => [...new Set(lists.flat())].sort();

function rolesOf(
  roles: Roles,
  { roles: answers }: LocationMemory,
  expected: () => readonly string[],
): ReadingPorts['roles'] {
  const once = remembered(roles, ['getRole', 'getOidcProvider', 'listPolicies', 'getBoundary', 'simulate'], answers);
  return {
    ...once,
    // One question serves all add-ons of the cluster: the answer for each is the same, alone or with the others.
    simulate: async (question: SimulationQuestion) => {
      const account = question.principalArn.split(':')[4];
      const alike = expected().filter((arn) => arn.split(':')[4] === account);
      const passes = question.actions.includes('iam:PassRole');
      // The question is about node roles, which make none of the steps' calls.
      if (!passes && !question.actions.every((action) => IN_EKS.includes(action))) return once.simulate(question);
      const answer = await once.simulate({
        ...question,
        actions: passes ? question.actions : union(question.actions, IN_EKS),
        resources: union(question.resources, passes ? alike.filter(isRole) : alike),
      });
      return answer.filter(
        ({ action, resource }) => question.actions.includes(action) && question.resources.includes(resource),
      );
    },
  };
}

function kubernetesOf(port: Kubernetes): ReadingPorts['kubernetes'] {
  const once = remembered(
    port,
    [
      'listPods',
      'listWorkloads',
      'getWorkload',
      'listNodes',
      'listMutatingWebhooks',
      'listCustomResources',
      'listApiGroups',
      'listObjects',
      'listServiceAccounts',
      'listAttributedServiceAccounts',
    ],
    new Map(),
  );
  const listed = new Set<string>();
  return {
    ...once,
    listWorkloads: async (namespace) => {
      const workloads = await once.listWorkloads(namespace);
      listed.add(namespace);
      return workloads;
    },
    getWorkload: async (ref: WorkloadRef) => {
      if (!listed.has(ref.namespace)) return once.getWorkload(ref);
      return (await once.listWorkloads(ref.namespace)).find(({ kind, name }) => kind === ref.kind && name === ref.name);
    },
  };
}

export interface ClusterReads extends ReadingPorts {
  eks: ReadingPorts['eks'] & { listAssociationRefs(): Promise<AssociationRef[]> };
  /** Returns why the API server does not answer; undefined while it does, or was not asked. */
  silence: () => string | undefined;
}

/** `expected` returns the ARNs of the cluster's add-ons and of their roles, as far as they are known at that moment. */
export function memoPorts(
  { eks, roles, kubernetes }: TargetPorts,
  memory: LocationMemory,
  clock: Clock,
  expected: () => readonly string[],
): ClusterReads {
  const patient = new PatientKubernetes(kubernetes, clock);
  return {
    eks: eksOf(eks, memory),
    roles: rolesOf(roles, memory, expected),
    kubernetes: kubernetesOf(patient.port),
    silence: () => patient.silence?.message,
  };
}
