import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountItem, addonItem, causesOf, countsOf, isClear } from '../../../../lambdas/domain/overview/items.ts';
import { type OverviewItem, ITEM_VERDICTS, overviewItem } from '../../../../lambdas/domain/overview/model.ts';
import { aPlan } from '../../fixtures.ts';
import { forAll } from '../../../for-all.ts';

const check = (id: string, status: 'pass' | 'warn' | 'fail' | 'unknown', message = `${id}.`) => ({
  id,
  status,
  message,
  ...(status === 'pass' ? {} : { remedy: `Do ${id}` }),
});
const blockedBy = (...ids: string[]) => ids.map((id) => ({ id, message: `${id}.`, remedy: `Do ${id}` }));
const item = (name: string, change: Partial<OverviewItem> = {}): OverviewItem => ({
  kind: 'service-account',
  name,
  identity: 'irsa',
  verdict: 'blocked',
  attempts: [],
  roles: [],
  blockedBy: [],
  ...change,
});

describe('an item', () => {
  it('has the verdict of its plan', () => {
    expect(accountItem('a/b', aPlan({ verdict: 'migrate' }), false)).toMatchObject({
      verdict: 'migrate',
      identity: 'irsa',
    });
    expect(accountItem('a/b', aPlan({ verdict: 'migrate' }), true)).toMatchObject({ identity: 'both' });
    expect(accountItem('a/b', aPlan({ verdict: 'already-migrated', attempts: [] }), true)).toMatchObject({
      verdict: 'migrated',
      identity: 'pod-identity',
    });
    expect(
      addonItem({ name: 'x', plan: aPlan({ verdict: 'blocked', checks: [check('agent', 'fail')] }), agentKnown: true }),
    ).toMatchObject({ verdict: 'blocked', blockedBy: [{ id: 'agent', remedy: 'Do agent' }] });
  });

  it('keeps IRSA if its plan says so, with the reasons first', () => {
    const checks = [{ ...check('unsupported-compute', 'fail'), keepIrsa: true as const }, check('agent', 'fail')];
    const plan = aPlan({ verdict: 'keep-irsa', checks: [...checks, check('kubernetes-access', 'unknown')] });
    expect(accountItem('a/b', plan, false)).toMatchObject({
      verdict: 'keep-irsa',
      identity: 'irsa',
      blockedBy: [{ id: 'unsupported-compute', keepIrsa: true }, { id: 'agent' }, { id: 'kubernetes-access' }],
    });
  });

  it('is unknown if its plan could not read the API server, whatever else blocks it', () => {
    const plan = aPlan({
      verdict: 'blocked',
      checks: [check('agent', 'fail'), check('kubernetes-access', 'unknown', 'The pods could not be read.')],
    });
    expect(addonItem({ name: 'x', plan, agentKnown: false })).toMatchObject({
      verdict: 'unknown',
      reason: 'The pods could not be read.',
    });
  });

  it('of an add-on without a role, or one that was not read, needs no plan', () => {
    expect(addonItem({ name: 'x', unread: 'AccessDenied' })).toMatchObject({
      identity: 'unknown',
      verdict: 'unknown',
      reason: 'AccessDenied',
    });
    for (const seen of [
      { name: 'x', unread: 'why' },
      { name: 'x', leftOut: 'why' },
    ])
      expect(overviewItem.safeParse(addonItem(seen)).success).toBe(true);
  });
});

describe('causes', () => {
  it('have message and remedy of their first item, and say whether these are the same for all', () => {
    const other = [{ id: 'agent', message: 'Another.', remedy: 'Do agent' }];
    expect(
      causesOf([
        item('a', { blockedBy: blockedBy('agent', 'role-trust') }),
        item('b', { blockedBy: blockedBy('agent') }),
        item('c', { blockedBy: blockedBy('role-trust') }),
        item('d', { blockedBy: other }),
      ]),
    ).toEqual([
      { id: 'agent', items: ['a', 'b', 'd'], message: 'agent.', remedy: 'Do agent', isCommon: false },
      { id: 'role-trust', items: ['a', 'c'], message: 'role-trust.', remedy: 'Do role-trust', isCommon: true },
    ]);
  });

  const anItem = fc.record({
    name: fc.stringMatching(/^[a-z]{1,6}\/[a-z]{1,6}$/),
    verdict: fc.constantFrom(...ITEM_VERDICTS),
    ids: fc.uniqueArray(fc.constantFrom('agent', 'role-trust', 'webhook', 'duration'), { maxLength: 4 }),
  });
  it('of what keeps IRSA are its reasons, and nothing else', () => {
    const reason = { id: 'unsupported-compute', message: 'On Fargate.', remedy: 'Keep IRSA.', keepIrsa: true as const };
    const items = [
      item('a', { verdict: 'keep-irsa', blockedBy: [reason, ...blockedBy('agent')] }),
      item('b', { blockedBy: blockedBy('agent') }),
      item('c', { verdict: 'keep-irsa', blockedBy: [reason] }),
    ];
    expect(causesOf(items, 'keep-irsa')).toEqual([
      { id: reason.id, items: ['a', 'c'], message: reason.message, remedy: reason.remedy, isCommon: true },
    ]);
    expect(causesOf(items)).toMatchObject([{ id: 'agent', items: ['b'] }]);
    expect(isClear({ counts: countsOf(items.filter(({ verdict }) => verdict === 'keep-irsa')), unread: [] })).toBe(
      true,
    );
  });

  it('contain each blocked item once for each of its checks, and no other item', () =>
    forAll(fc.uniqueArray(anItem, { selector: ({ name }) => name }), (given) => {
      const items = given.map(({ name, verdict, ids }) => item(name, { verdict, blockedBy: blockedBy(...ids) }));
      const pairs = causesOf(items).flatMap(({ id, items: names }) => names.map((name) => `${name} ${id}`));
      const expected = given.flatMap(({ name, verdict, ids }) =>
        verdict === 'blocked' ? ids.map((id) => `${name} ${id}`) : [],
      );
      expect(pairs.toSorted()).toEqual(expected.toSorted());
      const counts = countsOf(items);
      expect(Object.values(counts).reduce((sum, n) => sum + n, 0)).toBe(items.length);
      expect(isClear({ counts, unread: [] })).toBe(
        given.every(({ verdict }) => verdict !== 'blocked' && verdict !== 'unknown'),
      );
      expect(isClear({ counts, unread: [{ what: 'pods', why: 'no' }] })).toBe(false);
    }));
});
