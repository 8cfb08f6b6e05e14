/**
 * `node scripts/sdk-versions.ts` writes the tables of docs/sdk-versions.md from the data of `lambdas/domain/images`. A
 * test fails if they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADDON_VERSIONS } from '../lambdas/domain/images/eks.ts';
import { KNOWN_IMAGES } from '../lambdas/domain/images/known.ts';
import type { KnownImage, Source } from '../lambdas/domain/images/model.ts';
import { MINIO_GO, SDK_MINIMUMS } from '../lambdas/domain/images/sources.ts';
import { code, table, withPositions } from './schema-tables.ts';

export const SDK_VERSIONS_FILE = join(import.meta.dirname, '..', 'docs', 'sdk-versions.md');

const linked = ({ url, says }: Source): string => {
  const { host, pathname } = new URL(url);
  return `[${host === 'github.com' ? pathname.slice(1).split('/').slice(0, 2).join('/') : host}](${url}): ${says}`;
};
const repositoriesOf = ({ repositories }: KnownImage): string => repositories.map(code).join(', ');
const minimumOf = ({ support }: KnownImage): string =>
  support.kind === 'from'
    ? [support.minimum, ...(support.backports ?? []).map((version) => `${version} in its minor version`)].join('; ')
    : support.kind === 'never'
      ? `none, up to ${support.through}`
      : 'calls no AWS API';
const sourceOf = ({ source, note }: KnownImage): string => `${linked(source)}.${note === undefined ? '' : ` ${note}`}`;
const byName = (a: KnownImage, b: KnownImage): number => a.component.localeCompare(b.component, 'en');

const callsAws = KNOWN_IMAGES.filter(({ support }) => support.kind !== 'no-calls').toSorted(byName);
const callsNothing = KNOWN_IMAGES.filter(({ support }) => support.kind === 'no-calls').toSorted(byName);

/** Returns the text with its tables replaced. Throws an `Error` if it has no marks for a table. */
export const withSdkVersions = (text: string): string =>
  withPositions(
    text,
    {
      sdks: table(
        ['SDK', 'minimum'],
        [...SDK_MINIMUMS, MINIO_GO].map(({ sdk, minimum }) => [sdk, minimum]),
      ),
      addons: table(
        ['EKS add-on', 'minimum version', 'source'],
        ADDON_VERSIONS.map(({ addon, minimum, source }) => [code(addon), minimum, linked(source)]),
      ),
      images: table(
        ['component', 'repositories end with', 'minimum', 'certainty', 'source'],
        callsAws.map((one) => [one.component, repositoriesOf(one), minimumOf(one), one.sure, sourceOf(one)]),
      ),
      'no-calls': table(
        ['component', 'repositories end with', 'source'],
        callsNothing.map((one) => [one.component, repositoriesOf(one), sourceOf(one)]),
      ),
    },
    { script: 'scripts/sdk-versions.ts', file: SDK_VERSIONS_FILE },
  );

if (import.meta.main) {
  writeFileSync(SDK_VERSIONS_FILE, withSdkVersions(readFileSync(SDK_VERSIONS_FILE, 'utf8')));
  console.log('Wrote the tables of docs/sdk-versions.md.');
}
