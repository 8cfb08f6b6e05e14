import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { aws } from '../../../lambdas/adapters/aws-errors.ts';
import { SpokeSessions } from '../../../lambdas/adapters/spoke-sessions.ts';
import { expectError } from '../matchers.ts';

const ROLE = 'arn:aws:iam::444455556666:role/pod-identity-migrator-read';
const OTHER_ROLE = 'arn:aws:iam::444455556666:role/pod-identity-migrator-change';
const START = Date.parse('2026-01-15T09:00:00Z');

const sts = mockClient(STSClient);
afterAll(() => sts.restore());
const asked = () => sts.commandCalls(AssumeRoleCommand).map(({ args: [{ input }] }) => input);
const answer = (accessKeyId: string, minutes = 15) => ({
  Credentials: {
    AccessKeyId: accessKeyId,
    SecretAccessKey: 'secret',
    SessionToken: 'token',
    Expiration: new Date(START + minutes * 60_000),
  },
});
const refusal = (name: string, status = 403): Error =>
  Object.assign(
    new Error('User: arn:aws:sts::111122223333:assumed-role/plan/plan is not authorized to perform: sts:AssumeRole'),
    { name, $metadata: { httpStatusCode: status } },
  );

const open = () => {
  const time = { now: START };
  let made = 0;
  const sessions = new SpokeSessions({
    sts: () => {
      made += 1;
      return new STSClient({
        region: 'eu-west-1',
        maxAttempts: 1,
        credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
      });
    },
    externalId: 'pod-identity-migrator-111122223333',
    sessionName: 'pod-identity-migrator-plan',
    seconds: 900,
    now: () => time.now,
  });
  return { sessions, time, clients: () => made };
};

beforeEach(() => void sts.reset());

describe('a session of a role in another account', () => {
  it('is asked for when it is first needed, by what the role wants to be told', async () => {
    sts.on(AssumeRoleCommand).resolves(answer('ASIA1'));
    const { sessions, clients } = open();
    expect([asked(), clients()]).toEqual([[], 0]);
    expect(await sessions.credentialsOf(ROLE)).toEqual({
      accessKeyId: 'ASIA1',
      secretAccessKey: 'secret',
      sessionToken: 'token',
      expiration: new Date(START + 900_000),
    });
    expect(asked()).toEqual([
      {
        RoleArn: ROLE,
        RoleSessionName: 'pod-identity-migrator-plan',
        ExternalId: 'pod-identity-migrator-111122223333',
        DurationSeconds: 900,
      },
    ]);
  });

  it('is asked for once where many need it at once, and once for each role', async () => {
    sts.on(AssumeRoleCommand).resolves(answer('ASIA1'));
    const { sessions } = open();
    await Promise.all([
      ...Array.from({ length: 20 }, () => sessions.credentialsOf(ROLE)),
      ...Array.from({ length: 20 }, () => sessions.credentialsOf(OTHER_ROLE)),
    ]);
    await sessions.credentialsOf(ROLE);
    expect(asked().map(({ RoleArn }) => RoleArn)).toEqual([ROLE, OTHER_ROLE]);
  });

  it('is used until a minute before it ends; then one new one is asked for, however many need it', async () => {
    sts.on(AssumeRoleCommand).resolvesOnce(answer('ASIA1')).resolves(answer('ASIA2', 30));
    const { sessions, time } = open();
    await sessions.credentialsOf(ROLE);
    time.now = START + 839_999;
    expect(await sessions.credentialsOf(ROLE)).toMatchObject({ accessKeyId: 'ASIA1' });
    time.now = START + 840_000;
    const renewed = await Promise.all(Array.from({ length: 5 }, () => sessions.credentialsOf(ROLE)));
    expect(new Set(renewed.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['ASIA2']));
    expect(asked()).toHaveLength(2);
  });

  it.each(['AccessDenied', 'AccessDeniedException'])(
    'that is refused (%s) says which role of which account, what may be wrong, and where to read',
    async (name) => {
      sts.on(AssumeRoleCommand).rejects(refusal(name));
      const { sessions } = open();
      await expectError(
        sessions.credentialsOf(ROLE),
        'AccessDenied',
        new RegExp(
          `${ROLE}.*account 444455556666.*AWS reports: .*is not authorized.*PodIdentityMigratorSpoke is not deployed in that account.*do not trust.*pod-identity-migrator-111122223333.*docs/accounts\\.md describes\\.$`,
        ),
      );
    },
  );

  it('that is refused is requested once for all callers that wait for it, and again for later callers', async () => {
    sts.on(AssumeRoleCommand).rejectsOnce(refusal('AccessDenied')).resolves(answer('ASIA1'));
    const { sessions } = open();
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => sessions.credentialsOf(ROLE)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(asked()).toHaveLength(1);
    expect(await sessions.credentialsOf(ROLE)).toMatchObject({ accessKeyId: 'ASIA1' });
  });

  it.each([
    ['a throttled call', refusal('ThrottlingException', 400), 'Throttled'],
    ["the function's own session, which has ended", refusal('ExpiredTokenException'), 'AccessDenied'],
    ['no answer', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 'ConnectionLost'],
  ])('keeps what else goes wrong as it is: %s', async (_, error, name) => {
    sts.on(AssumeRoleCommand).rejects(error);
    await expectError(open().sessions.credentialsOf(ROLE), name, /^sts:AssumeRole arn:(?!.*PodIdentityMigratorSpoke)/);
  });

  it('without credentials in the answer is none', async () => {
    sts.on(AssumeRoleCommand).resolves({});
    await expectError(open().sessions.credentialsOf(ROLE), 'ServiceUnavailable');
  });
});

it("a refused session comes out of the SDK's client as it is, after one call of STS", async () => {
  sts.on(AssumeRoleCommand).rejects(refusal('AccessDenied'));
  const { sessions } = open();
  const requestHandler = { handle: () => Promise.reject(new Error('nothing may be sent')) };
  const eks = new EKSClient({
    region: 'eu-west-1',
    maxAttempts: 1,
    requestHandler,
    credentials: () => sessions.credentialsOf(ROLE),
  });
  await expectError(
    aws('eks:DescribeCluster', () => eks.send(new DescribeClusterCommand({ name: 'dev' }))),
    'AccessDenied',
    `The role ${ROLE} could not be assumed`,
  );
  expect(asked()).toHaveLength(1);
});
