/**
 * Writes hand-offs in every format, for `scripts/check-hand-off.sh`: `node
 * test/lambdas/domain/hand-off/formats/write-hand-offs.ts FOLDER [COUNT]`. Each hand-off is a folder with the document
 * itself as JSON and a file for each format. `provider-schema.json` has the arguments that Terraform code may contain.
 */
import * as fc from 'fast-check';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderHandOff } from '../../../../../lambdas/domain/hand-off/formats/index.ts';
import { PROVIDER_SCHEMA } from '../../../../../lambdas/domain/hand-off/formats/provider-schema.ts';
import type { HandOff, HandOffFormat } from '../../../../../lambdas/domain/terms/hand-off.ts';
import { EXAMPLES, handOffs, hostile, tagKeys, tame } from './hand-offs.ts';

const FILES: Readonly<Record<HandOffFormat, string>> = {
  terraform: 'main.tf',
  'terraform-module': 'module.tf',
  cloudformation: 'template.yaml',
  eksctl: 'cluster.yaml',
  'helm-values': 'values.yaml',
};
/** Any number: the same hand-offs in every run. */
const SEED = 27;

const [folder, count = '60'] = process.argv.slice(2);
if (folder === undefined)
  throw new Error(
    'Name the folder to write to: node test/lambdas/domain/hand-off/formats/write-hand-offs.ts FOLDER [COUNT].',
  );
const arbitrary = fc.sample(handOffs(tame, hostile, tagKeys), { numRuns: Number(count), seed: SEED });
const all: [string, HandOff][] = [
  ...Object.entries(EXAMPLES),
  ...arbitrary.map((handOff, at): [string, HandOff] => [`arbitrary-${at + 1}`, handOff]),
];
for (const [name, handOff] of all) {
  const directory = join(folder, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'hand-off.json'), JSON.stringify(handOff));
  for (const [format, file] of Object.entries(FILES) as [HandOffFormat, string][])
    writeFileSync(join(directory, file), renderHandOff(handOff, format));
}
writeFileSync(join(folder, 'provider-schema.json'), JSON.stringify(PROVIDER_SCHEMA));
process.stdout.write(`Wrote ${all.length} hand-offs.\n`);
