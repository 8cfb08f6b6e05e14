/** `trust target-role`: what it prints for a role of another account, and when it refuses. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ALL_BUT_THIRD_PARTY, ASKED, CLUSTER, policyText, ROLE, trust } from './trust-fixtures.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { words } from '../words.ts';
import { expectExit, matching } from '../lambdas/matchers.ts';

const TARGET_ROLE = 'arn:aws:iam::444455556666:role/team/archive';
const BASE = 'pod-identity-reliability-dev-kube-system-ebs-csi-controller-sa';
const ask = (...argv: string[]) => trust(['target-role', '--role-arn', TARGET_ROLE, ...ASKED, ...argv]);

const document = z.looseObject({
  baseRoleArn: z.string(),
  statement: z.record(z.string(), z.unknown()),
  targetTrustPolicy: z.looseObject({ Statement: z.array(z.unknown()) }).optional(),
  verdicts: z.array(z.looseObject({ what: z.string(), verdict: z.string() })),
  steps: z.array(z.looseObject({ account: z.string(), commands: z.array(z.string()) })),
});

/** Runs it with the target role's current trust policy in a file. */
const withPolicy = async (...statements: object[]) => {
  const directory = mkdtempSync(join(tmpdir(), 'target-role-'));
  try {
    const file = join(directory, 'trust.json');
    writeFileSync(file, policyText(...statements));
    const { code, out, err } = await ask('--policy', file, '--json');
    return { code, err, ...(code === 2 ? {} : document.parse(JSON.parse(out))) };
  } finally {
    rmSync(directory, { recursive: true });
  }
};

describe('trust target-role', () => {
  it('prints each command on a line of its own, in the order in which they work', async () => {
    const { code, out } = await ask();
    expect(code).toBe(0);
    expect(
      out
        .split('\n')
        .filter((line) => /^(aws|npm|npx|pod-identity) /.test(line))
        .map((line) => line.split(' --')[0]),
    ).toEqual([
      'aws iam create-role',
      'aws iam put-role-policy',
      'aws iam get-role',
      matching(/^(npm run|npx|pod-identity)/),
      'aws eks create-pod-identity-association',
      matching(/^(npm run|npx|pod-identity)/),
    ]);
    expect(out).toContain(`--role-arn arn:aws:iam::111122223333:role/${BASE} --target-role-arn ${TARGET_ROLE}`);
    expect(out).toContain("✔ The target role's trust policy allows the new role.");
  });

  it('names the account of each step, and takes another name for the new role', async () => {
    const { out } = await ask('--json', '--base-role-name', 'ours');
    const { steps, verdicts, baseRoleArn } = document.parse(JSON.parse(out));
    expect(baseRoleArn).toBe('arn:aws:iam::111122223333:role/ours');
    expect(steps.map(({ account }) => account)).toEqual(words`111122223333 444455556666 111122223333 111122223333`);
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['allowed', 'allowed', 'allowed']);
  });

  it('adds the statement to the current policy, once', async () => {
    const own = { Sid: 'Own', Effect: 'Allow', Principal: { AWS: '444455556666' }, Action: 'sts:AssumeRole' };
    const first = await withPolicy(own);
    expect(first).toMatchObject({ code: 0, targetTrustPolicy: { Statement: [own, first.statement] } });
    expect(first.steps![1]!.commands).toEqual([
      matching(/^aws iam update-assume-role-policy --role-name archive --policy-document '/),
    ]);
    const second = await withPolicy(own, first.statement!);
    expect(second.steps).toHaveLength(3);
    expect(second.targetTrustPolicy!.Statement).toHaveLength(2);
  });

  it('refuses where a Deny would still apply', async () => {
    const deny = { Effect: 'Deny', Principal: { AWS: '111122223333' }, Action: 'sts:TagSession' };
    expect(await withPolicy(deny)).toMatchObject({
      code: 3,
      verdicts: [{ verdict: 'allowed' }, { verdict: 'allowed' }, { what: 'target-role-trust', verdict: 'denied' }],
    });
  });

  it('refuses a policy that IAM would not accept, and a role of the same account', async () => {
    expect((await withPolicy(ALL_BUT_THIRD_PARTY)).code).toBe(2);
    const same = await trust(['target-role', '--role-arn', ROLE, ...ASKED]);
    await expectExit(same, 2, /no other role is needed[^]*trust repair --dry-run/);
    expect(same.err).toContain(CLUSTER);
  });
});
