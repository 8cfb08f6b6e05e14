/** Writes a hand-off for the tool that owns the code. */
import type { HandOff, HandOffFormat } from '../../terms/hand-off.ts';
import { cloudformation } from './cloudformation.ts';
import { eksctl } from './eksctl.ts';
import { helmValues } from './helm-values.ts';
import { terraformModule } from './terraform-module.ts';
import { terraform } from './terraform.ts';

const FORMATS: Readonly<Record<HandOffFormat, (handOff: HandOff) => string>> = {
  terraform,
  'terraform-module': terraformModule,
  cloudformation,
  eksctl,
  'helm-values': helmValues,
};

/**
 * Returns the hand-off in a format: comments and code that are valid as a whole, ending with a line break. It contains
 * only what is shown as itself, whatever the account's texts contain.
 */
export const renderHandOff = (handOff: HandOff, format: HandOffFormat): string => FORMATS[format](handOff);
