import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonToSkip, serve, type Served } from '../../end-to-end/served.ts';
import { withStaticToken } from '../../end-to-end/static-token.ts';
import { words } from '../../words.ts';

const reason = reasonToSkip('kubectl');

let served: Served;
/** Returns `yes` or `no`; kubectl exits with 1 for `no`. */
const canI = async (...args: string[]): Promise<string> =>
  (await served.run('kubectl', ['auth', 'can-i', ...args])).out.trim();

describe.skipIf(reason !== undefined)(
  `kubectl --as${reason === undefined ? '' : ` (${reason})`}`,
  { timeout: 900_000 },
  () => {
    beforeAll(async () => {
      served = await serve();
      served = await withStaticToken(served);
    });
    afterAll(async () => {
      await served?.stop();
    });

    it('returns the permissions of the named user with all its groups', async () => {
      for (const [name, resource] of [
        ['pods', 'pods'],
        ['nodes', 'nodes'],
      ] as const) {
        expect(
          (await served.run('kubectl', ['create', 'clusterrole', name, '--verb=list', `--resource=${resource}`])).code,
        ).toBe(0);
        expect(
          (
            await served.run('kubectl', [
              'create',
              'clusterrolebinding',
              name,
              `--clusterrole=${name}`,
              `--group=${name}, all`,
            ])
          ).code,
        ).toBe(0);
      }
      expect([await canI('list', 'pods'), await canI('list', 'pods', '--as', 'jane')]).toEqual(['yes', 'no']);
      const asBoth = ['--as', 'jane', '--as-group', 'pods, all', '--as-group', 'nodes, all'];
      expect([
        await canI('list', 'pods', ...asBoth),
        await canI('list', 'nodes', ...asBoth),
        await canI('get', 'pods', ...asBoth),
      ]).toEqual(['yes', 'yes', 'no']);
      expect(await canI('list', 'pods', '--as', 'jane', '--as-group', 'nodes, all')).toBe('no');
      expect(
        (
          await served.run(
            'kubectl',
            words`
            auth whoami --as system:serviceaccount:payments:api --output jsonpath={.status.userInfo.groups}
          `,
          )
        ).out,
      ).toBe('["system:serviceaccounts","system:serviceaccounts:payments","system:authenticated"]');
    });

    it('has exactly the permissions of that user', async () =>
      expect(await served.run('kubectl', ['get', 'pods', '--as', 'jane'])).toMatchObject({
        code: 1,
        err: expect.stringContaining('User "jane" cannot list resource "pods"'),
      }));
  },
);
