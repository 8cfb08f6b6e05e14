/** Which pitfalls apply to which hand-off. */
import { describe, expect, it } from 'vitest';
import { PITFALLS, pitfallsOf } from '../../../../../lambdas/domain/hand-off/formats/pitfalls.ts';
import { HAND_OFF_FORMATS, type HandOff, type HandOffFormat } from '../../../../../lambdas/domain/terms/hand-off.ts';
import { EXAMPLES, MIGRATED, PLANNED, ROLLED_BACK, WORKLOAD } from './hand-offs.ts';

const text = (handOff: HandOff, format: HandOffFormat = 'terraform'): string => pitfallsOf(handOff, format).join('\n');

const UNTAGGED: HandOff = { ...WORKLOAD, associations: WORKLOAD.associations.map((one) => ({ ...one, tags: {} })) };
const annotated = (change: Partial<HandOff['annotations'][number]>): HandOff => {
  return { ...WORKLOAD, annotations: WORKLOAD.annotations.map((one) => ({ ...one, ...change })) };
};
const RESTORED = annotated({ action: 'restore' });
const withNamespace = (namespace: string): HandOff => annotated({ namespace });

describe('each pitfall', () => {
  const all = [...Object.values(EXAMPLES), UNTAGGED, RESTORED, ...['external-secrets', 'argo-cd'].map(withNamespace)];
  it.each(PITFALLS.map((pitfall) => [pitfall.text, pitfall] as const))(
    'applies to some hand-offs only: %s',
    (_, one) => {
      expect(all.some((handOff) => one.applies(handOff))).toBe(true);
      expect(all.every((handOff) => one.applies(handOff))).toBe(false);
    },
  );

  it('is printed once', () => {
    for (const format of HAND_OFF_FORMATS) {
      const printed = pitfallsOf(MIGRATED, format);
      expect(new Set(printed).size).toBe(printed.length);
    }
  });
});

describe('terraform', () => {
  it.each([
    ['No associations in the code', MIGRATED, 'Role removed, but no association', true],
    ['the same, of a workload', WORKLOAD, 'Role removed, but no association', false],
    ['the same, after a rollback', ROLLED_BACK, 'Role removed, but no association', false],
    ['a service account left out', MIGRATED, 'A service account left out', true],
    ['a plan file from before', MIGRATED, '-refresh=false', true],
    ['the same, after a rollback', ROLLED_BACK, '-refresh=false', false],
    ['an owned association', MIGRATED, 'An association that the add-on owns', true],
    ['an owned association, of a workload', WORKLOAD, 'An association that the add-on owns', false],
    ['empty tags, where there are none', PLANNED, '`tags = {}`', true],
    ['empty tags, where there are some', WORKLOAD, '`tags = {}`', false],
    ['tags left out', WORKLOAD, 'Tags left out', true],
    ['tags left out, where there are none', PLANNED, 'Tags left out', false],
  ])('%s', (_, handOff, part, applies) => expect(text(handOff).includes(part)).toBe(applies));

  it('has those of the module only there', () => {
    expect(text(MIGRATED, 'terraform-module')).toContain('most_recent');
    expect(text(MIGRATED)).not.toContain('most_recent');
  });
});

it.each([
  ['external-secrets', 'auth.jwt` in each SecretStore'],
  ['argo-cd', 'awsAuthConfig'],
  ['argocd', 'awsAuthConfig'],
])('helm-values has what %s needs only for it', (namespace, part) => {
  expect(text(withNamespace(namespace), 'helm-values')).toContain(part);
  expect(text(WORKLOAD, 'helm-values')).not.toContain(part);
});
