/** The consumers of a web identity in the output of a plan. */
import { describe, expect, it } from 'vitest';
import { planSection } from '../../cli/print/plan.ts';
import { PLAIN, type Style } from '../../cli/text/style.ts';
import { aPlan } from './fixtures.ts';

describe('consumers of the web identity in a plan', () => {
  const consumer = (index: number, change: object = {}) => ({
    name: `SecretStore/shop/store-${index}`,
    serviceAccount: 'shop/cart',
    needs: ['annotation' as const],
    how: 'gets tokens for it',
    instead: 'Use Pod Identity.',
    breaks: true,
    accepted: false,
    ...change,
  });
  const section = (count: number, style: Style = PLAIN): string =>
    planSection(
      aPlan({ verdict: 'blocked', consumers: Array.from({ length: count }, (_, index) => consumer(index)) }),
      style,
    ).join('\n');

  it('are all listed once the checks do not name all of them', () => {
    expect(section(5)).toBe('');
    expect(section(5, { ...PLAIN, detail: 'verbose' })).toContain('5 objects to change or accept');
    expect(section(20)).toContain('20 objects to change or accept');
    expect(
      section(20)
        .split('\n')
        .filter((line) => line.startsWith('  ✖ SecretStore/shop/store-')),
    ).toHaveLength(20);
    // The service account is not repeated if all use the same one.
    expect(section(20)).not.toContain('as shop/cart');
    expect(section(20, { ...PLAIN, detail: 'quiet' })).toBe('');
  });

  it('are marked by what happens to them', () => {
    const consumers = [
      consumer(0),
      consumer(1, { accepted: true }),
      consumer(2, { breaks: false, serviceAccount: 'shop/web' }),
    ];
    expect(planSection(aPlan({ verdict: 'blocked', consumers }), { ...PLAIN, detail: 'verbose' }).slice(1)).toEqual([
      'Consumers of the web identity  1 object to change or accept',
      '  ✖ SecretStore/shop/store-0 gets tokens for it, as shop/cart',
      '  ! SecretStore/shop/store-1 gets tokens for it, as shop/cart',
      '  · SecretStore/shop/store-2 gets tokens for it, as shop/web',
    ]);
  });
});
