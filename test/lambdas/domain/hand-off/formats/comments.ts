import { renderHandOff } from '../../../../../lambdas/domain/hand-off/formats/index.ts';
import type { HandOff, HandOffFormat } from '../../../../../lambdas/domain/terms/hand-off.ts';

/** Returns the comments of a hand-off as one text. */
export function commentsOf(handOff: HandOff, format: HandOffFormat = 'terraform'): string {
  const lines = renderHandOff(handOff, format).split('\n');
  return lines.flatMap((line) => (line.startsWith('#') ? [line.replace(/^# */, '')] : [])).join(' ');
}
