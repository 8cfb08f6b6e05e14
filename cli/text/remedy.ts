/**
 * Prints texts that contain commands and policy statements, such as remedies: what is to be pasted is on a line of its
 * own, never wrapped, and begins as this program was started.
 */
import { PROGRAM } from '../program-name.ts';
import { type Format, hanging, oneLine, type Style, visibleWidth } from './style.ts';

const OWN = [
  ['approve', 'cancel', 'completion', 'demo', 'doctor', 'generate-fleet', 'grant-access', 'hand-off', 'identities'],
  [
    'migrate',
    'migrate-workload',
    'migrations',
    'plan',
    'record',
    'reject',
    'release',
    'retire',
    'rollback',
    'sandbox',
    'show',
  ],
  ['suggest-config', 'sweep', 'sweeps', 'trust'],
]
  .flat()
  .join('|');
/** How the service's texts name this program: they know neither npm nor npx. */
const NAMED = new RegExp(String.raw`(?<=^|[\s(])pod-identity(?= (?:${OWN})(?![\w-]))`, 'g');

const BEGINS = String.raw`(?:aws (?:eks|iam|sts|service-quotas) [a-z]|kubectl (?:-n )?[a-z]|argocd app [a-z]|flux suspend [a-z]|npm (?:run|ci|install) ?|npx [a-z]|pod-identity (?:${OWN})(?![\w-]))`;
/** A command ends before ` ;`, ` .` or ` ,`, before ` (for `, a closing parenthesis or a semicolon in one, or with the line. */
const COMMAND = String.raw`(?<=^|[\s(])${BEGINS}.*?(?= [;.,](?: |$)| \(for |\)|; (?:for|or|\()|$)`;
/** A JSON object or list of objects, as far as it can be recognised by its beginning. */
const JSON_BEGINS = String.raw`(?<=^|\s)\[?\{"`;
const PASTED = new RegExp(`(?<command>${COMMAND})|(?<json>${JSON_BEGINS})`, 'gm');

/** Returns the commands in a text. */
export const commandsIn = (text: string): string[] =>
  partsOf(text).flatMap((part) => (part.kind === 'command' ? [part.text] : []));

export interface Part {
  kind: 'sentence' | 'command' | 'json';
  text: string;
}

/** Returns where the JSON document at `start` ends, or undefined if it is none. */
const endOfJson = (text: string, start: number): number | undefined => {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at += 1) {
    const sign = text[at] ?? '';
    if (quoted) {
      if (sign === '\\') at += 1;
      else quoted = sign !== '"';
    } else if (sign === '"') quoted = true;
    else if ('{['.includes(sign)) depth += 1;
    else if ('}]'.includes(sign)) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
};

/** Returns the parts to paste, by their position. */
const pastedIn = (text: string): { kind: 'command' | 'json'; start: number; end: number }[] => {
  const found: { kind: 'command' | 'json'; start: number; end: number }[] = [];
  let end = 0;
  for (const match of text.matchAll(PASTED)) {
    if (match.index < end) continue;
    const isCommand = match.groups?.['command'] !== undefined;
    const ends = isCommand ? match.index + match[0].length : endOfJson(text, match.index);
    if (ends === undefined) continue;
    end = ends;
    found.push({ kind: isCommand ? 'command' : 'json', start: match.index, end });
  }
  return found;
};

/** Returns a sentence between parts to paste, without the signs that only separate it from them. */
const sentence = (text: string, { after, before }: { after: boolean; before: boolean }): Part[] => {
  const begun = after ? text.replace(/^\)?\s*[;.,]?(?:\s+|$)/, '') : text;
  const said = (before ? begun.replace(/\s*\($/, ':') : begun).trim();
  return said === '' || said === ':' ? [] : [{ kind: 'sentence', text: said }];
};

/** Splits a text into its sentences and what is to be pasted. */
export const partsOf = (text: string): Part[] => {
  const parts: Part[] = [];
  let from = 0;
  for (const { kind, start, end } of pastedIn(text)) {
    parts.push(...sentence(text.slice(from, start), { after: from > 0, before: true }));
    parts.push({ kind, text: text.slice(start, end) });
    from = end;
  }
  return [...parts, ...sentence(text.slice(from), { after: from > 0, before: false })];
};

/** Commands that can run where this one runs, although the service's texts do not say where. */
const ANYWHERE =
  /^pod-identity (?:cancel|hand-off|identities|plan|release|retire|rollback|show|trust (?:check|repair))(?![\w-])/;
const LOCATED = / --(?:deployed|sandbox|state|help)(?![\w-])/;
const DEPLOYED = / --deployed(?![\w-])/;

/** Returns a line with this program's commands as they are typed here, in the backend of this command. */
export const typedLine = (line: string, { backend }: Pick<Style, 'backend'>): string => {
  const located = backend.length === 0 ? line : line.replace(DEPLOYED, () => ` ${backend.join(' ')}`);
  return located.replace(NAMED, () => PROGRAM);
};

/** Does the same for a command of a remedy, which may not say where it runs. */
const typed = (command: string, style: Pick<Style, 'backend'>): string => {
  const { backend } = style;
  const isOpen = backend.length > 0 && ANYWHERE.test(command) && !LOCATED.test(command);
  const isElsewhere = command.includes(' trust ') && backend.includes('--deployed');
  return typedLine(isOpen && !isElsewhere ? `${command} ${backend.join(' ')}` : command, style);
};

/** Returns a text with the commands in it as they are typed here. */
const typedText = (text: string, style: Pick<Style, 'backend'>): string => {
  let from = 0;
  const parts = pastedIn(text).map(({ kind, start, end }) => {
    const before = text.slice(from, start);
    from = end;
    return `${before}${kind === 'command' ? typed(text.slice(start, end), style) : text.slice(start, end)}`;
  });
  return `${parts.join('')}${text.slice(from)}`;
};

/** Returns a text with its sentences wrapped, and each command and policy statement on a line of its own. */
export const remedyLines = (lead: string, text: string, style: Style, format?: Format): string[] => {
  const indent = ' '.repeat(visibleWidth(lead));
  return partsOf(text).flatMap((part, index) => {
    const before = index === 0 ? lead : indent;
    if (part.kind === 'sentence') return hanging(before, part.text, style, format);
    const pasted = part.kind === 'command' ? typed(part.text, style) : part.text;
    return [index === 0 ? `${before}${pasted}` : `${indent}  ${pasted}`];
  });
};

/** Does the same for a line of an error, if it is wider than the terminal; otherwise, it stays one line. */
export const hintLines = (lead: string, text: string, style: Style, indent: string): string[] => {
  const line = typedText(text, style);
  if (lead.length + line.length <= style.lineWidth) return [`${lead}${line}`];
  return partsOf(line).flatMap((part, index) => {
    if (part.kind === 'sentence') return oneLine(index === 0 ? lead : indent, part.text, style);
    return [index === 0 ? `${lead}${part.text}` : `${indent}  ${part.text}`];
  });
};

/** Returns the parts for another format than a terminal's. */
export const typedParts = (text: string, style: Pick<Style, 'backend'>): Part[] =>
  partsOf(text).map((part) => (part.kind === 'command' ? { ...part, text: typed(part.text, style) } : part));
