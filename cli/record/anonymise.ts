/**
 * Replaces the names in a scenario, so that it can be shown to others. Names of add-ons, of their objects, of AWS managed
 * policies and of regions stay: a plan depends on them, and everybody has them.
 */
import { AGENT_IPV4, AGENT_IPV6 } from '../../lambdas/domain/network/model.ts';
import { ownerByMarks, ownerByTags } from '../../lambdas/domain/owners/signs.ts';
import { loadCatalogue } from '../../sandbox/catalog/index.ts';
import { coversAddress } from '../../sandbox/network/verdict.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { Words } from './words.ts';

/** Fields with values of a closed set, times and versions; also what comes from AWS as it is. */
const KEPT = new Set([
  '$schema',
  'Action',
  'Effect',
  'NotAction',
  'Version',
  'access',
  'addon',
  'apiServer',
  'apiVersion',
  'authenticationMode',
  'compute',
  'configurationSchema',
  'createdAt',
  'effect',
  'group',
  'identity',
  'kind',
  'maxSurge',
  'maxUnavailable',
  'minAvailable',
  'operator',
  'oidcProvider',
  'os',
  'owner',
  'platformVersion',
  'plural',
  'podIdentityWebhook',
  'podsCreatedAt',
  'policyTypes',
  'protocol',
  'region',
  'serviceAccess',
  'startAt',
  'status',
  'subresource',
  'toEntities',
  'type',
  'updateStrategy',
  'version',
]);
/** Likewise, if the value is text or a list of texts: other objects have fields of that name, too. */
const KEPT_TEXTS = new Set([
  'audience',
  'audiences',
  'authenticationSource',
  'driver',
  'group',
  'identityOwner',
  'provider',
  'source',
  'usePodIdentity',
  'versions',
]);
/** Operators whose values are no names. */
const OPERATORS_WITHOUT_NAMES = /^(ForA(ll|ny)\w*:)?(Not)?(Date|Numeric|Bool|Null|Binary)/i;
const ADDRESSES = /^(ForA(ll|ny)\w*:)?(Not)?IpAddress/i;
/** Replaces addresses: one that is reserved for documentation (RFC 5737). */
const AN_ADDRESS = '192.0.2.0/24';

/** Fields with blocks of addresses. Those with the agent's address matter. */
const BLOCKS = /^(cidr|except|toCIDR)$/;
const coversAgent = (block: string): boolean =>
  [AGENT_IPV4, AGENT_IPV6].some((address) => coversAddress(block, [], address));

type Json = string | number | boolean | null | undefined | Json[] | { [key: string]: Json };
type Fields = { [key: string]: Json };

const isFields = (value: Json): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const textsIn = (value: Json): string[] => {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isFields(value) ? Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)]) : [];
};

const isAwsPolicy = (text: string): boolean => /^arn:aws(-[a-z]+)*:iam::aws:policy\//.test(text);

/** Returns the owner that a label, annotation or tag shows by itself. */
const toolOf = (field: string, key: string, value: string): string | undefined => {
  const one = { [key]: value };
  if (field === 'tags') return ownerByTags(one)?.tool;
  const marks = {
    labels: {},
    annotations: {},
    managers: [],
    [/annotations/i.test(field) ? 'annotations' : 'labels']: one,
  };
  return ownerByMarks(marks)?.tool;
};

class Anonymiser {
  private readonly words: Words;
  private statements = 0;

  constructor(words: Words) {
    this.words = words;
  }

  private text(text: string): string {
    return isAwsPolicy(text) || /^arn:aws(-[a-z]+)*:eks::aws:/.test(text) ? text : this.words.replace(text);
  }

  /** A policy document or session policy that is text. */
  private jsonText(text: string): string {
    try {
      return JSON.stringify(this.value('', JSON.parse(text) as Json));
    } catch {
      return this.text(text);
    }
  }

  private conditions(all: Fields): Fields {
    return Object.fromEntries(
      Object.entries(all).map(([operator, tests]) => [
        operator,
        isFields(tests)
          ? Object.fromEntries(
              Object.entries(tests).map(([key, wanted]) => [this.text(key), this.wanted(operator, wanted)]),
            )
          : tests,
      ]),
    );
  }

  private wanted(operator: string, value: Json): Json {
    if (OPERATORS_WITHOUT_NAMES.test(operator)) return value;
    if (ADDRESSES.test(operator)) return AN_ADDRESS;
    return this.value('', value);
  }

  private entry(key: string, inner: Json): [string, Json] {
    if (KEPT.has(key)) return [key, inner];
    if (KEPT_TEXTS.has(key) && [inner].flat().every((one) => typeof one === 'string')) return [key, inner];
    if (key === 'Condition' && isFields(inner)) return [key, this.conditions(inner)];
    if (key === 'Sid') {
      this.statements += 1;
      return [key, `S${this.statements}`];
    }
    return [key, this.value(key, inner)];
  }

  /**
   * A label, annotation or tag. One by which the service recognizes an owner still shows that owner: as much of it is kept
   * as that needs.
   */
  private mark(field: string, key: string, inner: Json): [string, Json] {
    const name = this.text(key);
    const value = this.value('', inner);
    if (typeof inner !== 'string' || typeof value !== 'string') return [name, value];
    const tool = toolOf(field, key, inner);
    const forms: [string, string][] = [
      [name, value],
      [key, value],
      // The logical ID that the CDK gives ends with a hash.
      [key, `${value.slice(0, -8)}${inner.slice(-8)}`],
    ];
    return forms.find((form) => toolOf(field, ...form) === tool) ?? [key, inner];
  }

  /** `key`: the field that has the value. */
  value(key: string, value: Json): Json {
    if (typeof value === 'string' && BLOCKS.test(key)) return coversAgent(value) ? value : AN_ADDRESS;
    if (typeof value === 'string') return value.startsWith('{') ? this.jsonText(value) : this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.value(key, one));
    if (!isFields(value)) return value;
    // The keys of labels, annotations and tags are names themselves.
    if (/^(labels|annotations|matchLabels|podAnnotations|serviceAccountAnnotations|tags|nodeSelector)$/.test(key))
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => this.mark(key, name, inner)));
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => this.entry(name, inner)));
  }
}

/** Returns the texts whose words stay: names of add-ons and their objects, in the sandbox's catalogue and as recorded. */
const knownTexts = ({ catalogue = [] }: ScenarioInput): string[] => [
  ...[...loadCatalogue().values()].flatMap(({ name, objects }) => [
    name,
    objects.namespace,
    ...objects.serviceAccounts,
    ...objects.workloads.map((one) => one.name),
  ]),
  ...catalogue.flatMap(({ addon, recorded }) => [
    addon,
    recorded?.namespace ?? '',
    ...(recorded?.serviceAccounts ?? []),
    ...(recorded?.workloads ?? []).flatMap((one) => [
      one.name,
      ...Object.entries(one.labels).flat(),
      ...one.containers.map(({ name }) => name),
    ]),
    ...(recorded?.versions ?? []).flatMap(({ podIdentity = [] }) => podIdentity.map((one) => one.serviceAccount)),
  ]),
];

const idOf = (index: number): string => `a-${String(index + 1).padStart(17, '0')}`;

/** Returns the scenario with other names. The same scenario gives the same result. */
export const anonymised = (input: ScenarioInput): ScenarioInput => {
  const { catalogue = [], accounts, description: _description, ...rest } = input;
  const words = new Words(knownTexts(input), textsIn(accounts as unknown as Json));
  const anonymiser = new Anonymiser(words);
  const renamed = anonymiser.value('', accounts as unknown as Json) as unknown as ScenarioInput['accounts'];
  const images = anonymiser.value('', catalogue) as unknown as typeof catalogue;
  return {
    description: 'A cluster, recorded and anonymised by pod-identity record.',
    ...rest,
    accounts: renamed.map((account) => ({
      ...account,
      clusters: (account.clusters ?? []).map((cluster) => ({
        ...cluster,
        associations: (cluster.associations ?? []).map((one, index) => ({ ...one, id: idOf(index) })),
      })),
    })),
    // What EKS answers has no names of the cluster; the add-on's containers may come from a registry of its own.
    catalogue: catalogue.map((change, index) => {
      const workloads = images[index]?.recorded?.workloads;
      return change.recorded && workloads ? { ...change, recorded: { ...change.recorded, workloads } } : change;
    }),
  };
};
