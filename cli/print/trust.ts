/** Output on trust policies of roles: changes that a plan contains, and changes that a migration has made. */
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import type { TrustChange, TrustRetirement } from '../../lambdas/domain/terms/trust.ts';
import { hanging, oneLine, type Style } from '../text/style.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';

type Statement = Record<string, unknown>;

/** Returns a name for the statement, with its Sid if it has one. */
const statementName = ({ Sid }: Statement): string =>
  typeof Sid === 'string' && Sid !== '' ? `statement ${Sid}` : 'a statement without a Sid';

/** Returns the statements to add, each on one line, so that it can be copied. */
export const trustRepairsSection = ({ trustRepairs }: Plan, style: Style): string[] =>
  trustRepairs.length === 0
    ? []
    : [
        '',
        ...oneLine(
          `${style.paint('bold', 'Trust policies')}  `,
          'one statement is added to each role; a rollback removes it',
          style,
        ),
        ...trustRepairs.flatMap(({ roleArn, statement }) => [
          ...oneLine(`  ${style.paint('green', '+')} role `, roleArn, style),
          `      ${jsonText(statement)}`,
        ]),
      ];

const changeText = ({ statement, roleArn, writtenAt, undoneAt }: TrustChange): string => {
  const name = statementName(statement);
  if (undoneAt !== undefined)
    return writtenAt === undefined
      ? `${name} is not in role ${roleArn}`
      : `${name} added to role ${roleArn}, and removed again at ${undoneAt}`;
  return writtenAt === undefined
    ? `${name} may have been added to role ${roleArn}: it was not read back`
    : `${name} added to role ${roleArn}`;
};

const isThere = ({ writtenAt, undoneAt }: TrustChange): boolean => writtenAt !== undefined && undoneAt === undefined;

const retirementText = ({
  removed,
  roleArn,
  writtenAt,
  undoneAt,
  notedAt,
  requestedBy,
  reason,
}: TrustRetirement): string => {
  const names = removed.map(({ statement, kept }) => `${statementName(statement)}${kept ? ' in part' : ''}`).join(', ');
  const by = `${requestedBy === undefined ? '' : ` by ${requestedBy}`}${reason === undefined ? '' : `: ${reason}`}`;
  if (undoneAt !== undefined) return `${names} retired from role ${roleArn}${by}; restored at ${undoneAt}`;
  return writtenAt === undefined
    ? `${names} may have been retired from role ${roleArn} at ${notedAt} (it was not read back)${by}`
    : `${names} retired from role ${roleArn} at ${writtenAt}${by}`;
};

/** Returns the changes of trust policies by this migration, and by retirements after it. */
export const trustChangesLines = (
  { trustChanges, retirements }: Pick<MigrationReport, 'trustChanges' | 'retirements'>,
  style: Style,
): string[] => {
  const lines = [
    ...trustChanges.map((change) => ({
      mark: isThere(change) ? style.paint('green', '+') : style.paint('cyan', '='),
      text: changeText(change),
    })),
    ...retirements.map((retirement) => ({
      mark: retirement.undoneAt === undefined ? style.paint('red', '-') : style.paint('cyan', '='),
      text: retirementText(retirement),
    })),
  ];
  return lines.length === 0
    ? []
    : ['  trust policies:', ...lines.flatMap(({ mark, text }) => hanging(`    ${mark} `, text, style))];
};
