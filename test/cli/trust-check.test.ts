import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ALL_BUT_THIRD_PARTY,
  ASKED,
  BY_PROVIDER_ARN,
  CLUSTER,
  DENY,
  FROM_OFFICE,
  IRSA,
  ISSUER,
  POD_IDENTITY,
  policyText,
  ROLE,
  SCENARIO,
  trust,
} from './trust-fixtures.ts';
import { scratchDirectory } from '../scratch.ts';
import { words } from './fixtures.ts';
import { expectExit } from '../lambdas/matchers.ts';

const answer = z.strictObject({
  verdict: z.enum(['allowed', 'denied', 'unknown', 'invalid']),
  reasons: z.array(z.looseObject({ message: z.string().min(1) })).min(1),
  undecided: z.array(z.string()).optional(),
  accepted: z.array(z.string()).optional(),
});
const answers = z.strictObject({ podIdentity: answer, irsa: answer });

/** Returns the verdicts for Pod Identity and IRSA, and the exit code. */
const verdicts = async (
  text: string,
  ...flags: string[]
): Promise<[podIdentity: string, irsa: string, code: number]> => {
  const { code, out, err } = await trust(['check', '--policy', '-', ...ASKED, '--json', ...flags], text);
  expect(err).toBe('');
  const { podIdentity, irsa } = answers.parse(JSON.parse(out));
  return [podIdentity.verdict, irsa.verdict, code];
};

describe('trust check', () => {
  it.each([
    [policyText(POD_IDENTITY), ['allowed', 'denied', 0]],
    [policyText(IRSA), ['denied', 'allowed', 3]],
    [policyText(POD_IDENTITY, IRSA), ['allowed', 'allowed', 0]],
    [policyText(POD_IDENTITY, IRSA, DENY), ['denied', 'allowed', 3]],
    [policyText(FROM_OFFICE), ['unknown', 'denied', 3]],
    [encodeURIComponent(policyText(POD_IDENTITY)), ['allowed', 'denied', 0]],
    ['{"Version": "2012-10-17"', ['invalid', 'invalid', 2]],
    ['', ['invalid', 'invalid', 2]],
    [policyText({ ...POD_IDENTITY, Effect: 'allow' }), ['invalid', 'invalid', 2]],
    [policyText({ ...POD_IDENTITY, Principal: { Service: '*' } }), ['invalid', 'invalid', 2]],
    [policyText(POD_IDENTITY, ALL_BUT_THIRD_PARTY), ['invalid', 'invalid', 2]],
    [policyText({ ...POD_IDENTITY, Condition: { StringLike: { 'aws:TagKeys': '*' } } }), ['unknown', 'denied', 3]],
    [policyText(POD_IDENTITY, BY_PROVIDER_ARN), ['allowed', 'denied', 0]],
  ])('%s', async (text, expected) => expect(await verdicts(text, '--oidc-issuer', ISSUER)).toEqual(expected));

  it("explains a condition key that begins with the provider's ARN, whether or not the issuer is known", async () => {
    for (const issuer of [[], ['--oidc-issuer', ISSUER]]) {
      const { code, out } = await trust(
        ['check', '--policy', '-', ...ASKED, ...issuer],
        policyText(POD_IDENTITY, BY_PROVIDER_ARN),
      );
      expect(code).toBe(0);
      expect(out).toMatch(/✖ IRSA {2}denied\n/);
      const name = ISSUER.replace('https://', '');
      expect(out.replaceAll(/\s+/g, ' ')).toContain(
        `no request has a key that begins with the ARN of an OIDC provider; write ${name}:sub instead`,
      );
    }
  });

  it("uses the role's account for aws:ResourceAccount", async () => {
    const text = policyText(
      { ...POD_IDENTITY, Condition: { StringEquals: { 'aws:ResourceAccount': '444455556666' } } },
      {
        ...IRSA,
        Principal: { Federated: IRSA.Principal.Federated.replace('111122223333', '444455556666') },
        Condition: { StringEquals: { ...IRSA.Condition.StringEquals, 'aws:ResourceAccount': '444455556666' } },
      },
    );
    const known = ['--oidc-issuer', ISSUER, '--role-arn'];
    expect(await verdicts(text, ...known, 'arn:aws:iam::444455556666:role/other')).toEqual(['allowed', 'allowed', 0]);
    expect(await verdicts(text, ...known, ROLE)).toEqual(['denied', 'denied', 3]);
  });

  it('cannot evaluate IRSA without the issuer, which may be given as IAM writes it', async () => {
    expect((await verdicts(policyText(IRSA)))[1]).toBe('unknown');
    expect((await verdicts(policyText(IRSA), '--oidc-issuer', ISSUER.replace('https://', '')))[1]).toBe('allowed');
  });

  it('treats an accepted key as met, and shows what depends on it', async () => {
    const { code, out } = await trust(
      ['check', '--policy', '-', ...ASKED, '--json', '--accept', 'condition-key:aws:SourceIp'],
      policyText(FROM_OFFICE),
    );
    expect(code).toBe(0);
    expect(answers.parse(JSON.parse(out)).podIdentity).toMatchObject({
      verdict: 'allowed',
      accepted: ['aws:SourceIp'],
    });
  });

  it('evaluates an association without session tags', async () => {
    const tagged = policyText({
      ...POD_IDENTITY,
      Condition: { StringEquals: { 'aws:RequestTag/kubernetes-namespace': 'kube-system' } },
    });
    expect((await verdicts(tagged))[0]).toBe('allowed');
    expect((await verdicts(tagged, '--disable-session-tags'))[0]).toBe('denied');
  });

  it('shows in each reason the statement, the key, the expected value and the actual value', async () => {
    const other = policyText({ ...POD_IDENTITY, Condition: { StringEquals: { 'aws:SourceAccount': '444455556666' } } });
    const { out } = await trust(['check', '--policy', '-', ...ASKED, '--json'], other);
    expect(answers.parse(JSON.parse(out)).podIdentity.reasons[0]).toMatchObject({
      statement: 'PodIdentity',
      key: 'aws:SourceAccount',
      wanted: ['444455556666'],
      found: ['111122223333'],
    });
  });

  it('prints the verdicts, the reasons and what to do', async () => {
    const { code, out, err } = await trust(['check', '--policy', '-', ...ASKED], policyText(IRSA, FROM_OFFICE));
    expect({ code, err }).toEqual({ code: 3, err: '' });
    expect(out).toMatch(
      /^Trust policy {2}--policy -, for kube-system\/ebs-csi-controller-sa on reliability-dev \(111122223333,\s+eu-west-1\)\n/,
    );
    expect(out).toMatch(/\n\? EKS Pod Identity {2}unknown\n {4}\S[^]*aws:SourceIp[^]*\n\? IRSA {2}unknown\n {4}\S/);
    expect(out).toContain('--accept condition-key:aws:SourceIp');
    expect(out).toContain('--oidc-issuer URL');
    expect(out).toContain(`trust repair --dry-run --policy - ${ASKED.join(' ')}\n`);
  });

  it('has no remedy if Pod Identity is allowed, whether IRSA is or not', async () => {
    const { code, out } = await trust(
      ['check', '--policy', '-', ...ASKED, '--oidc-issuer', ISSUER],
      policyText(POD_IDENTITY),
    );
    expect(code).toBe(0);
    expect(out).toMatch(/\n✔ EKS Pod Identity {2}allowed\n[^]*\n✖ IRSA {2}denied\n/);
    expect(out).not.toContain('do: ');
  });

  it('shows where a policy is invalid, and does not offer to repair it', async () => {
    const { code, out } = await trust(
      ['check', '--policy', '-', ...ASKED],
      '{\n  "Version": "2012-10-17"\n  "Statement": []\n}',
    );
    expect(code).toBe(2);
    expect(out).toMatch(/✖ EKS Pod Identity {2}invalid\n[^]*line 3, column 3/);
    expect(out).not.toContain('trust repair');
  });

  it("reports that EKS does not accept a role of another account, and evaluates that account's provider", async () => {
    const text = policyText(POD_IDENTITY, {
      ...IRSA,
      Principal: { Federated: IRSA.Principal.Federated.replace('111122223333', '444455556666') },
    });
    const { out } = await trust(
      words`check --policy - --role-arn arn:aws:iam::444455556666:role/other ${ASKED} --oidc-issuer ${ISSUER}
          --json`,
      text,
    );
    const { podIdentity, irsa } = answers.parse(JSON.parse(out));
    expect(podIdentity.reasons.at(-1)?.message).toMatch(
      /^The role is in account 444455556666 and the cluster in 111122223333: .* roles in the cluster's account/,
    );
    expect([irsa.verdict, (await verdicts(text, '--oidc-issuer', ISSUER))[1]]).toEqual(['allowed', 'denied']);
  });

  it.each([
    [['--policy', 'x.json'], /--cluster-arn is missing.*\n.*--namespace is missing.*\n.*--service-account is missing/],
    [ASKED, /--policy and --role-arn are both missing/],
    [['--policy', 'nowhere.json', ...ASKED], /--policy nowhere\.json cannot be read: the file does not exist/],
    [['--policy', '.', ...ASKED], /--policy \. cannot be read: it is a directory/],
    [
      ['--policy', '-', ...ASKED, '--cluster-arn', 'arn:aws:eks:cn-north-1:111122223333:cluster/a'],
      /--cluster-arn "arn:aws:eks:cn-north-1:\S+" must be the ARN of an EKS cluster/,
    ],
    [
      ['--policy', '-', ...ASKED, '--service-account', '*'],
      /--service-account "\*" must be the name of a service account/,
    ],
    [['--policy', '-', ...ASKED, '--namespace', 'Kube'], /--namespace "Kube" must be the name of a namespace/],
    [
      ['--policy', '-', ...ASKED, '--oidc-issuer', 'http://x'],
      /--oidc-issuer "http:\/\/x" must be the address of the cluster's OIDC issuer/,
    ],
    [
      ['--policy', '-', ...ASKED, '--accept', 'condition-key:*'],
      /--accept "condition-key:\*" must be condition-key:KEY, such as condition-key:aws:SourceIp/,
    ],
    [['--role-arn', 'x', ...ASKED], /--role-arn "x" must be an IAM role ARN/],
  ])('%j is bad input', async (argv, message) => {
    const { code, out, err } = await trust(['check', ...argv]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).toMatch(/\nhint: {2}\S/);
  });

  it('refuses a file that cannot be a trust policy', async () => {
    const { code, err } = await trust(['check', '--policy', '-', ...ASKED], 'x'.repeat(1_000_001), 500_000);
    expect(code).toBe(2);
    expect(err).toContain('--policy - has more than 1000000 characters');
  });
});

describe('a role of a sandbox', () => {
  const directory = scratchDirectory();

  it('is read from the scenario, whose cluster has its own issuer', async () => {
    const { code, out } = await trust(['check', '--role-arn', ROLE, ...ASKED, '--sandbox', SCENARIO, '--json']);
    expect(code).toBe(0);
    expect(answers.parse(JSON.parse(out))).toMatchObject({
      podIdentity: { verdict: 'allowed' },
      irsa: { verdict: 'allowed' },
    });
    const other = await trust(words`check --role-arn ${ROLE} ${ASKED} --sandbox ${SCENARIO} --json --oidc-issuer
        https://oidc.example.com/other`);
    expect(answers.parse(JSON.parse(other.out)).irsa.verdict).toBe('denied');
  });

  it('is read from the file that keeps the sandbox', async () => {
    const state = join(directory, 'world.json');
    const missing = await trust(['check', '--role-arn', ROLE, ...ASKED, '--state', state]);
    await expectExit(missing, 2, 'does not exist');
    writeFileSync(
      state,
      JSON.stringify({
        version: 1,
        scenario: JSON.parse(readFileSync(SCENARIO, 'utf8')) as unknown,
        seed: 1,
        commands: [],
      }),
    );
    const { code, out } = await trust(['check', '--role-arn', ROLE, ...ASKED, '--state', state, '--json']);
    expect([code, answers.parse(JSON.parse(out)).irsa.verdict]).toEqual([0, 'allowed']);
  });

  it.each([
    [
      '--role-arn',
      `${ROLE}x`,
      /role .*x does not exist in the sandbox of --sandbox [^]*Its roles: arn:aws:iam::111122223333:role\/reliability-dev/,
    ],
    [
      '--cluster-arn',
      `${CLUSTER}x`,
      /cluster .*x does not exist in the sandbox of --sandbox [^]*Its clusters: arn:aws:eks:eu-west-1:111122223333:cluster\/reliability-dev\n.*--oidc-issuer/,
    ],
  ])('requires a name: %s %s', async (flag, value, message) => {
    const { code, err } = await trust(['check', '--role-arn', ROLE, ...ASKED, '--sandbox', SCENARIO, flag, value]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});

describe('a role in IAM', () => {
  const iam = mockClient(IAMClient);
  afterEach(() => iam.reset());
  afterAll(() => iam.restore());
  const check = (...flags: string[]) => trust(['check', '--role-arn', ROLE, ...ASKED, ...flags]);

  it('is read by its name, and the answer is decoded', async () => {
    iam.on(GetRoleCommand, { RoleName: ROLE.split('/')[1] }).resolves({
      Role: { Arn: ROLE, AssumeRolePolicyDocument: encodeURIComponent(policyText(POD_IDENTITY)) } as never,
    });
    const { code, out } = await check('--json');
    expect(code).toBe(0);
    expect(answers.parse(JSON.parse(out))).toMatchObject({
      podIdentity: { verdict: 'allowed' },
      irsa: { verdict: 'denied' },
    });
  });

  it('that does not exist is bad input', async () => {
    iam.on(GetRoleCommand).rejects(Object.assign(new Error('cannot be found'), { name: 'NoSuchEntityException' }));
    const { code, err } = await check();
    expect(code).toBe(2);
    expect(err).toMatch(/^error: role \S+ does not exist in the account of these credentials\nhint: {2}Check the ARN/);
  });

  it('that may not be read is reported without a stack trace', async () => {
    iam
      .on(GetRoleCommand)
      .rejects(Object.assign(new Error('not authorized to perform: iam:GetRole'), { name: 'AccessDenied' }));
    const { code, err } = await check();
    expect(code).toBe(1);
    expect(err).toMatch(
      /^error: AWS denied the call: iam:GetRole .*not authorized[^]*hint: {2}Check whose credentials these are/,
    );
    expect(err).not.toMatch(/\n {4}at /);
  });
});
