/**
 * Takes out of a recorded answer what differs from one recording to the next. In its place it puts the placeholders that
 * `compare.ts` knows, so that an answer is always equal to its own normal form.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isObject } from '../../../sandbox/json.ts';
import type { Answer } from './corpus.ts';

/** Headers of one connection, of one moment or of one server, and those of the caches of documents. */
const LEFT_OUT = new Set([
  'date',
  'connection',
  'keep-alive',
  'x-kubernetes-pf-prioritylevel-uid',
  'accept-ranges',
  'etag',
  'last-modified',
]);
/** Headers whose value differs each time. */
const ANY = new Set(['audit-id', 'content-length', 'x-kubernetes-pf-flowschema-uid']);

/** Returns the headers of an answer that a client could go by, with their names in lower case. */
export const keptHeaders = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || LEFT_OUT.has(name) ? [] : [[name, [value].flat().join(', ')] as const],
    ),
  );

const HASH_LABELS = ['pod-template-hash', 'controller-revision-hash'];
/** What the API server appends to a prefix; a StatefulSet's pods have a prefix and a number. */
const GENERATED = /^[bcdfghjklmnpqrstvwxz2456789]{5}$/;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;

/** Texts that are taken out wherever they stand. */
const EVERYWHERE: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b0x[0-9a-f]{6,}\b/g, '<pointer>'],
  // Objects in messages are JSON in a JSON text; YAML has no quotes around its keys.
  [/(resourceVersion\\?"?: ?\\?")\d+(?=\\?")/g, '$1<rv>'],
  [/(Too large resource version: \d+, current: )\d+$/g, '$1<rv>'],
  [/(^|\n)( *continue: )\S+/g, '$1$2<continue>'],
  [/\b127\.0\.0\.1:\d+/g, '<server>'],
  [/(k:\{"ip":")[\d.]+(?="\})/g, '$1<ip>'],
  [/\b(containerd:\/\/)[0-9a-f]{64}\b/g, '$1<id>'],
  [/\b(kube-api-access-)[0-9a-z]{5}\b/g, '$1<id>'],
];

/** Generated names, by what each becomes. */
export type Names = ReadonlyMap<string, string>;

const noteNames = (value: unknown, hashes: Set<string>, generated: Map<string, string>): void => {
  if (Array.isArray(value)) {
    for (const each of value) noteNames(each, hashes, generated);
    return;
  }
  if (!isObject(value)) return;
  const { name, generateName, labels } = value;
  if (typeof name === 'string' && typeof generateName === 'string' && GENERATED.test(name.slice(generateName.length)))
    generated.set(name, generateName);
  for (const label of HASH_LABELS) {
    const text = isObject(labels) ? labels[label] : undefined;
    // The label of a StatefulSet's pod has the name of the set in front.
    if (typeof text === 'string') hashes.add(text.slice(text.lastIndexOf('-') + 1));
  }
  for (const each of Object.values(value)) noteNames(each, hashes, generated);
};

const withoutHashes = (text: string, hashes: Iterable<string>): string =>
  [...hashes].reduce((rest, hash) => rest.replaceAll(new RegExp(String.raw`\b${hash}\b`, 'g'), '<hash>'), text);

/** Returns the generated names that occur in the bodies of answers: those of pods, and the hashes of templates. */
export const generatedNames = (bodies: readonly unknown[]): Names => {
  const hashes = new Set<string>();
  const generated = new Map<string, string>();
  for (const body of bodies) noteNames(body, hashes, generated);
  const whole = [...generated].map(([name, start]): [string, string] => [name, `${withoutHashes(start, hashes)}<id>`]);
  // A name contains its hash, and is therefore replaced first.
  return new Map([...whole, ...[...hashes].map((hash): [string, string] => [hash, '<hash>'])]);
};

const normalText = (text: string, key: string, names: Names): string => {
  if (key === 'resourceVersion' && /^\d+$/.test(text)) return '<rv>';
  if (key === 'continue' && text !== '') return '<continue>';
  if (key === 'caBundle') return '<ca>';
  if (key === 'serverAddress') return '<server>';
  if (ADDRESS.test(text)) return '<ip>';
  const renamed = [...names].reduce(
    (rest, [name, normal]) =>
      rest.includes(name) ? rest.replaceAll(new RegExp(String.raw`\b${name}\b`, 'g'), normal) : rest,
    text,
  );
  return EVERYWHERE.reduce((rest, [pattern, normal]) => rest.replaceAll(pattern, normal), renamed);
};

/** Returns a body without what differs from one recording to the next. */
export const normalBody = (value: unknown, names: Names, key = ''): unknown => {
  if (typeof value === 'string') return normalText(value, key, names);
  if (Array.isArray(value)) return value.map((each: unknown) => normalBody(each, names, key));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([each, part]) => [normalText(each, '', names), normalBody(part, names, each)]),
  );
};

/** Returns an answer without what differs from one recording to the next. */
export const normalAnswer = ({ status, headers, ...rest }: Answer, names: Names): Answer => ({
  status,
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, ANY.has(name) ? '<any>' : value])),
  ...('body' in rest ? { body: normalBody(rest.body, names) } : {}),
});
