/** What `trust check` and `trust repair` say to people. */
import { diffPolicies } from '../../lambdas/domain/trust/diff.ts';
import type { Reason, Verdict } from '../../lambdas/domain/policy/index.ts';
import { type Format, hanging, type Style } from '../print/style.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import type { Answer, Answers, ClusterUse } from './answer.ts';
import type { Repaired } from './repaired.ts';

const MARKS: Record<Verdict, { mark: string; format: Format }> = {
  allowed: { mark: '✔', format: 'green' },
  denied: { mark: '✖', format: 'red' },
  invalid: { mark: '✖', format: 'red' },
  unknown: { mark: '?', format: 'yellow' },
};

const TITLES: Record<keyof Answers, string> = { podIdentity: 'EKS Pod Identity', irsa: 'IRSA' };
const KINDS = Object.keys(TITLES) as (keyof Answers)[];

const reasonText = ({ action, message }: Reason): string =>
  action === undefined || message.includes(action) ? message : `${action}: ${message}`;

const answerLines = (kind: keyof Answers, { verdict, reasons, accepted }: Answer, style: Style): string[] => {
  const { mark, format } = MARKS[verdict];
  return [
    `${style.paint(format, mark)} ${style.paint('bold', TITLES[kind])}  ${style.paint(format, verdict)}`,
    ...reasons.flatMap((reason) => hanging('    ', reasonText(reason), style)),
    ...(accepted
      ? hanging('    ', `It rests on what was accepted by name: ${accepted.join(', ')}`, style, 'yellow')
      : []),
  ];
};

/**
 * What to do where Pod Identity is not let in. A denied IRSA has no hint: after a migration that is how it should be.
 */
const hintLines = ({ verdict, undecided }: Answer, repair: string, style: Style): string[] => {
  if (verdict === 'allowed') return [];
  if (verdict === 'invalid')
    return [
      '',
      ...hanging('  do: ', 'correct the policy where it says; a policy that can not be read is not repaired', style),
    ];
  return [
    '',
    ...(undecided
      ? hanging(
          '  do: ',
          `where you know that it will not stand in the way, say so: ${undecided.map((key) => `--accept-key ${shellWord(key)}`).join(' ')}`,
          style,
        )
      : []),
    '  do: see which statement would let it in, or why none can:',
    `      ${style.paint('bold', repair)}`,
  ];
};

const issuerHint = ({ irsa }: Answers, { oidcIssuer }: ClusterUse, style: Style): string[] =>
  irsa.verdict === 'unknown' && oidcIssuer === undefined
    ? hanging('  do: ', "to know about IRSA, add the cluster's OIDC issuer: --oidc-issuer URL", style)
    : [];

const subject = ({ target: { account, region, cluster }, namespace }: ClusterUse, names: readonly string[]): string =>
  `${names.map((name) => `${namespace}/${name}`).join(', ')} on ${cluster} (${account}, ${region})`;

export interface Checked {
  /** Whose trust policy it is. */
  name: string;
  use: ClusterUse;
  answers: Answers;
  /** The command that shows its repair. */
  repair: string;
}

export const checkLines = ({ name, use, answers, repair }: Checked, style: Style): string[] => [
  ...hanging(`${style.paint('bold', 'Trust policy')}  `, `${name}, for ${subject(use, [use.serviceAccount])}`, style),
  '',
  ...KINDS.flatMap((kind) => answerLines(kind, answers[kind], style)),
  ...issuerHint(answers, use, style),
  ...hintLines(answers.podIdentity, repair, style),
];

const COLOURS: Record<string, Format> = { '+': 'green', '-': 'red' };

/** Before and after, one line of the policy each. */
export const diffLines = (before: string, after: string, style: Style): string[] =>
  diffPolicies(before, after).map((line) => {
    const format = COLOURS[line.charAt(0)];
    return format === undefined ? line : style.paint(format, line);
  });

const verdictLine = (kind: keyof Answers, before: Answers, after: Answers, style: Style): string => {
  const [was, is] = [before[kind].verdict, after[kind].verdict];
  const { mark, format } = MARKS[is];
  return `${style.paint(format, mark)} ${style.paint('bold', TITLES[kind])}  ${was === is ? is : `${was} → ${style.paint(format, is)}`}`;
};

export interface RepairPrint {
  name: string;
  use: ClusterUse;
  serviceAccounts: readonly string[];
  /** As it was read. */
  before: string;
  repaired: Repaired;
  /** Characters that IAM takes of it. */
  limit: number;
  /** The document is on stdout. */
  printed: boolean;
}

const HEADLINES: Record<
  'refused' | 'nothing' | 'written' | 'printed' | 'proposed',
  { mark: string; format: Format; says: string }
> = {
  refused: { mark: '✖', format: 'red', says: 'not repaired; nothing was changed' },
  nothing: { mark: '✔', format: 'green', says: 'there is nothing to repair' },
  written: { mark: '✔', format: 'green', says: 'repaired: written, and read back as it was written' },
  printed: { mark: '✔', format: 'green', says: 'repaired; the whole document is on stdout' },
  proposed: { mark: '✔', format: 'cyan', says: 'this is what a repair adds; nothing was changed' },
};

const headlineOf = (
  { refused, changed, written }: Repaired,
  printed: boolean,
): (typeof HEADLINES)[keyof typeof HEADLINES] => {
  if (refused) return HEADLINES.refused;
  if (!changed) return HEADLINES.nothing;
  return HEADLINES[written ? 'written' : printed ? 'printed' : 'proposed'];
};

export const repairLines = (
  { name, use, serviceAccounts, before, repaired, limit, printed }: RepairPrint,
  style: Style,
): string[] => {
  const { mark, format, says } = headlineOf(repaired, printed);
  const { refused, changed, policy, length } = repaired;
  return [
    `${style.paint(format, mark)} ${style.paint('bold', says)}`,
    ...hanging('  ', `${name}, for ${subject(use, serviceAccounts)}`, style, 'dim'),
    ...(refused ? ['', ...hanging('  why: ', refused.why, style), ...hanging('  do:  ', refused.remedy, style)] : []),
    ...(changed ? ['', ...diffLines(before, JSON.stringify(policy), style)] : []),
    '',
    ...(repaired.after
      ? KINDS.map((kind) => verdictLine(kind, repaired.before, repaired.after ?? repaired.before, style))
      : KINDS.flatMap((kind) => answerLines(kind, repaired.before[kind], style))),
    `  ${style.paint('dim', `${length} of ${limit} characters`)}`,
  ];
};
