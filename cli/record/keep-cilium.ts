/**
 * The closed list of fields that are recorded of policies of Cilium: those by which the service and the sandbox decide
 * whether pods reach the Pod Identity agent. Rules for the content of requests can have passwords in their headers, paths
 * and queries, so that of them only the kind is recorded, and that there are some.
 */
import type { z } from 'zod';
import { ciliumSpec } from '../../lambdas/domain/network/cilium.ts';
import { NOT_RECORDED } from './keep.ts';

type Spec = z.output<typeof ciliumSpec>;
type Rule = NonNullable<Spec['egress']>[number];
type PortRule = NonNullable<Rule['toPorts']>[number];
type Port = NonNullable<PortRule['ports']>[number];
type Selector = NonNullable<Spec['endpointSelector']>;

/** The words that a field can have. Others are replaced, and match nothing, as before. */
const ENTITIES = `all cluster health host ingress init kube-apiserver none remote-node unmanaged world world-ipv4
  world-ipv6`.split(/\s+/);
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];
const PROTOCOLS = ['ANY', 'TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPV6', 'VRRP', 'IGMP'];
const CONTENTS = ['http', 'kafka', 'dns', 'l7proto', 'l7'];
/** Blocks of addresses. */
const BLOCK = /^[\da-fA-F.:]{2,45}(\/\d{1,3})?$/;
/** A label's key, which may begin with its source, and a label's value. */
const KEY = /^[\w.:/-]{1,350}$/;
const VALUE = /^[\w.-]{0,63}$/;

const oneOf =
  (words: readonly string[]) =>
  (text: string): string =>
    words.includes(text) ? text : NOT_RECORDED;
const matching =
  (form: RegExp) =>
  (text: string): string =>
    form.test(text) ? text : NOT_RECORDED;

/** Returns the object without the fields that are absent. Lists that are empty stay: they decide, too. */
const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const listed = <T>(list: readonly T[] | null | undefined, kept: (item: T) => unknown): unknown[] | undefined =>
  list?.map(kept);

/** What something is decides nothing, only that it is there. */
const present = (): object => ({});

const selectorOf = ({ matchLabels, matchExpressions }: Selector): object =>
  given({
    matchLabels:
      matchLabels &&
      Object.fromEntries(
        Object.entries(matchLabels).map(([key, value]) => [matching(KEY)(key), matching(VALUE)(value)]),
      ),
    matchExpressions: listed(matchExpressions, ({ key, operator, values }) =>
      given({
        key: matching(KEY)(key),
        operator: oneOf(OPERATORS)(operator),
        values: listed(values, matching(VALUE)),
      }),
    ),
  });

/** A port with a name is one of the destination's containers. */
const numbered = (port: string): string => (/^\d*$/.test(port) ? String(Math.min(Number(port), 65_536)) : NOT_RECORDED);

const portOf = ({ port, endPort, protocol }: Port): object =>
  given({
    port: typeof port === 'string' ? numbered(port) : (port ?? undefined),
    endPort: endPort ?? undefined,
    protocol: typeof protocol === 'string' ? oneOf(PROTOCOLS)(protocol.toUpperCase()) : undefined,
  });

/** Returns of rules for the content of requests the kinds, each with as much as shows that there are some. */
const contentsOf = (rules: NonNullable<PortRule['rules']>): object =>
  Object.fromEntries(
    Object.entries(rules).flatMap(([kind, content]) => {
      const isNone = Array.isArray(content) && content.length === 0;
      return content === null ? [] : [[CONTENTS.includes(kind) ? kind : 'l7', isNone ? [] : [{}]]];
    }),
  );

const ruleOf = (rule: Rule): object =>
  given({
    toEndpoints: listed(rule.toEndpoints, selectorOf),
    toEntities: listed(rule.toEntities, oneOf(ENTITIES)),
    toCIDR: listed(rule.toCIDR, matching(BLOCK)),
    toCIDRSet: listed(rule.toCIDRSet, ({ cidr, except }) =>
      given({
        cidr: typeof cidr === 'string' ? matching(BLOCK)(cidr) : undefined,
        except: listed(except, matching(BLOCK)),
      }),
    ),
    toFQDNs: listed(rule.toFQDNs, present),
    toServices: listed(rule.toServices, present),
    toGroups: listed(rule.toGroups, present),
    toNodes: listed(rule.toNodes, present),
    toPorts: listed(rule.toPorts, ({ ports, rules }) =>
      given({ ports: listed(ports, portOf), rules: rules ? contentsOf(rules) : undefined }),
    ),
    icmps: listed(rule.icmps, present),
  });

/**
 * Returns of a policy's specification what decides about egress. One that the service cannot read is still one that it
 * cannot read.
 */
export const keptCiliumSpec = (spec: unknown): Record<string, unknown> => {
  const { data } = ciliumSpec.safeParse(spec);
  if (!data) return { egress: NOT_RECORDED };
  const { endpointSelector, nodeSelector, egress, egressDeny, enableDefaultDeny } = data;
  const isDenied = enableDefaultDeny?.egress;
  return given({
    endpointSelector: endpointSelector ? selectorOf(endpointSelector) : undefined,
    nodeSelector: nodeSelector ? {} : undefined,
    egress: listed(egress, ruleOf),
    egressDeny: listed(egressDeny, ruleOf),
    enableDefaultDeny: typeof isDenied === 'boolean' ? { egress: isDenied } : undefined,
  });
};
