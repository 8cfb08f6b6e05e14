/** What `retire` has done to a role's trust policy, or would do. */
import { diffPolicies } from '../../lambdas/domain/trust/diff.ts';
import type { RetiredRole } from '../../lambdas/domain/migration/model.ts';
import { isRefused, type Retired } from '../retire.ts';
import { checksSection } from './checks.ts';
import { type Format, hanging, type Style } from './style.ts';

interface Headline {
  mark: string;
  format: Format;
  word: string;
  says: string;
}

const ROLE_SAYS: Record<RetiredRole['result'], string> = {
  removed: 'this was taken out',
  'would-remove': 'this would be taken out',
  'put-back': 'this was put back',
  'would-put-back': 'this would be put back',
  nothing: 'nothing to do',
  refused: 'left as it is',
};

const headlineOf = (retired: Retired): Headline => {
  const { action, done, roles } = retired;
  const back = action === 'reinstate';
  if (isRefused(retired)) return { mark: '✖', format: 'red', word: 'refused', says: 'nothing was changed' };
  if (done) {
    return back
      ? { mark: '↩', format: 'green', word: 'put back', says: 'the service accounts may use the role by OIDC again' }
      : { mark: '✔', format: 'green', word: 'retired', says: 'the role is used by EKS Pod Identity alone' };
  }
  if (roles.some(({ result }) => result.startsWith('would-')))
    return {
      mark: '✔',
      format: 'cyan',
      word: 'dry run',
      says: `this is what ${back ? 'putting it back' : 'retire'} would change; nothing was changed`,
    };
  return { mark: '✔', format: 'green', word: 'nothing to do', says: 'nothing was changed' };
};

const COLOURS: Record<string, Format> = { '+': 'green', '-': 'red' };
const diffLine = (line: string, style: Style): string => {
  const format = COLOURS[line.charAt(0)];
  return `    ${format ? style.paint(format, line) : line}`;
};

const roleLines = ({ roleArn, result, why, before, after }: RetiredRole, style: Style): string[] => [
  '',
  `${style.paint('bold', 'Role')}  ${roleArn}: ${ROLE_SAYS[result]}`,
  ...(why === undefined ? [] : hanging('  ', why, style)),
  ...(before === undefined || after === undefined
    ? []
    : diffPolicies(before, after).map((line) => diffLine(line, style))),
];

/** `next`: the command that carries a dry run out, or that puts back what was taken out. */
export const retiredLines = (retired: Retired, next: string | undefined, style: Style): string[] => {
  const { mark, format, word, says } = headlineOf(retired);
  return [
    `${style.paint(format, mark)} ${style.paint(['bold', format], word)}  ${retired.migrationId}: ${says}`,
    ...retired.roles.flatMap((role) => roleLines(role, style)),
    ...checksSection(retired.checks, style),
    ...(next === undefined ? [] : ['', `${retired.dryRun ? 'To do it' : 'To put it back'}: ${next}`]),
  ];
};
