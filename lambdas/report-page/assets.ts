/**
 * The page's style and script. They are separate files, so that editors, the formatter and the linter handle them. The
 * bundle of the Lambdas contains a copy of their folder next to its files (`scripts/bundle.ts`), so the same relative
 * path works from this file and from the bundle.
 */
import { readFileSync } from 'node:fs';

/** In the order of the cascade. */
const STYLES = ['colours', 'page', 'tones', 'fleet', 'narrow', 'print'];

const read = (name: string): string => readFileSync(new URL(`browser/${name}`, import.meta.url), 'utf8');

export interface PageAssets {
  style: string;
  script: string;
}

let assets: PageAssets | undefined;

/** Returns the style and the script. Reads them from disk once per process, when they are first needed. */
export const pageAssets = (): PageAssets =>
  (assets ??= { style: STYLES.map((name) => read(`${name}.css`)).join(''), script: read('page.js') });
