/** Compares an answer with a recorded one, from which only the values of `PLACEHOLDERS` were taken out. */
import type { Answer } from './corpus.ts';

/** What each placeholder of a recorded answer stands for. The README of the corpus names them under "What was taken out". */
const PLACEHOLDERS: Record<string, string> = {
  time: String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`,
  uid: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  rv: String.raw`\d+`,
  hash: '[0-9a-z]+',
  id: '[0-9a-z]+',
  ip: String.raw`\d+\.\d+\.\d+\.\d+`,
  continue: '[A-Za-z0-9_=-]+',
  pointer: '0x[0-9a-f]+',
  ca: '[A-Za-z0-9+/=-]+',
  server: String.raw`[\w.-]+(?::\d+)?`,
  expiration: String.raw`\d+`,
  any: '.*',
};
const PLACEHOLDER = new RegExp(`<(${Object.keys(PLACEHOLDERS).join('|')})>`);

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

/** Returns whether a text is the recorded one but for what was taken out. */
const matches = (recorded: string, text: string): boolean => {
  if (recorded === text) return true;
  if (!PLACEHOLDER.test(recorded)) return false;
  const parts = recorded.split(new RegExp(PLACEHOLDER, 'g'));
  const pattern = parts.map((part, index) => (index % 2 === 1 ? PLACEHOLDERS[part] : escaped(part))).join('');
  return new RegExp(`^${pattern}$`, 's').test(text);
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
};

/** Returns a sentence for each place in which a value differs from the recorded one. */
export const differencesOf = (recorded: unknown, value: unknown, path = ''): string[] => {
  if (isObject(recorded) && isObject(value))
    return [...new Set([...Object.keys(recorded), ...Object.keys(value)])].flatMap((key) => {
      const at = `${path}.${key}`;
      // A key can be a placeholder too, such as `k:{"uid":"<uid>"}` of managed fields.
      const other = key in value ? key : Object.keys(value).find((each) => !(each in recorded) && matches(key, each));
      if (!(key in recorded)) {
        const taken = Object.keys(recorded).some((each) => !(each in value) && matches(each, key));
        return taken ? [] : [`${at}: recorded nothing, sandbox ${shown(value[key])}`];
      }
      if (other === undefined) return [`${at}: recorded ${shown(recorded[key])}, sandbox nothing`];
      return differencesOf(recorded[key], value[other], at);
    });
  if (Array.isArray(recorded) && Array.isArray(value)) {
    const length =
      recorded.length === value.length
        ? []
        : [`${path || 'body'}: recorded ${recorded.length} items, sandbox ${value.length}`];
    return [
      ...length,
      ...recorded
        .slice(0, value.length)
        .flatMap((each, index) => differencesOf(each, value[index], `${path}[${index}]`)),
    ];
  }
  const same =
    typeof recorded === 'string' && (typeof value === 'string' || typeof value === 'number')
      ? matches(recorded, String(value)) && (typeof value === 'string' || PLACEHOLDER.test(recorded))
      : recorded === value;
  return same ? [] : [`${path || 'body'}: recorded ${shown(recorded)}, sandbox ${shown(value)}`];
};

/** Ages in a table are times, which were taken out of all other answers. */
const withoutAges = (body: unknown): unknown => {
  if (!isObject(body) || body['kind'] !== 'Table' || !Array.isArray(body['columnDefinitions'])) return body;
  const age = body['columnDefinitions'].findIndex((column) => isObject(column) && column['name'] === 'Age');
  const rows = (body['rows'] ?? []) as { cells: unknown[] }[];
  return {
    ...body,
    rows: rows.map((row) => ({ ...row, cells: row.cells.map((cell, index) => (index === age ? '<age>' : cell)) })),
  };
};
/** In recorded YAML, resource versions and continue tokens were left in. */
const withoutVersions = (body: unknown): unknown =>
  isObject(body) && typeof body['text'] === 'string'
    ? {
        ...body,
        text: body['text']
          .replaceAll(/(resourceVersion: )"\d+"/g, '$1"<rv>"')
          .replaceAll(/(continue: )\S+/g, '$1<continue>'),
      }
    : body;
/** So was the current resource version in the message about one that is too large. */
const withoutCurrent = (body: unknown): unknown =>
  isObject(body) && body['kind'] === 'Status' && typeof body['message'] === 'string'
    ? { ...body, message: body['message'].replace(/(Too large resource version: \d+, current: )\d+$/, '$1<rv>') }
    : body;

/** Headers that say how the body was sent, and one that the recording did not keep. */
const TRANSFER = new Set([
  'content-length',
  'transfer-encoding',
  'date',
  'connection',
  'x-kubernetes-pf-prioritylevel-uid',
]);

export interface Differences {
  status: string[];
  headers: string[];
  body: string[];
}

/** Returns how an answer differs from the recorded one. */
export const compareAnswers = (recorded: Answer, answer: Answer): Differences => {
  const headersOf = ({ headers }: Answer): Record<string, string> =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !TRANSFER.has(name)));
  return {
    status: recorded.status === answer.status ? [] : [`status: recorded ${recorded.status}, sandbox ${answer.status}`],
    headers: differencesOf(headersOf(recorded), headersOf(answer), 'headers'),
    body: recorded.bodyLeftOut
      ? []
      : differencesOf(withoutAges(withoutCurrent(withoutVersions(recorded.body))), withoutAges(answer.body)),
  };
};
