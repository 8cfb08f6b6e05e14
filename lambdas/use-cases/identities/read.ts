/**
 * Reads the facts for a report on identities, for the command line and for the API. What the caller may not read is noted;
 * without the pods there is no report.
 */
import { accountOf, type Target } from '../../domain/terms/subject.ts';
import { AGENT_ADDON, knownAddon, NAMESPACE_UNKNOWN } from '../../domain/addons/registry.ts';
import { isAccessRefused } from '../../domain/failures/errors.ts';
import {
  type AddonFact,
  type AgentFact,
  type IdentityFacts,
  type RoleFact,
  rolesToRead,
} from '../../domain/identities/facts.ts';
import { nodeKinds, Tally, type WorkloadTally } from '../../domain/identities/tally.ts';
import type { Addon, Association } from '../../domain/terms/observed.ts';
import { type ParsedPolicy, parsePolicy } from '../../domain/policy/index.ts';
import type { Clock, TargetPorts } from '../../ports/index.ts';
import { readNamespace } from '../facts/addon-namespace.ts';
import { utcNow } from '../../runtime/utc.ts';

/** The sources for one cluster. */
export interface Sources extends TargetPorts {
  target: Target;
  clock: Clock;
  /** Runs one read, and retries it if that may help. */
  attempt: <T>(read: () => Promise<T>) => Promise<T>;
  /** Returns the whole associations of the service accounts with these keys. */
  associationsOf: (accounts: ReadonlySet<string>, namespace: string | undefined) => Promise<Association[]>;
  /** Returns the roles of all nodes if they are certain. If it is absent, they are not read, and a report names none. */
  rolesOfNodes?: () => Promise<string[] | undefined>;
}

/** What the report covers. */
export interface Scope {
  namespace: string | undefined;
  /** Reads the trust policies of all roles in the account. */
  rolesTrusting?: ((oidcIssuer: string) => Promise<Map<string, ParsedPolicy>>) | undefined;
  /** Returns the wanted workloads in order; all if it is absent. Nothing more is read about the others. */
  wanted?: (workloads: WorkloadTally[]) => WorkloadTally[];
}

/** Thrown if there can be no report: the cluster does not exist, or its pods may not be listed. */
export class UnreadCluster extends Error {
  override readonly name = 'UnreadCluster';
  readonly why: 'unknown' | 'no-access';
  constructor(why: UnreadCluster['why'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

type Unread = IdentityFacts['unread'];

/** Returns `undefined` if the caller may not read it, and notes that. */
const unlessRefused = async <T>(unread: Unread, what: string, read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read();
  } catch (error) {
    if (!isAccessRefused(error)) throw error;
    unread.push({ what, why: error.message });
    return undefined;
  }
};

/** Reads the pods page by page and counts them at once: the pages are not kept. A list that broke off is counted again. */
const tallyPods = async (
  sources: Sources,
  nodes: ReturnType<typeof nodeKinds>,
  namespace: string | undefined,
): Promise<Tally> => {
  const { kubernetes, attempt } = sources;
  try {
    return await attempt(async () => {
      const tally = new Tally(nodes);
      if (namespace === undefined) await kubernetes.eachPod((pods) => tally.add(pods));
      else tally.add(await kubernetes.listPods(namespace));
      return tally;
    });
  } catch (error) {
    throw isAccessRefused(error)
      ? new UnreadCluster(
          'no-access',
          `the pods of cluster ${sources.target.cluster} can't be read, so that the identity which they use is unknown: ${error.message}`,
          { cause: error },
        )
      : error;
  }
};

/** Reads which service accounts the installed add-ons that call AWS accept associations for, and the agent add-on's status. */
const readAddons = async (
  { eks, attempt }: Sources,
  kubernetesVersion: string,
  unread: Unread,
): Promise<{ addons?: AddonFact[]; agentStatus?: string }> => {
  const names = await unlessRefused(unread, 'the add-ons', () => attempt(() => eks.listAddons()));
  if (names === undefined) return {};
  /** Returns the namespace, and notes why it is unknown otherwise. */
  const namespaceUnlessRefused = async (addon: Addon): Promise<string | undefined> => {
    const what = `the namespace of add-on ${addon.name}, so that no workload is shown as its own`;
    const before = unread.length;
    const found = await unlessRefused(unread, what, () => attempt(() => readNamespace(eks, addon, kubernetesVersion)));
    if (found === undefined && unread.length === before) unread.push({ what, why: NAMESPACE_UNKNOWN });
    return found;
  };
  const addons: AddonFact[] = [];
  let agentStatus: string | undefined;
  for (const name of names) {
    const addon = await unlessRefused(unread, `add-on ${name}`, () => attempt(() => eks.describeAddon(name)));
    if (addon === undefined) continue;
    if (name === AGENT_ADDON) agentStatus = addon.status;
    const known = knownAddon(name);
    const needsIam = known?.needsIam ?? true;
    const configuration = needsIam
      ? await unlessRefused(unread, `the configuration of add-on ${name}`, () =>
          attempt(() => eks.describeConfiguration(name, addon.version)),
        )
      : { podIdentity: [] };
    const namespace = await namespaceUnlessRefused(addon);
    addons.push({
      name,
      version: addon.version,
      ...(namespace === undefined ? {} : { namespace }),
      needsIam,
      ...(configuration ? { podIdentity: configuration.podIdentity.map(({ serviceAccount }) => serviceAccount) } : {}),
    });
  }
  return { addons, ...(agentStatus === undefined ? {} : { agentStatus }) };
};

const readAgent = async (
  { kubernetes, attempt }: Sources,
  autoMode: boolean,
  addonStatus: string | undefined,
  unread: Unread,
): Promise<AgentFact> => {
  const status = addonStatus === undefined ? {} : { addonStatus };
  if (autoMode) return status;
  const before = unread.length;
  const workload = await unlessRefused(unread, `DaemonSet kube-system/${AGENT_ADDON}`, () =>
    attempt(() => kubernetes.getWorkload({ kind: 'DaemonSet', namespace: 'kube-system', name: AGENT_ADDON })),
  );
  const error = unread[before]?.why;
  return {
    ...status,
    ...(workload ? { workload: { desired: workload.desired, ready: workload.ready } } : {}),
    ...(error === undefined ? {} : { error }),
  };
};

/** Reads each role once. A single note gives the number of roles that may not be read. */
const readRoles = async (
  { roles, attempt }: Sources,
  arns: readonly string[],
  unread: Unread,
): Promise<Map<string, RoleFact>> => {
  const found = new Map<string, RoleFact>();
  const refused: Unread = [];
  for (const arn of arns) {
    const before = refused.length;
    const role = await unlessRefused(refused, arn, () => attempt(() => roles.getRole(arn)));
    found.set(
      arn,
      refused.length > before ? 'unread' : role ? { trust: parsePolicy(role.trustPolicy, 'trust') } : 'missing',
    );
  }
  const [first] = refused;
  if (first)
    unread.push({
      what:
        refused.length === 1
          ? `the trust policy of ${first.what}`
          : `the trust policies of ${refused.length} roles, such as ${first.what}`,
      why: first.why,
    });
  return found;
};

/**
 * Reads the facts. Throws an UnreadCluster if the cluster does not exist or its pods may not be listed, and a
 * MigrationError if AWS can't be asked.
 */
export async function readIdentities(
  sources: Sources,
  { namespace, rolesTrusting, wanted = (all) => all }: Scope,
): Promise<IdentityFacts> {
  const { target, eks, kubernetes, clock, attempt } = sources;
  const unread: Unread = [];
  const cluster = await attempt(() => eks.describeCluster());
  if (cluster === undefined)
    throw new UnreadCluster(
      'unknown',
      `there is no cluster ${target.cluster} in account ${target.account}, region ${target.region}`,
    );

  const nodes = await unlessRefused(unread, 'the nodes', () => attempt(() => kubernetes.listNodes()));
  const workloads = wanted((await tallyPods(sources, nodeKinds(nodes ?? []), namespace)).workloads());
  const serviceAccounts = await unlessRefused(unread, 'the service accounts', () =>
    attempt(() => kubernetes.listServiceAccounts()),
  );
  const inUse = new Set(workloads.map(accountOf));
  const associations = await unlessRefused(unread, 'the Pod Identity associations', () =>
    sources.associationsOf(inUse, namespace),
  );
  const { addons, agentStatus } = await readAddons(sources, cluster.version, unread);
  const agent = await readAgent(sources, cluster.autoMode, agentStatus, unread);

  const known = {
    target,
    workloads,
    ...(serviceAccounts ? { serviceAccounts } : {}),
    ...(associations ? { associations } : {}),
    ...(addons ? { addons } : {}),
  };
  const roles = await readRoles(sources, rolesToRead(known), unread);
  const nodeRoles = workloads.some(({ by }) => by.has('node-role')) ? await sources.rolesOfNodes?.() : undefined;
  const { oidcIssuer } = cluster;
  // Without an issuer, there are no tokens that a role could trust.
  const trusting = !rolesTrusting
    ? undefined
    : oidcIssuer === undefined
      ? new Map<string, ParsedPolicy>()
      : await unlessRefused(unread, 'the roles of the account', () => rolesTrusting(oidcIssuer));
  return {
    ...known,
    takenAt: utcNow(clock),
    ...(namespace === undefined ? {} : { namespace }),
    cluster,
    agent,
    roles,
    ...(nodeRoles ? { nodeRoles } : {}),
    ...(trusting ? { trusting } : {}),
    unread,
  };
}
