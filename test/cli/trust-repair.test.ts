import { GetRoleCommand, IAMClient, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Sleep } from '../../cli/trust/write.ts';
import { trustRepair } from '../../cli/trust/repair.ts';
import { parseTrustRepairFlags } from '../../cli/trust/options.ts';
import { reportError } from '../../cli/errors.ts';
import { words, collectingIo } from './fixtures.ts';
import type { Ran } from './run-program.ts';
import {
  ASKED,
  CLUSTER,
  DENY,
  IRSA,
  ISSUER,
  POD_IDENTITY,
  policy,
  policyText,
  ROLE,
  SCENARIO,
  trust,
} from './trust-fixtures.ts';

const answer = z.object({ verdict: z.string(), reasons: z.array(z.object({ message: z.string() })) });
const answers = z.strictObject({ podIdentity: answer, irsa: answer });
const document = z.strictObject({
  changed: z.boolean(),
  written: z.boolean(),
  refused: z.strictObject({ why: z.string().min(1), remedy: z.string().min(1) }).optional(),
  statement: z.record(z.string(), z.unknown()).optional(),
  policy: z.looseObject({ Statement: z.unknown() }),
  length: z.number(),
  before: answers,
  after: answers.optional(),
});

const repairOf = (text: string, ...flags: string[]): Promise<Ran> =>
  trust(['repair', '--policy', '-', ...ASKED, '--oidc-issuer', ISSUER, ...flags], text);
const repaired = async (text: string, ...flags: string[]) => {
  const { code, out } = await repairOf(text, '--json', ...flags);
  return { code, ...document.parse(JSON.parse(out)) };
};

describe('trust repair of a document', () => {
  it('adds one statement, and shows what it changes for Pod Identity and for IRSA', async () => {
    const {
      code,
      changed,
      written,
      statement,
      policy: after,
      length,
      before,
      after: then,
    } = await repaired(policyText(IRSA));
    expect({ code, changed, written }).toEqual({ code: 0, changed: true, written: false });
    expect(after).toEqual(policy(IRSA, statement!));
    expect(length).toBe(JSON.stringify(after).length);
    expect([before.podIdentity.verdict, before.irsa.verdict, then?.podIdentity.verdict, then?.irsa.verdict])
      .toEqual(words`
      denied allowed allowed allowed
    `);
  });

  it('prints the document on stdout, and the rest on stderr', async () => {
    const { code, out, err } = await repairOf(policyText(IRSA));
    expect([code, await trust(['check', '--policy', '-', ...ASKED], out)]).toMatchObject([0, { code: 0 }]);
    expect(err).toMatch(
      /^✔ repaired: the document is on stdout\n {2}--policy -, for kube-system\/ebs-csi-controller-sa on /,
    );
    expect(err).toMatch(/✔ EKS Pod Identity {2}denied → allowed\n✔ IRSA {2}allowed\n {2}\d+ of 2048 characters\n$/);
    const again = await repairOf(out);
    expect(JSON.parse(again.out)).toEqual(JSON.parse(out));
    expect(again.err).toContain('nothing to repair');
  });

  it('is shown as a diff in a dry run, and nothing else is printed', async () => {
    const { code, out, err } = await repairOf(policyText(IRSA), '--dry-run');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^✔ this is what a repair would add; nothing was changed\n[^]*\n {2}\{\n {4}"Version"[^]*\n\+ {7}"Sid": "PodIdentity\w+",\n/,
    );
    expect(out.split('\n').filter((line) => line.startsWith('- '))).toEqual([]);
  });

  it('covers several service accounts of a namespace at once, each named in the reasons', async () => {
    const { before, after, statement } = await repaired(policyText(IRSA), '--service-account', 'ebs-csi-node-sa');
    expect(before.podIdentity.reasons.map(({ message }) => message.split(':')[0])).toEqual(
      expect.arrayContaining(['ebs-csi-controller-sa', 'ebs-csi-node-sa']),
    );
    expect([before.irsa.verdict, after?.podIdentity.verdict, after?.irsa.verdict]).toEqual([
      'denied',
      'allowed',
      'denied',
    ]);
    expect(JSON.stringify(statement)).toContain('["ebs-csi-controller-sa","ebs-csi-node-sa"]');
  });

  it('is refused if a Deny conflicts, with the reason and what to do', async () => {
    const { code, refused, changed, policy: kept, after } = await repaired(policyText(IRSA, DENY));
    expect({ code, changed, after }).toEqual({ code: 3, changed: false, after: undefined });
    expect(refused?.why).toContain('NoPods');
    expect(kept).toEqual(policy(IRSA, DENY));
    const { code: plain, out, err } = await repairOf(policyText(IRSA, DENY));
    expect({ plain, out }).toEqual({ plain: 3, out: '' });
    expect(err).toMatch(
      /^✖ not repaired; nothing was changed\n[^]*\n\n {2}why: \S[^]*\n {2}do: {2}\S[^]*\n✖ EKS Pod Identity {2}denied\n/,
    );
  });

  it('is refused if the policy would be too long', async () => {
    const long = Array.from({ length: 5 }, (_, index) => ({
      ...IRSA,
      Sid: `Irsa${index}`,
      Condition: { StringEquals: { [`oidc.example.com/${index}:sub`]: 'x'.repeat(110) } },
    }));
    const { code, refused } = await repaired(policyText(...long));
    expect(code).toBe(3);
    expect(refused?.why).toMatch(/would have \d+ characters .* IAM allows 2048/);
  });

  it('refuses an invalid policy', async () => {
    const { code, out, err } = await repairOf('{"Version":');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^error: the trust policy of --policy - is not valid at line 1, column 12: /);
  });

  it.each([
    [[], /--service-account is missing/],
    [['--service-account', '*'], /--service-account "\*" must be the name of a service account/],
    [['--service-account', 'a', '--role-arn', ROLE], /--policy "-" cannot be combined with --role-arn/],
  ])('requires a policy and a service account: %j', async (flags, message) => {
    const { code, err } = await trust(
      words`repair --policy - --cluster-arn ${CLUSTER} --namespace kube-system ${flags}`,
    );
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});

it('trust repair of a role in a sandbox is shown, and not written to a sandbox that ends with the command', async () => {
  const argv = [
    'repair',
    '--role-arn',
    ROLE,
    ...ASKED.slice(0, 4),
    ...words`--service-account other --sandbox ${SCENARIO}`,
  ];
  const shown = await trust([...argv, '--dry-run', '--json']);
  expect(document.parse(JSON.parse(shown.out))).toMatchObject({
    changed: false,
    after: { podIdentity: { verdict: 'allowed' }, irsa: { verdict: 'denied' } },
  });
  const { code, out, err } = await trust(argv);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(/ends with this command, so a repaired role would be lost\nhint: {2}Add --dry-run/);
  expect((await trust(['repair', '--role-arn', ROLE, ...ASKED, '--state', 'w.json'])).err).toContain(
    'keeps only what migrations change',
  );
});

describe('trust repair of a role in IAM', () => {
  const iam = mockClient(IAMClient);
  const ARGV = {
    roleArn: ROLE,
    clusterArn: CLUSTER,
    namespace: 'kube-system',
    serviceAccount: ['ebs-csi-controller-sa'],
    oidcIssuer: ISSUER,
  };
  let trustPolicy: string;
  let waited: number[];
  /** Runs between the program's calls. */
  let between: (call: number) => void;
  beforeEach(() => {
    trustPolicy = policyText(IRSA);
    waited = [];
    between = () => undefined;
    let calls = 0;
    iam.on(GetRoleCommand).callsFake(() => {
      between((calls += 1));
      return { Role: { Arn: ROLE, AssumeRolePolicyDocument: encodeURIComponent(trustPolicy) } };
    });
    iam.on(UpdateAssumeRolePolicyCommand).callsFake(({ PolicyDocument }: { PolicyDocument: string }) => {
      trustPolicy = PolicyDocument;
      return {};
    });
  });
  afterEach(() => iam.reset());
  afterAll(() => iam.restore());

  const sleep: Sleep = async (milliseconds) => waited.push(milliseconds);
  const run = async (flags: Record<string, unknown> = {}): Promise<Ran> => {
    const io = collectingIo();
    const code = await trustRepair(parseTrustRepairFlags({ ...ARGV, yes: true, ...flags }), io, sleep).catch(
      (error: unknown) => reportError(error, io, { json: false, debug: false }),
    );
    return { code, out: io.out(), err: io.err() };
  };
  const writes = (): number => iam.commandCalls(UpdateAssumeRolePolicyCommand).length;

  it('is written, and read back', async () => {
    const { code, out } = await run({ json: true });
    expect(code).toBe(0);
    const { changed, written, policy: after } = document.parse(JSON.parse(out));
    expect([{ changed, written }, JSON.parse(trustPolicy)]).toEqual([{ changed: true, written: true }, after]);
    expect((await run()).out).toContain('nothing to repair');
    expect(writes()).toBe(1);
  });

  it('is only shown in a dry run', async () => {
    const { code, out } = await run({ dryRun: true });
    expect(code).toBe(0);
    expect(out).toMatch(/nothing was changed\n[^]*\+ {7}"Sid"/);
    expect(writes()).toBe(0);
  });

  it('is not written if another writer has changed the policy since it was read', async () => {
    between = (call) => {
      if (call === 2) trustPolicy = policyText(IRSA, DENY);
    };
    const { code, out, err } = await run();
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(
      /was changed by another principal after it was read; nothing was written\nhint: {2}Run the same command again/,
    );
    expect(writes()).toBe(0);
  });

  it('is read back until IAM shows it', async () => {
    let shown = '';
    between = (call) => {
      if (call === 3) [shown, trustPolicy] = [trustPolicy, policyText(IRSA)];
      if (call === 5) trustPolicy = shown;
    };
    const { code, out } = await run();
    expect(code).toBe(0);
    expect(out).toContain('repaired: written to the role and read back');
    expect(waited).toEqual([2000, 2000]);
  });

  it('that IAM never shows, or shows changed again, is an error that names what to check', async () => {
    between = (call) => {
      if (call > 2) trustPolicy = policyText(IRSA);
    };
    const never = await run();
    expect(never.code).toBe(1);
    expect(never.err).toMatch(
      /was written, but 30 s later IAM still returns the former one\nhint: {2}To show it: aws iam get-role --role-name reliability-dev-ebs-csi-driver-irsa-role /,
    );
    expect(waited).toHaveLength(15);
    between = (call) => {
      if (call % 20 === 0) trustPolicy = policyText(POD_IDENTITY);
    };
    // Call 20 is the second one after the write.
    const changed = await run();
    expect(changed.code).toBe(1);
    expect(changed.err).toContain('former one: another principal has changed it too');
  });

  it('that IAM finds too long is refused, with the alternatives', async () => {
    iam
      .on(UpdateAssumeRolePolicyCommand)
      .rejects(
        Object.assign(new Error('Cannot exceed quota for ACLSizePerRole: 2048'), { name: 'LimitExceededException' }),
      );
    const { code, err } = await run();
    expect(code).toBe(3);
    expect(err).toMatch(
      /^error: IAM rejected the repaired trust policy of \S+ as too long; nothing was written\nhint: {2}.*quota/,
    );
  });

  it('that may not be written is reported', async () => {
    iam
      .on(UpdateAssumeRolePolicyCommand)
      .rejects(
        Object.assign(new Error('not authorized to perform: iam:UpdateAssumeRolePolicy'), { name: 'AccessDenied' }),
      );
    const { code, err } = await run();
    expect(code).toBe(1);
    expect(err).toMatch(/^error: AWS denied the call: iam:UpdateAssumeRolePolicy /);
  });

  it('of a role in another account than the cluster is refused: EKS does not accept it', async () => {
    const other = 'arn:aws:iam::444455556666:role/other';
    iam.on(GetRoleCommand).resolves({ Role: { Arn: other, AssumeRolePolicyDocument: policyText(IRSA) } as never });
    const { code, out } = await run({ roleArn: other, json: true });
    expect(code).toBe(3);
    expect(document.parse(JSON.parse(out)).refused?.why).toMatch(
      /in account 444455556666 and the cluster in 111122223333/,
    );
    expect(writes()).toBe(0);
  });
});
