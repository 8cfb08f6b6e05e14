/** `record --anonymise`: other names, the same plan. */
import { array, assert, nat, property, stringMatching, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anonymised } from '../../cli/record/anonymise.ts';
import { Words } from '../../cli/record/words.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import { matchesWildcard } from '../../lambdas/domain/policy/index.ts';
import { scenarioFile } from '../end-to-end/fixture.ts';
import { rehearsable, seenIn, twinOf } from '../end-to-end/twin.ts';

const word = stringMatching(/^[a-z]{1,9}$/);
const name = array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('-'));

describe('Words', () => {
  it('give equal texts equal codes, and different texts different ones', () =>
    assert(
      property(uniqueArray(name, { maxLength: 20 }), (names) => {
        const words = new Words(['kube-system'], names);
        const codes = names.map((one) => words.replace(one));
        expect(new Set(codes).size).toBe(names.length);
        expect(names.map((one) => words.replace(one))).toEqual(codes);
      }),
    ));

  it('keep whether a pattern matches a name, if it ends within a word', () =>
    assert(
      property(array(name, { minLength: 1, maxLength: 8 }), nat(), nat(), (names, which, cut) => {
        const chosen = names[which % names.length]!;
        const pattern = `${chosen.slice(0, 1 + (cut % chosen.length))}*`;
        const words = new Words([], [...names, pattern]);
        const coded = words.replace(pattern);
        for (const one of names)
          expect([one, matchesWildcard(coded, words.replace(one))]).toEqual([one, matchesWildcard(pattern, one)]);
      }),
    ));

  it('keep regions, and the lengths of long words', () => {
    const words = new Words([], []);
    expect(words.replace('arn:aws:eks:eu-west-1:444455556666:cluster/reliability')).toBe(
      'arn:aws:eks:eu-west-1:100000000001:cluster/x1yxxxxxxxx',
    );
    expect(words.replace('444455556666 and 777788889999')).toBe('100000000001 x2y 100000000002');
  });
});

it.each([
  ['ebs-csi-irsa', { addon: 'aws-ebs-csi-driver' }, /reliability|111122223333/],
  ['trust-conditions', { addon: 'aws-ebs-csi-driver' }, /111122223333/],
  ['trust-too-long', { addon: 'aws-ebs-csi-driver', trust: 'repair' }, /111122223333/],
  ['node-role-lacks-right', { addon: 'aws-ebs-csi-driver' }, /111122223333/],
] as const)('an anonymised twin of %s has the same outcome and checks', async (file, request, names) => {
  const scenario = await readScenario(scenarioFile(file));
  const twin = await twinOf(scenario, scenario.accounts[0]!.clusters[0]!);
  const input = anonymised(twin.input);
  expect(JSON.stringify(twin.input)).toMatch(names);
  expect(JSON.stringify(input)).not.toMatch(names);
  const other = rehearsable({ ...twin, input }, scenario);
  const [account] = other.accounts;
  const [cluster] = account!.clusters;
  const target = { account: account!.id, region: cluster!.region, cluster: cluster!.name };
  const idsOf = ({ outcome, checks, mutations }: Awaited<ReturnType<typeof seenIn>>) => ({
    outcome,
    checks: checks.map((check) => check.split(' ').slice(0, 2).join(' ')).sort(),
    mutations,
  });
  const was = twin.scenario.accounts[0]!;
  const original = { account: was.id, region: cluster!.region, cluster: was.clusters[0]!.name };
  expect(idsOf(await seenIn(other, { target, ...request }))).toEqual(
    idsOf(await seenIn(rehearsable(twin, scenario), { target: original, ...request })),
  );
});
