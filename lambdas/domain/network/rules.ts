/** The rules that allow a pod to reach the agent, as commands that add them to policies. */
import { z } from 'zod';
import { shellCommand } from '../text/shell.ts';
import { AGENT_PORT, agentAddress } from './model.ts';
import type { Cluster, PolicyKind, ReadPolicy } from './reachability.ts';

const RESOURCES: Readonly<Record<PolicyKind, string>> = {
  NetworkPolicy: 'networkpolicy',
  CiliumNetworkPolicy: 'ciliumnetworkpolicy',
  CiliumClusterwideNetworkPolicy: 'ciliumclusterwidenetworkpolicy',
};

const withEgress = z.looseObject({ spec: z.looseObject({ egress: z.array(z.unknown()).nullish() }) });
const denying = z.looseObject({ spec: z.looseObject({ egressDeny: z.array(z.unknown()).min(1) }) });

const networkRule = (ipv6: boolean): object => ({
  to: [{ ipBlock: { cidr: `${agentAddress(ipv6)}/${ipv6 ? 128 : 32}` } }],
  ports: [{ protocol: 'TCP', port: AGENT_PORT }],
});
const CILIUM_RULE = { toEntities: ['host'], toPorts: [{ ports: [{ port: String(AGENT_PORT), protocol: 'TCP' }] }] };

/** Returns the command that adds a rule to a policy; undefined if its form is not the usual one. */
function patchCommand({ kind, name, namespace, object }: ReadPolicy, rule: object): string | undefined {
  const parsed = withEgress.safeParse(object);
  if (!parsed.success) return undefined;
  const hasRules = Boolean(parsed.data.spec.egress);
  const patch = [{ op: 'add', path: hasRules ? '/spec/egress/-' : '/spec/egress', value: hasRules ? rule : [rule] }];
  return shellCommand(
    ['kubectl', ...(namespace === undefined ? [] : ['-n', namespace]), 'patch', RESOURCES[kind]],
    [name.split('/').at(-1) ?? '', '--type', 'json', '-p', JSON.stringify(patch)],
  );
}

/** Returns what adds the rule to one of the policies: a command that ends with ` ;`, or a sentence. */
function ruleFor(policy: ReadPolicy, { ipv6, cilium }: Cluster): string {
  const { kind, name, object } = policy;
  if (kind !== 'NetworkPolicy' && denying.safeParse(object).success)
    return `${name}: no rule of its egressDeny may match the agent, since a denial has precedence.`;
  // No NetworkPolicy can name the node for Cilium.
  if (kind === 'NetworkPolicy' && cilium)
    return `${name}: add a CiliumNetworkPolicy for these pods, with the rule of docs/agent-reachability.md.`;
  const command = patchCommand(policy, kind === 'NetworkPolicy' ? networkRule(ipv6) : CILIUM_RULE);
  return command === undefined ? `${name}: add the rule of docs/agent-reachability.md.` : `${command} ;`;
}

/** The most policies whose rules are printed. */
const MOST_RULES = 5;

/** Returns what adds the rule to each of the policies. One of those that isolate a pod is enough. */
export const rulesText = (policies: readonly ReadPolicy[], cluster: Cluster): string =>
  [
    ...policies.slice(0, MOST_RULES).map((policy) => ruleFor(policy, cluster)),
    ...(policies.length > MOST_RULES ? ['For the other policies, see docs/agent-reachability.md.'] : []),
  ].join(' ');
