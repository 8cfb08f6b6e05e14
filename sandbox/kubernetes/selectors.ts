/** `labelSelector` and `fieldSelector` of lists. */
import { badRequest } from './answers.ts';
import type { KubeObject, LabelSelector } from './objects.ts';
import type { ResourceInfo } from './store.ts';

export type Selector = (object: KubeObject) => boolean;

const KEY = String.raw`(?<key>[A-Za-z0-9][-A-Za-z0-9_./]*)`;
const VALUE = String.raw`[A-Za-z0-9]?[-A-Za-z0-9_.]*`;
const EQUALITY = new RegExp(`^${KEY}\\s*(?<operator>==|=|!=)\\s*(?<value>${VALUE})$`);
const SET = new RegExp(`^${KEY}\\s+(?<operator>in|notin)\\s*\\((?<values>[^()]*)\\)$`);
const EXISTS = new RegExp(`^(?<not>!?)\\s*${KEY}$`);

/** Splits a selector at commas outside parentheses. */
const requirements = (selector: string): string[] =>
  selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

const labelRequirement = (text: string): ((labels: Record<string, string>) => boolean) => {
  const equality = EQUALITY.exec(text)?.groups;
  if (equality) {
    const { key = '', operator, value = '' } = equality;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const set = SET.exec(text)?.groups;
  if (set) {
    const { key = '', operator, values = '' } = set;
    const wanted = values.split(',').map((value) => value.trim());
    // As in Kubernetes, `notin` matches objects without the label.
    return (labels) => (labels[key] !== undefined && wanted.includes(labels[key])) === (operator === 'in');
  }
  const exists = EXISTS.exec(text)?.groups;
  if (exists) {
    const { not, key = '' } = exists;
    return (labels) => (labels[key] !== undefined) === (not === '');
  }
  throw badRequest(`unable to parse requirement: found '${text}', expected: a label key, =, ==, !=, in or notin`);
};

/**
 * Parses a label selector: equality (`a=b`, `a!=b`), set (`a in (b,c)`, `a notin (b)`) and existence (`a`, `!a`),
 * joined by commas.
 */
export const labelSelector = (selector: string): Selector => {
  const wanted = requirements(selector).map(labelRequirement);
  return ({ metadata }) => wanted.every((requirement) => requirement(metadata.labels ?? {}));
};

/** Parses a selector within an object; an undefined selector selects nothing. */
export const objectSelector = (selector: LabelSelector | undefined): Selector => {
  if (!selector) return () => false;
  const pairs = Object.entries(selector.matchLabels ?? {});
  const expressions = selector.matchExpressions ?? [];
  return ({ metadata: { labels = {} } }) =>
    pairs.every(([label, value]) => labels[label] === value) &&
    expressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists' || operator === 'DoesNotExist')
        return (value !== undefined) === (operator === 'Exists');
      return (value !== undefined && values.includes(value)) === (operator === 'In');
    });
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
type Field = (object: KubeObject) => string;
const COMMON_FIELDS: Record<string, Field> = {
  'metadata.name': ({ metadata }) => metadata.name,
  'metadata.namespace': ({ metadata }) => metadata.namespace ?? '',
};
const POD_FIELDS: Record<string, Field> = {
  'spec.nodeName': ({ spec }) => text(spec?.['nodeName']),
  'spec.serviceAccountName': ({ spec }) => text(spec?.['serviceAccountName']),
  'status.phase': ({ status }) => text(status?.['phase']),
};

/**
 * Parses a field selector: `field=value`, `field==value` and `field!=value`, joined by commas, for the fields that the
 * API server indexes.
 */
export const fieldSelector = (selector: string, { kind }: ResourceInfo): Selector => {
  const fields = kind === 'Pod' ? { ...COMMON_FIELDS, ...POD_FIELDS } : COMMON_FIELDS;
  const wanted = requirements(selector).map((requirement): Selector => {
    const parsed = /^(?<name>[^=!]+)(?<operator>==|=|!=)(?<value>.*)$/.exec(requirement)?.groups;
    if (!parsed) throw badRequest(`invalid selector: '${selector}'; can't understand '${requirement}'`);
    const { name = '', operator, value } = parsed;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) throw badRequest(`field label not supported: ${name}`);
    return (object) => (field(object) === value) === (operator !== '!=');
  });
  return (object) => wanted.every((requirement) => requirement(object));
};
