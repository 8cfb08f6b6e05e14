/** The hand-off as a part of a plan. */
import { renderHandOff } from '../../lambdas/domain/hand-off/formats/index.ts';
import type { HandOffFormat } from '../../lambdas/domain/terms/hand-off.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { hanging, type Style } from '../text/style.ts';
import { formatFor } from './format.ts';

export interface HandOffFlags {
  /** Whether to print the hand-off after the plan. */
  handOff: boolean;
  /** Absent means by the owner. */
  format?: HandOffFormat | undefined;
}

/** Returns what the code must contain after the planned migration, in the format or in that of its owner. */
export const handOffSection = (
  { handOff, plan }: Pick<MigrationReport, 'handOff' | 'plan'>,
  format: HandOffFormat | undefined,
  style: Style,
): string[] => {
  if (handOff === undefined)
    return [
      '',
      style.paint('bold', 'Hand-off'),
      ...hanging('  ', 'none: nothing would be changed, so the code stays as it is', style),
    ];
  const chosen = format ?? formatFor(handOff, plan?.owners ?? []).format;
  return [
    '',
    `${style.paint('bold', 'Hand-off')}  ${chosen}`,
    '',
    ...renderHandOff(handOff, chosen).trimEnd().split('\n'),
    // A quiet output has no verdict after it.
    ...(style.detail === 'quiet' ? [''] : []),
  ];
};
