/** Compares two policies line by line, as indented JSON, for people to read. */
import { decodePolicy } from '../policy/index.ts';

/** A diff of up to this many lines is shown whole. */
const SHORT = 60;
const CONTEXT = 3;
/** Above this number of line pairs the diff shows all old lines, then all new ones, to bound the memory of the table. */
const MOST_PAIRS = 4_000_000;

const GAP = '  …';

/** Returns the lines of the JSON, indented by two spaces, or the lines of the text if it is not JSON. */
function linesOf(policy: string): string[] {
  try {
    return JSON.stringify(JSON.parse(decodePolicy(policy)), undefined, 2).split('\n');
  } catch {
    return policy.split(/\r?\n/);
  }
}

type Mark = '  ' | '- ' | '+ ';
interface Line {
  mark: Mark;
  text: string;
}

const marked = (mark: Mark, lines: readonly string[]): Line[] => lines.map((text) => ({ mark, text }));

/** Compares by the longest common subsequence, found from its table of lengths. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  if (before.length * after.length > MOST_PAIRS) return [...marked('- ', before), ...marked('+ ', after)];
  const width = after.length + 1;
  const longest = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number): number => longest[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      longest[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: Line[] = [];
  let row = 0;
  let column = 0;
  while (row < before.length || column < after.length) {
    const [old, fresh] = [before[row], after[column]];
    if (old !== undefined && old === fresh) {
      lines.push({ mark: '  ', text: old });
      row += 1;
      column += 1;
    } else if (old !== undefined && (fresh === undefined || at(row + 1, column) >= at(row, column + 1))) {
      lines.push({ mark: '- ', text: old });
      row += 1;
    } else {
      lines.push({ mark: '+ ', text: fresh ?? '' });
      column += 1;
    }
  }
  return lines;
}

/** Returns the number of leading lines that two texts have in common, at most `most`. */
function commonLength(a: readonly string[], b: readonly string[], most: number): number {
  let length = 0;
  while (length < most && a[length] === b[length]) length += 1;
  return length;
}

/**
 * Returns lines that begin with two spaces, `- ` or `+ `. Of a long policy it returns only the lines near a change.
 * Returns an empty list if nothing changes.
 */
export function diffPolicies(before: string, after: string): string[] {
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const shorter = Math.min(old.length, fresh.length);
  const head = commonLength(old, fresh, shorter);
  const tail = commonLength(old.toReversed(), fresh.toReversed(), shorter - head);
  const lines = [
    ...marked('  ', old.slice(0, head)),
    ...compare(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail)),
    ...marked('  ', old.slice(old.length - tail)),
  ];
  const changed = lines.flatMap(({ mark }, index) => (mark === '  ' ? [] : [index]));
  if (changed.length === 0) return [];
  const near = new Set(
    changed.flatMap((index) => Array.from({ length: 2 * CONTEXT + 1 }, (_, offset) => index + offset - CONTEXT)),
  );
  const isShown = (index: number): boolean => lines.length <= SHORT || near.has(index);
  return lines.flatMap(({ mark, text }, index) => {
    if (isShown(index)) return [mark + text];
    return index === 0 || isShown(index - 1) ? [GAP] : [];
  });
}
