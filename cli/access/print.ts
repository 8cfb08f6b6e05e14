/** Output of `grant-access`. */
import { nextSection } from '../print/next.ts';
import { remedyLines } from '../text/remedy.ts';
import { type Format, hanging, type Style } from '../text/style.ts';
import {
  type Granted,
  type GrantedEntry,
  type GrantedObject,
  type GrantResult,
  isGrantRefused,
} from '../cluster-access/grant.ts';

const RESULTS: Record<GrantResult, { mark: string; format: Format; word: string }> = {
  'would-create': { mark: '+', format: 'green', word: 'would be created' },
  'would-update': { mark: '~', format: 'yellow', word: 'would be updated' },
  created: { mark: '+', format: 'green', word: 'created' },
  updated: { mark: '~', format: 'yellow', word: 'updated' },
  nothing: { mark: '=', format: 'dim', word: 'unchanged' },
  refused: { mark: '✖', format: 'red', word: 'refused' },
};

interface Headline {
  mark: string;
  format: Format;
  word: string;
  says: string;
}

const headlineOf = (granted: Granted): Headline => {
  const { accessEntries, objects, applied, mapRoles } = granted;
  if (isGrantRefused(granted))
    return { mark: '✖', format: 'red', word: 'refused', says: 'there is a conflict; nothing was changed' };
  const isChange = [...accessEntries, ...objects].some(({ result }) => result !== 'nothing');
  if (applied && isChange)
    return { mark: '✔', format: 'green', word: 'granted', says: 'the service has the access that it needs' };
  if (isChange || mapRoles !== undefined)
    return {
      mark: '✔',
      format: 'cyan',
      word: 'dry run',
      says: 'this is the access that the service needs; nothing was changed',
    };
  return {
    mark: '✔',
    format: 'green',
    word: 'nothing to do',
    says: 'the service has the access that it needs; nothing was changed',
  };
};

const lines = ({ result, why, remedy }: GrantedEntry | GrantedObject, name: string, style: Style): string[] => {
  const { mark, format, word } = RESULTS[result];
  return [
    ...hanging(`  ${style.paint(format, mark)} `, `${name}: ${word}`, style),
    ...(why === undefined ? [] : hanging('      ', why, style)),
    ...(remedy === undefined ? [] : remedyLines('      do: ', remedy, style)),
  ];
};

const entryLines = (entry: GrantedEntry, style: Style): string[] => [
  ...lines(entry, entry.principalArn, style),
  ...(entry.groups.length === 0 ? [] : hanging('      groups: ', entry.groups.join(', '), style, 'dim')),
];

/** Returns the output. `next`: the command that applies a dry run, if there is one. */
export const grantedLines = (granted: Granted, next: string | undefined, style: Style): string[] => {
  const { target, authenticationMode = 'CONFIG_MAP', applied, accessEntries, objects, mapRoles, notes } = granted;
  const { mark, format, word, says } = headlineOf(granted);
  const isMade = accessEntries.some(({ result }) => result === 'created');
  const verdict = nextSection(
    `${style.paint(format, mark)} ${word}: ${says}.`,
    next === undefined ? [] : [{ why: 'To apply it', command: next }],
    style,
  );
  return [
    ...hanging(
      `${style.paint(format, mark)} ${style.paint(['bold', format], word)}  `,
      `${target.cluster} (${target.account}, ${target.region}): ${says}`,
      style,
    ),
    '',
    `${style.paint('bold', 'Access entries')}  authentication mode ${authenticationMode}`,
    ...accessEntries.flatMap((entry) => entryLines(entry, style)),
    ...(mapRoles === undefined
      ? []
      : [
          ...hanging(
            '  ',
            'This cluster does not use access entries. Add these lines to mapRoles of the ConfigMap kube-system/aws-auth:',
            style,
          ),
          ...mapRoles
            .trimEnd()
            .split('\n')
            .map((text) => `    ${text}`),
          ...hanging(
            '  ',
            `Or enable access entries (this cannot be undone): aws eks update-cluster-config --name ${target.cluster} --access-config authenticationMode=API_AND_CONFIG_MAP`,
            style,
          ),
        ]),
    '',
    style.paint('bold', 'RBAC objects'),
    ...objects.flatMap((object) => lines(object, object.name, style)),
    ...(notes.length === 0
      ? []
      : ['', style.paint('bold', 'Notes'), ...notes.flatMap((note) => hanging('  ! ', note, style))]),
    ...(applied && isMade ? ['', ...hanging('', 'A new access entry takes effect after some seconds.', style)] : []),
    ...verdict,
  ];
};
