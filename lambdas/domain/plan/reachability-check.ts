/**
 * Checks whether network policies cut the pods off from the Pod Identity agent. With IRSA, pods call STS; with EKS Pod
 * Identity, the agent on their node, which policies that were written for IRSA do not allow (ADR 81).
 */
import { acceptedNames, acceptFlags, accepts, isAcceptable } from '../acceptance/accept.ts';
import { grantCommand } from '../access/command.ts';
import { isMadeBy, type Pod, type Workload, resourceName } from '../kubernetes/objects.ts';
import { type Check, fail, GUIDE, pass, some, unknown, warn, whyUnread } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { enforcement, type Enforcement } from '../network/enforcement.ts';
import { AGENT_PORT, agentAddress, type NetworkFacts, type PolicySubject } from '../network/model.ts';
import { type Cluster, policiesIn, type Reachability, reachability, type ReadPolicy } from '../network/reachability.ts';
import { rulesText } from '../network/rules.ts';
import { counted } from '../text/text.ts';
import type { Facts } from './facts.ts';
import { plannedPods, plannedWorkloads } from './preflight-seen.ts';

const ID = 'agent-reachability';
const PAGE = 'docs/agent-reachability.md';
const CONSIDERATIONS = `${GUIDE}, "Learn how EKS Pod Identity grants Pods access to AWS services", "EKS Pod Identity considerations"`;

interface Selected extends PolicySubject {
  /** The pods for a message, such as `Deployment api` or `Pod api-1`. */
  text: string;
}

const ownerText = (pod: Pod, workloads: readonly Workload[]): string => {
  const workload = workloads.find((one) => isMadeBy(pod, one));
  return workload ? `${workload.kind} ${workload.name}` : `Pod ${pod.name}`;
};

/**
 * Returns the pods that policies concern: running ones, and the templates of workloads, whose next pods may have other
 * labels. Pods in the network of their node have no policies.
 */
function selectedPods(facts: Facts, planned: readonly PlannedAssociation[]): Selected[] {
  const workloads = plannedWorkloads(facts, planned);
  return [
    ...plannedPods(facts, planned)
      .filter(({ hostNetwork }) => !hostNetwork)
      .map((pod) => ({ ...pod, text: ownerText(pod, workloads) })),
    ...workloads.flatMap(({ kind, namespace, name, serviceAccount, templateLabels, hostNetwork }) =>
      templateLabels === undefined || hostNetwork
        ? []
        : [{ namespace, serviceAccount, labels: templateLabels, text: `${kind} ${name}` }],
    ),
  ];
}

interface Found extends Reachability {
  text: string;
  /** Whether the policies have an effect. */
  enforced: Enforcement;
}

const clusterOf = (facts: Facts, { engines }: NetworkFacts): Cluster => ({
  ipv6: facts.cluster?.ipv6 ?? false,
  cilium: engines.includes('cilium'),
});

const WORSE = { yes: 2, unknown: 1, no: 0 } as const;

/** Returns the pods that are or may be cut off, those of one workload once. */
function cutOff(facts: Facts, network: NetworkFacts, planned: readonly PlannedAssociation[]): Found[] {
  const policies = policiesIn(network);
  const cluster = clusterOf(facts, network);
  const byDefault = enforcement(network, facts.cluster?.autoMode ?? false);
  const found = new Map<string, Found>();
  for (const { text, ...subject } of selectedPods(facts, planned)) {
    const { cutOff: is, by } = reachability(policies, subject, cluster);
    const known = found.get(text);
    if (is === 'no') continue;
    found.set(text, {
      text,
      cutOff: known && WORSE[known.cutOff] > WORSE[is] ? known.cutOff : is,
      by: [...new Set([...(known?.by ?? []), ...by])].sort(),
      enforced: byDefault,
    });
  }
  return [...found.values()];
}

const namesOf = (found: readonly Reachability[]): string[] => [...new Set(found.flatMap(({ by }) => by))].sort();

const listed = (found: readonly Found[]): string =>
  some(
    found.map(({ text, by }) => `${text} by ${some(by)}`),
    '; ',
  );

/** Returns the agent as a destination, for a message. */
const agentText = (facts: Facts): string =>
  `the Pod Identity agent (${agentAddress(facts.cluster?.ipv6 ?? false)}, TCP port ${AGENT_PORT})`;

/** Returns how the policies are accepted all the same. A request can accept only names, and so many. */
function accept(names: readonly string[]): string {
  const known = names.filter((name) => isAcceptable('network-policy', name));
  if (known.length === 0) return '';
  return ` If these pods reach the agent all the same, accept ${known.length === 1 ? 'the policy' : 'the policies'} (in a request: accept): ${acceptFlags('network-policy', known)}`;
}

function blocking(
  facts: Facts,
  network: NetworkFacts,
  found: readonly Found[],
  policies: readonly ReadPolicy[],
): Check[] {
  if (found.length === 0) return [];
  const certain = found.filter(({ cutOff: is, enforced }) => is === 'yes' && enforced.is === 'enforced');
  const names = namesOf(found);
  const concerned = policies.filter(({ name }) => names.includes(name));
  const remedy = `Allow egress to TCP port ${AGENT_PORT} of the agent: ${rulesText(concerned, clusterOf(facts, network))}${accept(names)}`;
  const source = `${CONSIDERATIONS}; ${PAGE}`;
  if (certain.length === found.length)
    return [
      fail(
        ID,
        `Network policies keep pods from ${agentText(facts)}, so that they would get no credentials: ${listed(found)}. No rule for these pods allows it.`,
        remedy,
        source,
      ),
    ];
  const [first] = found.filter((one) => !certain.includes(one));
  const why =
    first?.enforced.is === 'unknown'
      ? ` It is not known whether policies are enforced here: ${first.enforced.why}.`
      : '';
  const perhaps = found.some(({ cutOff: is }) => is === 'unknown')
    ? ' Some of their rules cannot be evaluated, such as those of Cilium for ranges of addresses, for the world, or for HTTP.'
    : '';
  return [
    (certain.length > 0 ? fail : unknown)(
      ID,
      `Network policies may keep pods from ${agentText(facts)}, so that they would get no credentials: ${listed(found)}.${why}${perhaps}`,
      remedy,
      source,
    ),
  ];
}

function accepted(facts: Facts, found: readonly Found[]): Check[] {
  return found.length === 0
    ? []
    : [
        warn(
          ID,
          `The request accepts network policies that keep pods from ${agentText(facts)}, or may do so: ${listed(found)}.`,
          'Check after the migration that these pods get credentials: read their logs.',
          PAGE,
        ),
      ];
}

const ignored = (facts: Facts, found: readonly Found[]): Check[] =>
  found.length === 0
    ? []
    : [
        warn(
          ID,
          `Network policies would keep pods from ${agentText(facts)} if they were enforced: ${listed(found)}. At present, ${found[0]?.enforced.why ?? ''}.`,
          `Allow egress to TCP port ${AGENT_PORT} of the agent before policies are enforced: ${PAGE} has the rule.`,
          PAGE,
        ),
      ];

/** A check of a thing that was not read never blocks: most clusters have no policies for it. */
function unread({ request }: Facts, { unread: all, engines }: NetworkFacts): Check[] {
  const policies = all.filter(({ resource }) => resource !== 'nodepools.karpenter.sh');
  const texts = [
    ...policies.map(({ resource, error }) => `${resource} could not be read (${whyUnread(error)})`),
    ...(engines.includes('calico') ? ["Calico's own policies (projectcalico.org) are not read"] : []),
  ];
  if (texts.length === 0) return [];
  return [
    warn(
      ID,
      `It is not known whether network policies keep these pods from the agent: ${texts.join('; ')}.`,
      policies.length > 0
        ? `Allow the service to read them: ${grantCommand(request)}`
        : `Check that they allow egress to TCP port ${AGENT_PORT} of the agent: ${PAGE}`,
      PAGE,
    ),
  ];
}

/**
 * Returns what keeps pods to come from the agent, of service accounts of which nothing shows any, such as those of a CronJob
 * between its runs. Their labels are not known.
 */
function toCome(facts: Facts, network: NetworkFacts, planned: readonly PlannedAssociation[]): Reachability[] {
  const [first] = planned;
  if (!first || plannedPods(facts, planned).length > 0 || plannedWorkloads(facts, planned).length > 0) return [];
  if (enforcement(network, facts.cluster?.autoMode ?? false).is === 'ignored') return [];
  const found = reachability(policiesIn(network), first, clusterOf(facts, network));
  return found.cutOff === 'no' ? [] : [found];
}

/** Warns only: whether there will be pods is not known. */
function unseen(facts: Facts, found: readonly Reachability[]): Check[] {
  return found.flatMap(({ cutOff: is, by }) => {
    const open = by.filter((name) => !accepts(facts.request, 'network-policy', name));
    if (open.length === 0) return [];
    return [
      warn(
        ID,
        `No pod or workload was found, and network policies ${is === 'yes' ? 'keep' : 'may keep'} pods to come from ${agentText(facts)}: ${some(by)}.`,
        `If pods such as those of a CronJob will use the service account, allow egress to TCP port ${AGENT_PORT} of the agent: ${PAGE} has the rule.${accept(open)}`,
        PAGE,
      ),
    ];
  });
}

/** An accepted policy that keeps no pod from the agent is probably a mistake, unless the option is that of many plans. */
function unused({ request, oneOfMany }: Facts, found: readonly Reachability[]): Check[] {
  const names = namesOf(found);
  const without = acceptedNames(request, 'network-policy').filter((name) => !names.includes(name));
  if (without.length === 0 || oneOfMany) return [];
  return [
    warn(
      'accepted-network-policies',
      `The request accepts ${counted(without.length, 'network policy', 'network policies')} that ${without.length === 1 ? 'keeps' : 'keep'} none of these pods from the agent: ${some(without)}.`,
      `Omit ${without.length === 1 ? 'it' : 'them'}, or give --accept network-policy:KIND/NAMESPACE/NAME as the plan names the policy.`,
      PAGE,
    ),
  ];
}

/** Returns no check if policies were not read, since the API server could not be read at all. */
export function checkReachability(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const { network, request } = facts;
  if (!network || !facts.pods) return [];
  const found = cutOff(facts, network, planned);
  const later = toCome(facts, network, planned);
  const isAccepted = ({ by }: Found): boolean => by.every((name) => accepts(request, 'network-policy', name));
  const effective = found.filter(({ enforced }) => enforced.is !== 'ignored');
  const checks = [
    ...blocking(
      facts,
      network,
      effective.filter((one) => !isAccepted(one)),
      policiesIn(network),
    ),
    ...accepted(facts, effective.filter(isAccepted)),
    ...ignored(
      facts,
      found.filter(({ enforced }) => enforced.is === 'ignored'),
    ),
    ...unseen(facts, later),
    ...unread(facts, network),
    ...unused(facts, [...found, ...later]),
  ];
  if (checks.some(({ id }) => id === ID)) return checks;
  const read = Object.keys(network.objects).some(
    (name) => name !== resourceName({ group: 'karpenter.sh', plural: 'nodepools' }),
  );
  return read ? [pass(ID, `No network policy keeps these pods from ${agentText(facts)}.`), ...checks] : checks;
}
