/** Renders the plan of a cluster as GitHub-flavoured Markdown, such as for the summary of a job. */
import type { Overview, OverviewCause, OverviewItem } from '../../lambdas/domain/overview/model.ts';
import { printable } from '../../lambdas/domain/text/text.ts';
import { typedParts } from '../text/remedy.ts';
import { backendFlags } from '../request.ts';
import type { ClusterPlanFlags } from './options.ts';
import { countsText, forecastText, IDENTITIES, nextCommands, strategyText, VERDICTS } from './shown.ts';

/**
 * Where GitHub or GitLab would begin a link: in an address, an email, a mention (`@name`), or a reference (`#1`, `GH-1`, `!1`,
 * `~label`, `%1`, `$1`, `&1`, `^alert`). Sources: GitHub Flavored Markdown Spec, "Autolinks (extension)"; GitHub Docs,
 * "Autolinked references and URLs"; GitLab Docs, "GitLab Flavored Markdown (GLFM)".
 */
const LINK_BEGINS = /(?<=:)(?=\/\/)|(?<=www)(?=\.)|(?<=@)|(?<=[#!~%$&^])(?=["\w])|(?<=\bGH-)(?=\d)/gi;
/**
 * Both find links in the rendered text, so that an escape of a character does not prevent one. An element between two texts
 * does, and what a reader copies is still the text.
 */
const APART = '<span></span>';

const markupEscaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_[\]|~#@!>$]/g, (sign) => `&#${sign.codePointAt(0) ?? 0};`);

/** Returns text in which nothing is markup, and nothing becomes a link: it quotes data of third parties. */
export const plain = (text: string): string =>
  printable(text).replaceAll('\n', ' ').split(LINK_BEGINS).map(markupEscaped).join(APART);

/** Returns a code span or block whose fence is longer than any in the text. */
const fenceFor = (text: string): string =>
  '`'.repeat(Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)) + 1);

/** Returns a remedy as lines of a list item: what is to be pasted is in a block of its own. */
const remedyOf = (remedy: string, backend: readonly string[]): string[] =>
  typedParts(remedy, { backend }).flatMap(({ kind, text }, index) => {
    if (kind === 'sentence') return [index === 0 ? `- To do: ${plain(text)}` : `  ${plain(text)}`];
    const fence = fenceFor(text);
    return [
      ...(index === 0 ? ['- To do:'] : []),
      '',
      `  ${fence}${kind === 'json' ? 'json' : 'sh'}`,
      `  ${text}`,
      `  ${fence}`,
      '',
    ];
  });

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** Returns the checks that block an item; of one whose IRSA is to be kept, those that show it. */
const blockedText = ({ verdict, blockedBy, reason }: OverviewItem): string => {
  const shown = verdict === 'keep-irsa' ? blockedBy.filter(({ keepIrsa }) => keepIrsa) : blockedBy;
  return shown.length > 0 ? shown.map(({ id }) => id).join(', ') : (reason ?? '');
};

const causesOf = (title: string, causes: readonly OverviewCause[], flags: ClusterPlanFlags): string[] => [
  ...(causes.length > 0 ? ['', `### ${title}`] : []),
  ...causes.flatMap(({ id, items: names, message, remedy, isCommon }) => [
    '',
    `**${plain(id)}**: ${plain(names.join(', '))}`,
    '',
    `- ${isCommon ? '' : `${plain(names[0] ?? '')}: `}${plain(message)}`,
    ...(remedy === undefined ? [] : remedyOf(printable(remedy), backendFlags(flags))),
  ]),
];

export const markdownOf = (found: Overview, flags: ClusterPlanFlags): string[] => {
  const { target, kubernetesVersion, items, causes, keepIrsa, unread } = found;
  return [
    `## EKS Pod Identity: ${plain(target.cluster)}`,
    '',
    `${plain(countsText(found))} Account ${target.account}, ${target.region}, Kubernetes ${plain(kubernetesVersion)}. Nothing was changed.`,
    ...(items.length > 0
      ? [
          '',
          row(['Add-on or service account', 'Identity', 'Verdict', 'Strategy', 'Forecast', 'Blocked by']),
          row(['---', '---', '---', '---', '---', '---']),
          ...items.map((item) =>
            row([
              plain(item.name),
              IDENTITIES[item.identity],
              VERDICTS[item.verdict],
              strategyText(item),
              forecastText(item),
              plain(blockedText(item)),
            ]),
          ),
        ]
      : []),
    ...causesOf('Blocked by', causes, flags),
    ...causesOf('Keep IRSA, which is the better fit', keepIrsa, flags),
    ...(unread.length > 0 ? ['', '### Not known', ''] : []),
    ...unread.flatMap(({ what, why, remedy }) => [
      `- ${plain(what)}: ${plain(why)}`,
      ...(remedy === undefined ? [] : remedyOf(printable(remedy), backendFlags(flags))),
    ]),
    ...nextCommands(found, flags).flatMap(({ what, commands }) => {
      const text = commands.join('\n');
      const fence = fenceFor(text);
      return ['', `${what}:`, '', `${fence}sh`, text, fence];
    }),
  ];
};
