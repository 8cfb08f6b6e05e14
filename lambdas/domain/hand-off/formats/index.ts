/** Writes a hand-off for the tool that owns the code. */
import type { HandOff, HandOffFormat } from '../model.ts';
import { terraform } from './terraform.ts';

const FORMATS: Readonly<Partial<Record<HandOffFormat, (handOff: HandOff) => string>>> = { terraform };

/** Returns the hand-off in a format: text that ends with a line break. */
export function renderHandOff(handOff: HandOff, format: HandOffFormat): string {
  const write = FORMATS[format];
  if (!write) throw new Error(`The format ${format} is not available yet.`);
  return write(handOff);
}
