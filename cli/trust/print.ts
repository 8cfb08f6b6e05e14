/** Output of `trust check` and `trust repair`. */
import { acceptFlags } from '../../lambdas/domain/acceptance/accept.ts';
import { diffPolicies } from '../../lambdas/domain/trust/diff.ts';
import type { Reason, Verdict } from '../../lambdas/domain/policy/index.ts';
import { remedyLines } from '../text/remedy.ts';
import { type Format, hanging, oneLine, type Style } from '../text/style.ts';
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
    ...(accepted ? hanging('    ', `Assumes the accepted conditions: ${accepted.join(', ')}`, style, 'yellow') : []),
  ];
};

/** Returns what to do if Pod Identity is not allowed. A denied IRSA has no hint: it is expected after a migration. */
const hintLines = ({ verdict, undecided }: Answer, repair: string, style: Style): string[] => {
  if (verdict === 'allowed') return [];
  if (verdict === 'invalid')
    return [
      '',
      ...hanging('  do: ', 'correct the policy at the position shown above; an invalid policy is not repaired', style),
    ];
  return [
    '',
    ...(undecided
      ? hanging(
          '  do: ',
          `if you know that the pods meet the condition, accept it: ${acceptFlags('condition-key', undecided)}`,
          style,
        )
      : []),
    ...oneLine('  do: ', 'show the statement that would allow it, or why there is none:', style),
    `      ${style.paint('bold', repair)}`,
  ];
};

const issuerHint = ({ irsa }: Answers, { oidcIssuer }: ClusterUse, style: Style): string[] =>
  irsa.verdict === 'unknown' && oidcIssuer === undefined
    ? hanging('  do: ', "to evaluate IRSA, add the cluster's OIDC issuer: --oidc-issuer URL", style)
    : [];

const subject = ({ target: { account, region, cluster }, namespace }: ClusterUse, names: readonly string[]): string =>
  `${names.map((name) => `${namespace}/${name}`).join(', ')} on ${cluster} (${account}, ${region})`;

export interface Checked {
  /** The file or role with the trust policy. */
  name: string;
  use: ClusterUse;
  answers: Answers;
  /** The command that shows the repair of the policy. */
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

/** Returns the difference of two policies, by lines. */
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
  /** The policy as it was read. */
  before: string;
  repaired: Repaired;
  /** Maximum number of characters in IAM. */
  limit: number;
  /** Whether the document is on stdout. */
  printed: boolean;
}

const HEADLINES: Record<
  'refused' | 'nothing' | 'written' | 'printed' | 'proposed',
  { mark: string; format: Format; says: string }
> = {
  refused: { mark: '✖', format: 'red', says: 'not repaired; nothing was changed' },
  nothing: { mark: '✔', format: 'green', says: 'nothing to repair' },
  written: { mark: '✔', format: 'green', says: 'repaired: written to the role and read back' },
  printed: { mark: '✔', format: 'green', says: 'repaired: the document is on stdout' },
  proposed: { mark: '✔', format: 'cyan', says: 'this is what a repair would add; nothing was changed' },
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
    ...(refused
      ? ['', ...hanging('  why: ', refused.why, style), ...remedyLines('  do:  ', refused.remedy, style)]
      : []),
    ...(changed ? ['', ...diffLines(before, JSON.stringify(policy), style)] : []),
    '',
    ...(repaired.after
      ? KINDS.map((kind) => verdictLine(kind, repaired.before, repaired.after ?? repaired.before, style))
      : KINDS.flatMap((kind) => answerLines(kind, repaired.before[kind], style))),
    `  ${style.paint('dim', `${length} of ${limit} characters`)}`,
  ];
};
