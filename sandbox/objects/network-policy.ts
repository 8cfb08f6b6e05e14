/**
 * NetworkPolicy of networking.k8s.io/v1: its schema, which the API server and scenarios share, and its defaults.
 * Source: Kubernetes API reference, NetworkPolicySpec; k8s.io/kubernetes, apis/networking/validation.
 */
import { z } from 'zod';

const strings = z.record(z.string(), z.string());

export const labelSelector = z.strictObject({
  matchLabels: strings.optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

const cidr = z.union([z.cidrv4(), z.cidrv6()], { error: 'must be a CIDR such as 10.0.0.0/16' });
const protocol = z.enum(['TCP', 'UDP', 'SCTP']).optional();

const port = z
  .strictObject({
    protocol,
    port: z.union([z.number().int().min(1).max(65_535), z.string().min(1)]).optional(),
    endPort: z.number().int().min(1).max(65_535).optional(),
  })
  .refine((each) => each.endPort === undefined || (typeof each.port === 'number' && each.endPort >= each.port), {
    path: ['endPort'],
    message: 'must be greater than or equal to `port`, which must be a number',
  });

const peer = z
  .strictObject({
    podSelector: labelSelector.optional(),
    namespaceSelector: labelSelector.optional(),
    ipBlock: z.strictObject({ cidr, except: z.array(cidr).optional() }).optional(),
  })
  .refine(
    ({ podSelector, namespaceSelector, ipBlock }) =>
      (ipBlock === undefined) !== (podSelector === undefined && namespaceSelector === undefined),
    'must have either ipBlock, or podSelector and namespaceSelector',
  );

export const networkPolicySpec = z.strictObject({
  podSelector: labelSelector.default({}),
  policyTypes: z.array(z.enum(['Ingress', 'Egress'])).optional(),
  ingress: z.array(z.strictObject({ from: z.array(peer).optional(), ports: z.array(port).optional() })).optional(),
  egress: z.array(z.strictObject({ to: z.array(peer).optional(), ports: z.array(port).optional() })).optional(),
});
export type NetworkPolicySpec = z.infer<typeof networkPolicySpec>;

const withProtocols = <T extends { ports?: z.infer<typeof port>[] | undefined }>(rules: T[]): T[] =>
  rules.map((rule) =>
    rule.ports === undefined ? rule : { ...rule, ports: rule.ports.map((each) => ({ protocol: 'TCP', ...each })) },
  );

/**
 * Returns a specification as the API server stores it: with its policy types, and with the protocol of each port
 * (k8s.io/kubernetes, apis/networking/v1, SetDefaults_NetworkPolicy).
 */
export const withDefaults = ({ ingress, egress, ...spec }: NetworkPolicySpec): NetworkPolicySpec => ({
  ...spec,
  ...(ingress === undefined ? {} : { ingress: withProtocols(ingress) }),
  ...(egress === undefined ? {} : { egress: withProtocols(egress) }),
  policyTypes:
    spec.policyTypes !== undefined && spec.policyTypes.length > 0
      ? spec.policyTypes
      : ['Ingress', ...(egress !== undefined && egress.length > 0 ? (['Egress'] as const) : [])],
});
