/**
 * The ports of one cluster, each of whose questions is asked once: what an earlier answer tells is not asked at all.
 * They only read, so that whoever makes a plan by them can't change anything.
 */
import { parseRoleArn } from '../../domain/aws/arn.ts';
import { classOf, isMigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/migration/model.ts';
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

/** What may be answered otherwise when it is asked again. */
const isPassing = (error: unknown): boolean => error instanceof Error && classOf(error.name) === 'retryable';

/**
 * The port's methods of these names, whose answers stay in `answers` by method and arguments; failures too, unless they
 * may be over in a moment.
 */
function remembered<Port extends object, Name extends keyof Port & string>(
  port: Port,
  names: readonly Name[],
  answers: Answers,
): Pick<Port, Name> {
  const made = names.map((name) => {
    const method = (...parameters: unknown[]): Promise<unknown> => {
      const key = `${name} ${JSON.stringify(parameters)}`;
      const known = answers.get(key);
      if (known) return known;
      const answer = (port[name] as (...all: unknown[]) => Promise<unknown>).apply(port, parameters);
      answers.set(key, answer);
      answer.catch((error: unknown) => {
        if (isPassing(error)) answers.delete(key);
      });
      return answer;
    };
    return [name, method];
  });
  return Object.fromEntries(made) as Pick<Port, Name>;
}

/** What all clusters of one region of one account have in common, for one invocation. */
export class LocationMemory {
  /** Of EKS's catalogue: by add-on and version. */
  readonly catalogue: Answers = new Map();
  /** Of IAM. */
  readonly roles: Answers = new Map();
}

/** Milliseconds: a call of an API server that failed later has most likely run into its time-out, and would again. */
const QUICKLY = 5000;
/** Before it is asked again, milliseconds. */
const PAUSE = 1000;

/** Whether it gives no answer, in whatever way; not where it was not asked. */
const isSilent = (error: unknown): boolean => isPassing(error) && !isMigrationError(error, 'OutOfTime');

/**
 * An API server that is asked a second time where it failed quickly. After that it counts as one that gives no answer,
 * and is asked nothing more.
 */
class PatientKubernetes {
  readonly port: Kubernetes;
  /** Why it gives no answer. */
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
      if (isLast || this.clock.now() - since >= QUICKLY) {
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
      'describeAccessEntry',
    ],
    new Map(),
  );
  const offers = remembered(eks, ['listOfferedVersions', 'describeConfiguration'], catalogue);
  return {
    ...once,
    ...offers,
    // The list says which are there.
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
    // None but the planned ones is looked at: who else uses a role is worth a warning in a plan, and never blocks it.
    listAllAssociations: async () => ({ associations: [], more: (await once.listAssociationRefs()).length > 0 }),
  };
}

/** Whether it is asked of roles, or of what EKS has. */
const isRole = (resource: string): boolean => parseRoleArn(resource) !== undefined;

/** All that steps do in EKS: one question for all of it costs no more than one for a part. */
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

const together = (...lists: (readonly string[])[]): string[] => [...new Set(lists.flat())].sort();

function rolesOf(
  roles: Roles,
  { roles: answers }: LocationMemory,
  expected: () => readonly string[],
): ReadingPorts['roles'] {
  const once = remembered(roles, ['getRole', 'getOidcProvider', 'listPolicies', 'getBoundary', 'simulate'], answers);
  return {
    ...once,
    // One question for all add-ons of the cluster: the answer is the same for each, alone or among others.
    simulate: async (question: SimulationQuestion) => {
      const account = question.principalArn.split(':')[4];
      const alike = expected().filter((arn) => arn.split(':')[4] === account);
      const passes = question.actions.includes('iam:PassRole');
      // Of nodes' roles, which make none of the steps' calls.
      if (!passes && !question.actions.every((action) => IN_EKS.includes(action))) return once.simulate(question);
      const answer = await once.simulate({
        ...question,
        actions: passes ? question.actions : together(question.actions, IN_EKS),
        resources: together(question.resources, passes ? alike.filter(isRole) : alike),
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
  /** Why the API server gives no answer; undefined as long as it does, or was not asked. */
  silence: () => string | undefined;
}

/** `expected`: ARNs of the cluster's add-ons and of their roles, as far as they are known when it is asked. */
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
