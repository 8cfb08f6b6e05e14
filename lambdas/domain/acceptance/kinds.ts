/**
 * The kinds of what a caller can accept by name, so that it does not block: an entry of `accept` is `KIND:NAME`, such as
 * `image:shop/api:1.0`, or `KIND` alone. The list is closed. A kind of a plan is named in the remedy of its checks; the
 * kinds of single commands follow them. A new kind needs an entry here, and the check or command that asks for it.
 */
import { ROLE_ARN_PATTERN } from '../aws/arn.ts';
import { OWNER_TOOLS } from '../owners/model.ts';
import { SERVICE_ACCOUNT_PATTERN } from '../text/names.ts';
import { PORTABLE_CONTROL } from '../text/text.ts';

/** What reads an entry. */
const USES = {
  'add-on': 'migrations of add-ons',
  'service-account': 'migrations of service accounts',
  cluster: 'plans of whole clusters',
  sweep: 'sweeps',
  retirement: 'retirements',
  rollback: 'rollbacks',
  'trust-policy': 'the commands about trust policies',
} as const;
export type Use = keyof typeof USES;

export interface Kind {
  of: readonly Use[];
  /** Ids of the checks that it lets pass; `*` at the end stands for any text. A command's own kind has none. */
  checks: readonly string[];
  /** Pattern of the whole name, without lookahead; absent if the kind needs no name. */
  name?: string;
  /** The form of the name, in messages and help. */
  form?: string;
  /** An entry, for messages. */
  example: string;
  /** What is accepted: the object of "accept". */
  what: string;
}

const PLANS = ['add-on', 'service-account', 'cluster', 'sweep'] as const;
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const DOTTED = '[a-z0-9]([-a-z0-9.]*[a-z0-9])?';

export const KINDS = {
  'condition-key': {
    of: [...PLANS, 'trust-policy'],
    checks: ['role-trust', 'rollback-trust'],
    name: `[^\\s*?:${PORTABLE_CONTROL}]+:[^*?${PORTABLE_CONTROL}]{1,255}`,
    form: 'KEY',
    example: 'condition-key:aws:SourceIp',
    what: 'a condition key of a trust policy whose value cannot be known in advance',
  },
  'identity-loss': {
    of: ['add-on', 'sweep'],
    checks: ['identity-loss'],
    name: SERVICE_ACCOUNT_PATTERN,
    form: 'SERVICE_ACCOUNT',
    example: 'identity-loss:ebs-csi-node-sa',
    what: "that a service account which has the add-on's role and gets no association falls back to the node role",
  },
  owner: {
    of: PLANS,
    checks: ['owner-*', 'associations'],
    name: OWNER_TOOLS.join('|'),
    form: OWNER_TOOLS.join('|'),
    example: 'owner:argo-cd',
    what: 'an owner that blocks: a controller that is suspended, or a tool whose code no longer contains a conflicting association',
  },
  'unknown-credentials': {
    of: PLANS,
    checks: ['unknown-credentials'],
    name: `${DOTTED}/${LABEL}`,
    form: 'WORKLOAD/CONTAINER',
    example: 'unknown-credentials:api/app',
    what: "a container whose source of AWS credentials its pod's spec does not show, such as one with AWS_PROFILE",
  },
  image: {
    of: PLANS,
    checks: ['aws-sdk-version'],
    name: String.raw`[A-Za-z0-9][\w.:/@-]*`,
    form: 'IMAGE',
    example: 'image:registry.k8s.io/external-dns/external-dns:v0.13.6',
    what: 'an image whose AWS SDK is too old for EKS Pod Identity, as its pods name it',
  },
  consumer: {
    of: [...PLANS, 'retirement'],
    checks: ['consumers', 'consumers-fit', 'pattern-fit', 'retire-consumers', 'retire-pattern'],
    // An object, a resource that could not be read, or a subject pattern of a trust policy.
    name: String.raw`[A-Z][A-Za-z0-9]*(\.${LABEL})*(/${DOTTED}){1,2}|[a-z][a-z0-9]*(\.${LABEL})*|system:[-a-z0-9.*?:]+|[*?][-a-z0-9.*?:]*`,
    form: 'KIND/NAMESPACE/NAME, KIND/NAME or RESOURCE.GROUP',
    example: 'consumer:SecretStore/shop/aws',
    what: 'that an object loses the web identity that it uses, as the check names it; or a resource that could not be read',
  },
  'target-role': {
    of: PLANS,
    checks: ['target-roles'],
    name: ROLE_ARN_PATTERN.slice(1, -1),
    form: 'ARN',
    example: 'target-role:arn:aws:iam::111122223333:role/deployer',
    what: 'a role that the planned role may assume, but that would refuse sessions of EKS Pod Identity',
  },
  'network-policy': {
    of: PLANS,
    checks: ['agent-reachability'],
    name: `[A-Z][A-Za-z0-9]*(/${DOTTED}){1,2}`,
    form: 'KIND/NAMESPACE/NAME or KIND/NAME',
    example: 'network-policy:NetworkPolicy/shop/default-deny',
    what: 'a network policy that cuts pods off from the Pod Identity agent, as the plan names it',
  },
  'credential-gap': {
    of: ['rollback'],
    checks: [],
    example: 'credential-gap',
    what: 'that pods may be without credentials until they are replaced or, such as those of Jobs, end',
  },
} as const satisfies Record<string, Kind>;
export type KindName = keyof typeof KINDS;

const ALL: ReadonlyMap<string, Kind> = new Map<string, Kind>(Object.entries(KINDS));
export const kindOf = (name: string): Kind | undefined => ALL.get(name);

/** Returns the kinds that can be accepted there, by name. */
export const kindsOf = (use: Use): [name: string, kind: Kind][] => [...ALL].filter(([, { of }]) => of.includes(use));

/** Returns where a kind can be accepted, as text. */
export const usesText = ({ of }: Kind): string => new Intl.ListFormat('en').format(of.map((use) => USES[use]));
