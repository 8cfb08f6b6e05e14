/** Recognizes tools by the signs of `rules.ts`, and by what tags name by convention. */
import type { Owner, OwnerTool } from './model.ts';
import { OWNER_RULES, type OwnerRule, type SignKind } from './rules.ts';
import { TOOLS } from './tools.ts';

/**
 * Names by which tags such as `ManagedBy` name a tool. A value counts if one of the words in it is such a name: `terraform`,
 * `Managed by Terraform`, `terraform-cloud`.
 */
const NAMES: readonly (readonly [RegExp, OwnerTool])[] = [
  [/\b(terraform|opentofu|tofu|terragrunt|atlantis|spacelift)\b/i, 'terraform'],
  [/\bpulumi\b/i, 'pulumi'],
  [/\b(aws-cdk|cdk)\b/i, 'cdk'],
  [/\bcloudformation\b/i, 'cloudformation'],
  [/\beksctl\b/i, 'eksctl'],
  [/\bcrossplane\b/i, 'crossplane'],
  [/\b(ack|aws-controllers-k8s)\b/i, 'ack'],
  [/\b(cluster-api|capa|capi)\b/i, 'cluster-api'],
  [/\bkro\b/i, 'kro'],
  [/\bargo-?cd\b/i, 'argo-cd'],
  [/\bflux(cd)?\b/i, 'flux'],
  [/\bhelm\b/i, 'helm'],
];

/** Keys of tags whose value names the tool that manages a resource, by convention. */
const TOOL_TAG = /^(managed|provisioned|created|deployed)[-_ ]?(by|with)$|^(provisioner|iac|iac[-_ ]?tool)$/i;
/** Those of them whose value names an owner even if it is no known tool. */
const OWNER_TAG = /^(managed[-_]?by|provisioner|iac)$/i;

/** What a tool was recognized by. */
export interface Sign {
  tool: OwnerTool;
  sure: Owner['sure'];
  evidence: string;
  managedByAws?: true;
}

const WORDS: Record<SignKind, string> = {
  tag: 'tag',
  'role-name': 'role name',
  label: 'label',
  annotation: 'annotation',
  'field-manager': 'field manager',
};

const signOf = ({ tool, sure, kind, managedByAws }: OwnerRule, name: string): Sign => ({
  tool,
  sure,
  evidence: `${WORDS[kind]} ${name}`,
  ...(managedByAws ? { managedByAws } : {}),
});

type Texts = Readonly<Record<string, string>>;
const pair = (key: string, value: string): string => (value === '' ? key : `${key}=${value}`);

function matched(rule: OwnerRule, texts: Texts): Sign | undefined {
  const found = Object.entries(texts).find(
    ([key, value]) => rule.key.test(key) && (rule.value === undefined || rule.value.test(value)),
  );
  return found && signOf(rule, pair(...found));
}

/** Returns the tool that the value of a tag names, if it is a known one. */
const namedTool = (value: string): OwnerTool | undefined => NAMES.find(([name]) => name.test(value))?.[1];

const byConvention = (tags: Texts): Sign[] =>
  Object.entries(tags).flatMap(([key, value]): Sign[] => {
    const tool = TOOL_TAG.test(key) ? namedTool(value) : undefined;
    return tool === undefined ? [] : [{ tool, sure: 'likely', evidence: `tag ${pair(key, value)}` }];
  });

/**
 * Returns the first sign of a tool that reverts changes by itself, otherwise the first one: a tag that anybody may add must
 * not hide a controller.
 */
const mostRelevant = (signs: readonly Sign[]): Sign | undefined =>
  signs.find(({ tool }) => TOOLS[tool].reverts === 'by-itself') ?? signs[0];

/** Returns the tool that the tags of an AWS resource show, or `undefined`. */
export const ownerByTags = (tags: Texts): Sign | undefined =>
  mostRelevant([
    ...OWNER_RULES.flatMap((rule) => (rule.kind === 'tag' ? (matched(rule, tags) ?? []) : [])),
    ...byConvention(tags),
  ]);

/** Returns the tool that the tags of a role, or else its name, show, or `undefined`. */
export function ownerOfRole(arn: string, tags: Texts): Sign | undefined {
  const byTags = ownerByTags(tags);
  const name = arn.split('/').at(-1) ?? '';
  const rule = OWNER_RULES.find(({ kind, key }) => kind === 'role-name' && key.test(name));
  return byTags ?? (rule && signOf(rule, name));
}

/** What shows the owner of a Kubernetes object. */
export interface ObjectMarks {
  labels: Texts;
  annotations: Texts;
  /** Names of all its field managers. */
  managers: readonly string[];
}

/** Returns the tool that a Kubernetes object shows, or `undefined`. */
export function ownerByMarks({ labels, annotations, managers }: ObjectMarks): Sign | undefined {
  const signs = OWNER_RULES.flatMap((rule) => {
    const { kind, manager } = rule;
    if (kind === 'tag' || kind === 'role-name' || (manager && !managers.some((one) => manager.test(one)))) return [];
    if (kind !== 'field-manager') return matched(rule, kind === 'label' ? labels : annotations) ?? [];
    const found = managers.find((one) => rule.key.test(one));
    return found === undefined ? [] : signOf(rule, found);
  });
  return mostRelevant(signs);
}

/** Returns the tool that a field manager belongs to, or `undefined`. */
export const ownerByManager = (manager: string): OwnerTool | undefined =>
  OWNER_RULES.find((rule) => rule.kind === 'field-manager' && rule.key.test(manager))?.tool;

/**
 * Returns what the tags name as the owner of a resource that is no known tool, such as `ManagedBy=platform-team`. What it
 * is, and whether it reverts anything, is not known.
 */
export function unknownOwner(tags: Texts): string | undefined {
  if (ownerByTags(tags)) return undefined;
  return Object.entries(tags).find(([key, value]) => OWNER_TAG.test(key) && value !== '')?.[1];
}

/** Returns the tool, or whatever else the tags of an association name as its owner; `undefined` if they name nothing. */
export function managingTool(
  tags: Readonly<Record<string, string>>,
): { tool: OwnerTool; title: string } | { tool?: undefined; title: string } | undefined {
  const tool = ownerByTags(tags)?.tool;
  if (tool !== undefined) return { tool, title: TOOLS[tool].title };
  const title = unknownOwner(tags);
  return title === undefined ? undefined : { title };
}
