/** The hand-off of what the account has, read with the caller's own credentials. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOff } from '../../../lambdas/domain/terms/hand-off.ts';
import { type AwsWorld, openAwsWorld } from '../aws-world.ts';
import { words } from '../../words.ts';

const ADDON = ['--cluster', 'reliability-dev', '--addon', 'aws-ebs-csi-driver'];

describe('with own credentials', () => {
  let aws: AwsWorld;
  beforeAll(async () => void (aws = await openAwsWorld()));
  afterAll(() => aws.close());

  it('reads the account with only the actions that docs/hand-off.md names, and changes nothing', async () => {
    const { code, out, err, calls } = await aws.run('hand-off', ...ADDON, '--json');
    expect(code).toBe(0);
    expect(handOff.parse(JSON.parse(out))).toMatchObject({ state: 'found', addon: { name: 'aws-ebs-csi-driver' } });
    expect(err).toContain('Nothing is changed.');
    const actions = new Set(calls.flatMap(({ service, operation }) => (service === 'eks' ? [operation] : [])));
    const allowed = words`DescribeCluster DescribeAddon DescribePodIdentityAssociation ListPodIdentityAssociations`;
    expect([...actions].filter((one) => !allowed.includes(one))).toEqual([]);
    expect(actions.size).toBeGreaterThan(0);
    expect(calls.filter(({ mutating }) => mutating)).toEqual([]);
  });

  it('checks code against it', async () =>
    expect(await aws.run('hand-off', 'check', '--terraform', 'examples/terraform', ...ADDON)).toMatchObject({
      code: 0,
      out: '✔ matches: the code contains what it must.\n',
    }));

  it('refuses another account than that of the credentials', async () => {
    const { code, out, err } = await aws.run('hand-off', ...ADDON, '--account', '444455556666');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/error: the credentials belong to account 111122223333 .*\nhint: /);
  });
});
