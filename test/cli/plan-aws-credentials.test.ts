/** Plans with credentials that expire, that a process gives, or that are of another account. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { issueAccessKey } from '../../sandbox/authorization/access-keys.ts';
import { TARGET } from '../end-to-end/fixture.ts';
import type { AwsWorld } from './aws-world.ts';
import { awsWorlds, OPERATOR, own, PLAN } from './plan-aws-world.ts';

const { open } = awsWorlds();

describe('credentials', () => {
  const expired = (aws: AwsWorld, expiresAt: number): Record<string, string> => {
    const key = issueAccessKey(aws.backend.sandbox.world, OPERATOR, { sessionName: 'ann', expiresAt });
    return {
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
      AWS_SESSION_TOKEN: key.sessionToken!,
    };
  };

  it('that have expired: the command that logs in, and exit code 2', async () => {
    const aws = await open();
    for (const argv of [PLAN, ['plan', '--cluster', TARGET.cluster], ['identities', '--cluster', TARGET.cluster]]) {
      const ran = await aws.runWith({ variables: expired(aws, Date.now() - 1000) }, ...argv);
      expect(ran).toMatchObject({ code: 2, out: '' });
      expect(ran.err).toMatch(/have expired[^]*aws sso login/);
    }
  });

  /** A profile whose process gives credentials for twenty seconds; from its `most`th run on, it fails. */
  const withProcess = (aws: AwsWorld, most: number): Record<string, string | undefined> => {
    const script = join(aws.directory, 'credentials.mjs');
    const runs = join(aws.directory, 'runs');
    writeFileSync(
      script,
      `import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(runs)}, 'x');
if (readFileSync(${JSON.stringify(runs)}, 'utf8').length > ${most}) {
  console.error('The session has expired. Log in again.');
  process.exit(1);
}
console.log(JSON.stringify({
  Version: 1,
  AccessKeyId: ${JSON.stringify(aws.variables['AWS_ACCESS_KEY_ID'])},
  SecretAccessKey: ${JSON.stringify(aws.variables['AWS_SECRET_ACCESS_KEY'])},
  SessionToken: ${JSON.stringify(aws.variables['AWS_SESSION_TOKEN'])},
  Expiration: new Date(Date.now() + 20_000).toISOString(),
}));
`,
    );
    chmodSync(script, 0o700);
    writeFileSync(
      aws.variables['AWS_CONFIG_FILE']!,
      `[profile short]\nregion = eu-west-1\ncredential_process = ${process.execPath} ${script}\n`,
    );
    return {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_REGION: undefined,
    };
  };

  it('of a process that gives them for twenty seconds are asked for again, and the profile has the region', async () => {
    const aws = await open();
    const ran = await aws.runWith({ variables: withProcess(aws, 1000) }, ...PLAN, '--profile', 'short');
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('record --cluster reliability-dev --profile short > twin.json');
    expect(readFileSync(join(aws.directory, 'runs'), 'utf8').length).toBeGreaterThan(1);
  });

  it('of a process that fails: the command that logs in with the profile, and exit code 2', async () => {
    const aws = await open();
    const ran = await aws.runWith({ variables: withProcess(aws, 0) }, ...PLAN, '--profile', 'short');
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toMatch(/profile short[^]*aws sso login --profile short/);
  });

  it.each([2, 5, 8, 12, 16, 20])('that expire after %i calls: no plan, and exit code 2', async (most) => {
    const aws = await open();
    const variables = expired(aws, Date.now() + 20_000);
    const key = aws.backend.sandbox.world.accessKeys.get(variables['AWS_ACCESS_KEY_ID']!)!;
    let asked = 0;
    Object.defineProperty(key, 'expiresAt', { get: () => Date.now() + ((asked += 1) > most ? -1000 : 20_000) });
    const ran = await aws.runWith({ variables }, ...PLAN);
    expect(asked).toBeGreaterThan(most);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toMatch(/have expired[^]*aws sso login/);
  });

  it('of another account than --account: refused before the cluster is read', async () => {
    const aws = await open();
    const ran = await aws.run(...PLAN, '--account', '999988887777');
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('the credentials belong to account 111122223333');
    expect(own(ran, OPERATOR).map(({ operation }) => operation)).toEqual(['GetCallerIdentity']);
  });
});
