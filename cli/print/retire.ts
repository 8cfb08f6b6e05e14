/** Output of `retire`: what it has changed in trust policies of roles, or would change. */
import { diffPolicies } from '../../lambdas/domain/trust/diff.ts';
import type { RetiredRole } from '../../lambdas/domain/record/retirement.ts';
import { isRefused, type Retired } from '../service/retire.ts';
import { checksSection } from './checks.ts';
import { type Next, nextSection } from './next.ts';
import { type Format, hanging, oneLine, type Style } from '../text/style.ts';

interface Headline {
  mark: string;
  format: Format;
  word: string;
  says: string;
}

const ROLE_SAYS: Record<RetiredRole['result'], string> = {
  removed: 'statement removed',
  'would-remove': 'statement would be removed',
  restored: 'statement restored',
  'would-restore': 'statement would be restored',
  nothing: 'nothing to do',
  refused: 'left unchanged',
};

const headlineOf = (retired: Retired): Headline => {
  const { action, done, roles } = retired;
  const back = action === 'reinstate';
  if (isRefused(retired)) return { mark: '✖', format: 'red', word: 'refused', says: 'nothing was changed' };
  if (done) {
    return back
      ? {
          mark: '↩',
          format: 'green',
          word: 'restored',
          says: 'the service accounts may use the role through OIDC again',
        }
      : { mark: '✔', format: 'green', word: 'retired', says: 'the role is now used through EKS Pod Identity only' };
  }
  if (roles.some(({ result }) => result.startsWith('would-')))
    return {
      mark: '✔',
      format: 'cyan',
      word: 'dry run',
      says: `this is what ${back ? '--undo' : 'retire'} would change; nothing was changed`,
    };
  return { mark: '✔', format: 'green', word: 'nothing to do', says: 'nothing was changed' };
};

const COLOURS: Record<string, Format> = { '+': 'green', '-': 'red' };
const diffLine = (line: string, style: Style): string => {
  const format = COLOURS[line.charAt(0)];
  return `    ${format ? style.paint(format, line) : line}`;
};

/** Returns what happens to the trust policy of a role. */
export const roleLines = ({ roleArn, result, why, before, after }: RetiredRole, style: Style): string[] => [
  '',
  ...oneLine(`${style.paint('bold', 'Role')}  `, `${roleArn}: ${ROLE_SAYS[result]}`, style),
  ...(why === undefined ? [] : hanging('  ', why, style)),
  ...(before === undefined || after === undefined
    ? []
    : diffPolicies(before, after).map((line) => diffLine(line, style))),
];

export interface RetiredNext {
  /** Applies a dry run, or undoes a retirement; absent if there is nothing to do. */
  command?: string | undefined;
  /** Makes the checks again, and accepts what they name; absent if they name nothing that can be accepted. */
  accept?: string | undefined;
  /** Prints the hand-off of the migration. */
  handOff?: string | undefined;
}

/** Returns the commands after it. The code of a role knows nothing of the change. */
const nextAfter = ({ dryRun, done, action }: Retired, { command, accept, handOff }: RetiredNext): Next[] => [
  ...(accept === undefined ? [] : [{ why: 'If you accept what these checks name, check again', command: accept }]),
  ...(done && handOff !== undefined
    ? [
        {
          why: `${action === 'retire' ? 'Remove the statement from' : 'Add the statement to'} the role's code before the next apply`,
          command: handOff,
        },
      ]
    : []),
  ...(command === undefined ? [] : [{ why: dryRun ? 'To apply it' : 'To undo it', command }]),
];

/** Returns the output, with the commands to paste next. */
export const retiredLines = (retired: Retired, next: RetiredNext, style: Style): string[] => {
  const { mark, format, word, says } = headlineOf(retired);
  return [
    ...oneLine(
      `${style.paint(format, mark)} ${style.paint(['bold', format], word)}  `,
      `${retired.migrationId}: ${says}`,
      style,
    ),
    ...(style.detail === 'quiet' ? [] : retired.roles.flatMap((role) => roleLines(role, style))),
    ...checksSection(retired.checks, style),
    ...nextSection(`${style.paint(format, mark)} ${word}: ${says}.`, nextAfter(retired, next), style),
  ];
};
