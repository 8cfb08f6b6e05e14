/** Which version the restore commands create, and what they say about it. */
import { expect, it } from 'vitest';
import { type Offer, versionLines, versionToCreate } from '../../../../lambdas/domain/restore-commands/version.ts';
import { anAddon, offeredVersions } from '../../eks-fixtures.ts';
import { target, VERSION } from '../../example.ts';
import { matching } from '../../matchers.ts';

const offer = (versions = offeredVersions()): Offer => ({ kubernetes: '1.33', versions });
const others = offeredVersions().filter(({ version }) => version !== VERSION);
const LATER = [matching(/^: 'If EKS answers/), matching(/^: aws eks describe-addon-versions /)];

it.each<[string, Offer | undefined, string, ...string[]]>([
  ['the former one if EKS offers it', offer(), VERSION],
  ['the former one if the offer could not be read', undefined, VERSION],
  ['the former one if EKS offers none', offer([]), VERSION, matching(/^: 'EKS offers no version .* Kubernetes 1\.33/)],
  [
    'the default version if EKS does not offer the former one',
    offer([{ ...others[0]!, version: 'v9', default: false }, ...others]),
    'v1.40.0-eksbuild.1',
    matching(/^: 'EKS does not offer version v1\.38\.1-eksbuild\.1 for Kubernetes 1\.33.* names v1\.40\.0/),
  ],
])('creates %s', (_, offered, version, ...notes) =>
  expect([versionToCreate(anAddon(), offered), ...versionLines(target, anAddon(), offered)]).toEqual([
    version,
    ...notes,
    ...LATER,
  ]),
);
