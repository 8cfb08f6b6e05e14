import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addonName, namespaceName, serviceAccountName } from '../../../../lambdas/domain/text/names.ts';
import {
  parseSubject,
  subjectName,
  subjectOf,
  subjectText,
  subjectTitle,
} from '../../../../lambdas/domain/terms/subject.ts';
import { forAll } from '../../../for-all.ts';

const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const word = (characters: readonly string[], most: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...characters), { minLength: 1, maxLength: most }).map((all) => all.join(''));
const addons = word([...LOWER, '.', '_', '-'], 100).filter((name) => addonName.safeParse(name).success);
const namespaces = word([...LOWER, '-'], 63).filter((name) => namespaceName.safeParse(name).success);
const accounts = word([...LOWER, '-', '.'], 60).filter((name) => serviceAccountName.safeParse(name).success);

describe('subject', () => {
  it('of every add-on is its name, and comes back from it', () =>
    forAll(addons, (addon) => {
      expect([subjectOf({ addon }), parseSubject(addon), subjectName.parse(addon)]).toEqual([addon, { addon }, addon]);
      expect(subjectText(addon)).toBe(`add-on ${addon}`);
    }));

  it('of every service account is namespace/name, and comes back from it', () =>
    forAll(namespaces, accounts, (namespace, name) => {
      const serviceAccount = { namespace, name };
      const text = subjectOf({ serviceAccount });
      expect([text, parseSubject(text)]).toEqual([`${namespace}/${name}`, { serviceAccount }]);
      expect([subjectName.parse(text), subjectText(text)]).toEqual([text, `service account ${text}`]);
    }));

  it('of no text is both, and what it is read as is written the same', () => {
    const near = word([...LOWER, '/', '.', '-', '_', 'A', ' ', '#', '\n'], 80);
    forAll(fc.oneof(fc.string(), near), (text) => {
      const read = parseSubject(text);
      expect(subjectName.safeParse(text).success).toBe(read !== undefined);
      if (!read) return;
      expect([read.addon, read.serviceAccount].filter((one) => one !== undefined)).toHaveLength(1);
      expect(subjectOf(read)).toBe(text);
    });
  });

  it.each(
    [
      ['', '/', 'payments/', '/api', 'payments/api/', 'payments/api/more', 'payments//api', 'Payments/api'],
      ['pay.ments/api', 'payments/api_one', 'payments/api#x', 'payments/api\n', '-x', 'aws ebs'],
      [`${'n'.repeat(64)}/api`, 'a'.repeat(101)],
    ].flat(),
  )('is not %j', (text) => {
    expect(parseSubject(text)).toBeUndefined();
    expect(subjectName.safeParse(text).error?.issues[0]?.message).toMatch(
      /add-on name .* or a service account as namespace\/name/,
    );
  });

  it('begins a sentence', () => {
    expect(subjectTitle('payments/api')).toBe('Service account payments/api');
    expect(subjectTitle('coredns')).toBe('Add-on coredns');
  });
});
