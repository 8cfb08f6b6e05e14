import { describe, expect, it } from 'vitest';
import type { Pod } from '../../../../lambdas/domain/kubernetes/objects.ts';
import {
  findFlap,
  isInVain,
  notInjectedText,
  secondsLeft,
  showsInjection,
} from '../../../../lambdas/domain/verification/injection-seen.ts';
import { aPod, aWorkload } from '../../eks-fixtures.ts';
import { at } from '../../run-examples.ts';

const { namespace, serviceAccount } = aPod('irsa');
const NEWEST = new Map([[`${namespace}/${serviceAccount}`, at(0)]]);
const UNKNOWN = new Map<string, string>();
const now = (seconds: number): number => Date.parse(at(seconds));
type Identity = Parameters<typeof aPod>[0];
/** A pod of that identity, created so many seconds after the association. */
const pod = (identity: Identity, seconds: number, change: Partial<Pod> = {}): Pod =>
  aPod(identity, { name: `${identity}-${seconds}`, uid: `${identity}-${seconds}`, createdAt: at(seconds), ...change });

describe('a pod that goes first', () => {
  const witnessed = (wrong: Pod[], right: Pod[], { round = 1, seconds = 20, newest = NEWEST } = {}) =>
    showsInjection({ newest, round, now: now(seconds) })(aWorkload(), { wrong, right }).isWitnessed;
  const injected = pod('pod-identity', 10);

  it.each<[string, boolean, boolean]>([
    ['a new pod has it', witnessed([pod('irsa', -9)], [injected]), true],
    ['an older pod has it', witnessed([pod('irsa', -9)], [pod('pod-identity', -5)]), false],
    [
      'an older pod has it, and no association is known to be newer',
      witnessed([pod('irsa', -9)], [pod('pod-identity', -5)], { newest: UNKNOWN }),
      true,
    ],
    ['the new pod is not ready', witnessed([pod('irsa', -9)], [pod('pod-identity', 10, { ready: false })]), false],
    ['a newer pod was missed', witnessed([pod('irsa', 11)], [injected]), false],
    ['a pod of the same second was missed', witnessed([pod('node-role', 10)], [injected]), false],
    ['an older pod was missed', witnessed([pod('irsa', 9)], [injected]), true],
    ['a newer pod has both', witnessed([pod('mixed', 11)], [injected]), true],
    [
      'it is of another service account',
      witnessed([pod('irsa', -9)], [pod('pod-identity', 10, { serviceAccount: 'x' })]),
      false,
    ],
    [
      'the last restart is next, and the webhook has time left',
      witnessed([pod('irsa', 9)], [injected], { round: 2 }),
      false,
    ],
    [
      'the last restart is next, after ten minutes',
      witnessed([pod('irsa', 9)], [injected], { round: 2, seconds: 600 }),
      true,
    ],
  ])('%s', (_, is, expected) => expect(is).toBe(expected));
});

describe('more of them', () => {
  it.each<[string, Pod[], Pod[], number, boolean]>([
    ['before ten minutes', [pod('irsa', 599)], [], 9, false],
    ['after ten minutes, for the first time', [pod('irsa', 600)], [], 1, false],
    ['after ten minutes, again', [pod('irsa', 600)], [], 2, true],
    ['after ten minutes, while another has it', [pod('irsa', 600)], [pod('pod-identity', 300)], 9, false],
    ['that are all used', [pod('irsa', 20)], [], 10, true],
    ['that have both', [pod('mixed', 20)], [], 2, true],
    ['while only old pods are wrong', [pod('mixed', -20)], [], 9, false],
  ])('%s', (_, wrong, right, tries, expected) =>
    expect(isInVain({ wrong, right }, { newest: NEWEST }, tries)).toBe(expected),
  );

  it('are waited for until the youngest association is ten minutes old', () => {
    const accounts = [
      { namespace, serviceAccount },
      { namespace, serviceAccount: 'x' },
    ];
    expect([0, 599.5, 600].map((one) => secondsLeft(accounts, { newest: NEWEST, now: now(one) }))).toEqual([600, 1, 0]);
    expect(secondsLeft(accounts, { newest: UNKNOWN, now: now(0) })).toBe(0);
  });
});

describe('a webhook that misses a pod', () => {
  const flap = (...pods: Pod[]): string | undefined =>
    findFlap(
      pods,
      pods.map(({ uid }) => ({ uid, identity: uid.replace(/-[^-]*$/, '') as Identity })),
      NEWEST,
    )?.missed.name;

  it.each<[string, string | undefined, string | undefined]>([
    ['after it has injected another', flap(pod('pod-identity', 20), pod('node-role', 40)), 'node-role-40'],
    ['and leaves it on IRSA', flap(pod('pod-identity', 20), pod('irsa', 400)), 'irsa-400'],
    ['while its copies may differ', flap(pod('pod-identity', 20), pod('irsa', 29)), undefined],
    ['before it injects another', flap(pod('irsa', 40), pod('pod-identity', 41)), undefined],
    ['that injected only under an earlier association', flap(pod('pod-identity', -20), pod('irsa', 40)), undefined],
    [
      'whose containers are excluded',
      flap(
        pod('pod-identity', 20),
        pod('node-role', 40, { annotations: { 'eks.amazonaws.com/skip-containers': 'a' } }),
      ),
      undefined,
    ],
    ['that overrides it', flap(pod('pod-identity', 20), pod('mixed', 40)), undefined],
  ])('%s', (_, is, expected) => expect(is).toBe(expected));

  it('is told apart from pods that override what is injected', () => {
    expect(notInjectedText([pod('mixed', 1)], undefined)).toContain('their own specs override it');
    expect(notInjectedText([pod('mixed', 1), pod('irsa', 1)], undefined)).toContain('had 10 minutes');
  });
});
