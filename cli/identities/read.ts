/** Reads what a report on identities is made of. What the caller may not read is noted; without the pods there is no report. */
import { AGENT_ADDON, knownAddon } from '../../lambdas/domain/addons.ts';
import { ACCESS_GROUPS } from '../../lambdas/domain/access/rules.ts';
import { isMigrationError } from '../../lambdas/domain/errors.ts';
import { accountKey, type AddonFact, type AgentFact, type IdentityFacts, type RoleFact, rolesToRead } from '../../lambdas/domain/identities/facts.ts';
import { nodeKinds, Tally } from '../../lambdas/domain/identities/tally.ts';
import { type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/document.ts';
import { shellCommand } from '../../lambdas/domain/shell.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { again } from './again.ts';
import { associationsInUse, rolesOfNodes, rolesTrusting } from './aws.ts';
import type { Reader } from './open.ts';

/** What was asked for. */
export interface Scope {
  namespace: string | undefined;
  /** Look at the trust of all roles of the account. */
  roles: boolean;
}

type Unread = IdentityFacts['unread'];

const isRefused = (error: unknown): error is Error => isMigrationError(error, 'Unauthorised') || isMigrationError(error, 'AccessDenied');

/** `undefined` where the caller may not read it, which is noted then. */
const unlessRefused = async <T>(unread: Unread, what: string, read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read();
  } catch (error) {
    if (!isRefused(error)) throw error;
    unread.push({ what, why: error.message });
    return undefined;
  }
};

const noAccess = (error: Error, { target: { cluster, region } }: Reader): CliError =>
  new CliError(
    'NoAccess',
    `the pods of cluster ${cluster} can't be read, and without them nobody can say which identity they use: ${error.message}`,
    [
      'The role that you use (aws sts get-caller-identity) needs an access entry whose group may list pods, service accounts and nodes:',
      shellCommand(['aws', 'eks', 'create-access-entry', '--cluster-name', cluster, '--region', region, '--principal-arn', 'YOUR_ROLE_ARN', '--kubernetes-groups', ACCESS_GROUPS.read]),
      `The group gets these rights, and no others, by what this prints and applies: ${shellCommand(['pod-identity', 'grant-access', '--cluster', cluster])}`,
    ].join('\n'),
    EXIT_CODES.blocked,
    { cause: error },
  );

/** Page by page, and counted at once: the pages are not kept. A list that broke off is counted anew. */
const tallyPods = async (reader: Reader, nodes: ReturnType<typeof nodeKinds>, namespace: string | undefined): Promise<Tally> => {
  const { kubernetes, clock } = reader;
  try {
    return await again(clock, async () => {
      const tally = new Tally(nodes);
      if (namespace === undefined) await kubernetes.eachPod((pods) => tally.add(pods));
      else tally.add(await kubernetes.listPods(namespace));
      return tally;
    });
  } catch (error) {
    throw isRefused(error) ? noAccess(error, reader) : error;
  }
};

/** Of the add-ons that call AWS, what the installed version takes associations for; and the status of the agent's. */
const readAddons = async ({ eks, clock }: Reader, unread: Unread): Promise<{ addons?: AddonFact[]; agentStatus?: string }> => {
  const names = await unlessRefused(unread, 'the add-ons', () => again(clock, () => eks.listAddons()));
  if (names === undefined) return {};
  const addons: AddonFact[] = [];
  let agentStatus: string | undefined;
  for (const name of names) {
    const addon = await unlessRefused(unread, `add-on ${name}`, () => again(clock, () => eks.describeAddon(name)));
    if (addon === undefined) continue;
    if (name === AGENT_ADDON) agentStatus = addon.status;
    const known = knownAddon(name);
    const needsIam = known?.needsIam ?? true;
    const configuration = needsIam ? await unlessRefused(unread, `the configuration of add-on ${name}`, () => again(clock, () => eks.describeConfiguration(name, addon.version))) : { podIdentity: [] };
    addons.push({
      name,
      version: addon.version,
      namespace: addon.namespace ?? known?.namespace ?? 'kube-system',
      needsIam,
      ...(configuration ? { podIdentity: configuration.podIdentity.map(({ serviceAccount }) => serviceAccount) } : {}),
    });
  }
  return { addons, ...(agentStatus === undefined ? {} : { agentStatus }) };
};

const readAgent = async ({ kubernetes, clock }: Reader, autoMode: boolean, addonStatus: string | undefined, unread: Unread): Promise<AgentFact> => {
  const status = addonStatus === undefined ? {} : { addonStatus };
  if (autoMode) return status;
  const before = unread.length;
  const workload = await unlessRefused(unread, `DaemonSet kube-system/${AGENT_ADDON}`, () => again(clock, () => kubernetes.getWorkload({ kind: 'DaemonSet', namespace: 'kube-system', name: AGENT_ADDON })));
  const error = unread[before]?.why;
  return { ...status, ...(workload ? { workload: { desired: workload.desired, ready: workload.ready } } : {}), ...(error === undefined ? {} : { error }) };
};

/** Each role once. Of those that may not be read, one note says how many there are. */
const readRoles = async ({ roles, clock }: Reader, arns: readonly string[], unread: Unread): Promise<Map<string, RoleFact>> => {
  const found = new Map<string, RoleFact>();
  const refused: Unread = [];
  for (const arn of arns) {
    const before = refused.length;
    const role = await unlessRefused(refused, arn, () => again(clock, () => roles.getRole(arn)));
    found.set(arn, refused.length > before ? 'unread' : role ? { trust: parsePolicy(role.trustPolicy, 'trust') } : 'missing');
  }
  const [first] = refused;
  if (first) unread.push({ what: refused.length === 1 ? `the trust policy of ${first.what}` : `the trust policies of ${refused.length} roles, such as ${first.what}`, why: first.why });
  return found;
};

/** Throws a CliError where there is no such cluster, or the caller may not list its pods; a MigrationError where AWS can't be asked. */
export const readIdentities = async (reader: Reader, { namespace, roles: allRoles }: Scope): Promise<IdentityFacts> => {
  const { target, eks, eksClient, iamClient, kubernetes, clock } = reader;
  const unread: Unread = [];
  const cluster = await again(clock, () => eks.describeCluster());
  if (cluster === undefined) throw new CliError('UnknownCluster', `there is no cluster ${target.cluster} in account ${target.account}, region ${target.region}`, `Its clusters: aws eks list-clusters --region ${target.region}`);

  const nodes = await unlessRefused(unread, 'the nodes', () => again(clock, () => kubernetes.listNodes()));
  const workloads = (await tallyPods(reader, nodeKinds(nodes ?? []), namespace)).workloads();
  const serviceAccounts = await unlessRefused(unread, 'the service accounts', () => again(clock, () => kubernetes.listServiceAccounts()));
  const inUse = new Set(workloads.map(accountKey));
  const associations = await unlessRefused(unread, 'the Pod Identity associations', () => associationsInUse({ client: eksClient, clock, cluster: target.cluster, namespace, inUse }));
  const { addons, agentStatus } = await readAddons(reader, unread);
  const agent = await readAgent(reader, cluster.autoMode, agentStatus, unread);

  const known = {
    target,
    workloads,
    ...(serviceAccounts ? { serviceAccounts } : {}),
    ...(associations ? { associations } : {}),
    ...(addons ? { addons } : {}),
  };
  const roles = await readRoles(reader, rolesToRead(known), unread);
  const nodeRoles = workloads.some(({ by }) => by.has('node-role')) ? await rolesOfNodes(eksClient, eks, clock, target.cluster) : undefined;
  const { oidcIssuer } = cluster;
  // Without an issuer there are no tokens that a role could trust.
  const trusting = !allRoles ? undefined : oidcIssuer === undefined ? new Map<string, ParsedPolicy>() : await unlessRefused(unread, 'the roles of the account', () => rolesTrusting(iamClient, clock, oidcIssuer));
  return { ...known, takenAt: new Date(clock.now()).toISOString(), ...(namespace === undefined ? {} : { namespace }), cluster, agent, roles, ...(nodeRoles ? { nodeRoles } : {}), ...(trusting ? { trusting } : {}), unread };
};
