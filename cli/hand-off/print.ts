/** Output of `hand-off patch` and `hand-off check`. */
import { join } from 'node:path';
import { printable } from '../../lambdas/domain/text/text.ts';
import { hintLines } from '../text/remedy.ts';
import { commandLines, type Next } from '../print/next.ts';
import { type Format, hanging, oneLine, type Style } from '../text/style.ts';
import type { Finding } from './terraform/model.ts';

const MARKS: Record<Finding['result'], { mark: string; format: Format }> = {
  changed: { mark: '~', format: 'cyan' },
  'as-is': { mark: '✔', format: 'green' },
  left: { mark: '✖', format: 'red' },
};

const placeOf = ({ path, line }: Finding, directory: string): string =>
  path === undefined ? '' : `${join(directory, path)}${line === undefined ? '' : `:${line}`}  `;

/** Returns what was found in one place, with what to do about it. */
const findingLines = (finding: Finding, directory: string, style: Style): string[] => {
  const { result, what, why, next } = finding;
  const { mark, format } = MARKS[result];
  return [
    ...oneLine(`  ${style.paint(format, mark)} `, printable(`${placeOf(finding, directory)}${what}`), style),
    ...(why === undefined ? [] : hanging('    ', printable(why), style)),
    ...(next === undefined
      ? []
      : next.split('\n').flatMap((line) => hintLines('    ', printable(line), style, '    '))),
  ];
};

/** Returns the findings; those that leave no question open only if the output is verbose. */
const findingsLines = (findings: readonly Finding[], directory: string, style: Style): string[] =>
  findings
    .filter(
      ({ result, why }) =>
        result === 'left' ||
        ((result === 'changed' || why !== undefined) && style.detail !== 'quiet') ||
        style.detail === 'verbose',
    )
    .flatMap((finding) => findingLines(finding, directory, style));

export interface Verdict {
  good: boolean;
  word: string;
  says: string;
}

/** Returns the findings and, at the end, the verdict and the commands to paste next. */
export const codeLines = (
  { findings, directory }: { findings: readonly Finding[]; directory: string },
  { good, word, says }: Verdict,
  next: readonly Next[],
  style: Style,
): string[] => {
  const [mark, format]: [string, Format] = good ? ['✔', 'green'] : ['✖', 'red'];
  const found = findingsLines(findings, directory, style);
  return [
    ...found,
    ...(found.length === 0 ? [] : ['']),
    ...oneLine(`${style.paint(format, mark)} `, `${style.paint(['bold', format], word)}: ${says}.`, style),
    ...next.flatMap((one) => commandLines(one, style)),
  ];
};
