import { SimulatePrincipalPolicyCommand, type SimulatePrincipalPolicyCommandInput } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { AwsRoles } from '../../../lambdas/adapters/aws-roles.ts';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import { ACCOUNT, allow, clientsOf, FUNCTION_ROLE, openGateway, REGION, ROLE, scenarioFile } from '../support.ts';
import { expectFailure } from '../../lambdas/matchers.ts';

const CLUSTER = `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/dev`;
const OTHER = `arn:aws:iam::${ACCOUNT}:role/other`;
const passes = (change: object = {}) => ({
  Effect: 'Allow',
  Action: 'iam:PassRole',
  Resource: `arn:aws:iam::${ACCOUNT}:role/app/*`,
  Condition: {
    StringEquals: { 'iam:PassedToService': 'pods.eks.amazonaws.com' },
    ArnLike: { 'iam:AssociatedResourceArn': `arn:aws:eks:*:${ACCOUNT}:cluster/*` },
  },
  ...change,
});
const denied = { Effect: 'Deny', Action: 'iam:Pass*', Resource: ROLE };

const passedTo = (service: string) => ({ Condition: { StringEquals: { 'iam:PassedToService': service } } });

/** Opens IAM with the function's role, which has each statement in a separate policy. */
const open = (...statements: object[]) => {
  const policies = statements.map((Statement, index) => ({
    name: `policy-${index + 1}`,
    document: { Version: '2012-10-17', Statement },
  }));
  const world = buildWorld(parseScenario(scenarioFile(), 'test'), {
    roles: [{ arn: FUNCTION_ROLE, policies, managedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] }],
  });
  const iam = clientsOf(openGateway(world), world).iam();
  const key = (ContextKeyName: string, value: string) => {
    return { ContextKeyName, ContextKeyType: 'string' as const, ContextKeyValues: [value] };
  };
  const ContextEntries = [
    key('iam:PassedToService', 'pods.eks.amazonaws.com'),
    key('iam:AssociatedResourceArn', CLUSTER),
  ];
  const usual = { PolicySourceArn: FUNCTION_ROLE, ActionNames: ['iam:PassRole'], ResourceArns: [ROLE], ContextEntries };
  const simulate = (change: Partial<SimulatePrincipalPolicyCommandInput> = {}) =>
    iam.send(new SimulatePrincipalPolicyCommand({ ...usual, ...change }));
  return { world, iam, simulate };
};
const decisions = async (answer: ReturnType<ReturnType<typeof open>['simulate']>) =>
  (await answer).EvaluationResults?.flatMap(
    ({ EvalActionName, EvalResourceName, EvalDecision, ResourceSpecificResults: each = [] }) =>
      each.length === 0
        ? [`${EvalActionName} ${EvalResourceName} ${EvalDecision}`]
        : each.map((result) => `${EvalActionName} ${result.EvalResourceName} ${result.EvalResourceDecision}`),
  );

describe('SimulatePrincipalPolicy', () => {
  it('returns the decision of a role’s policies, and which policies determine it', async () => {
    const { simulate } = open(allow('s3:*'), passes());
    expect(await simulate()).toMatchObject({
      IsTruncated: false,
      EvaluationResults: [
        {
          EvalActionName: 'iam:PassRole',
          EvalResourceName: ROLE,
          EvalDecision: 'allowed',
          MatchedStatements: [{ SourcePolicyId: 'policy-2', SourcePolicyType: 'role' }],
          ResourceSpecificResults: [
            { EvalResourceName: ROLE, EvalResourceDecision: 'allowed', MissingContextValues: [] },
          ],
        },
      ],
    });
  });

  it.each([
    ['no statement', [], 'implicitDeny', []],
    ['another action', [passes({ Action: 'iam:GetRole' })], 'implicitDeny', []],
    ['another resource', [passes({ Resource: OTHER })], 'implicitDeny', []],
    ['a condition that is not met', [passes(passedTo('eks.amazonaws.com'))], 'implicitDeny', []],
    ['a Deny together with an Allow', [passes(), denied], 'explicitDeny', ['policy-2']],
    ['a Deny alone', [denied], 'explicitDeny', ['policy-1']],
    ['a Deny of something else', [passes(), { ...denied, Resource: OTHER }], 'allowed', ['policy-1']],
    [
      'a Deny whose condition is not met',
      [passes(), { ...denied, ...passedTo('ec2.amazonaws.com') }],
      'allowed',
      ['policy-1'],
    ],
  ])('evaluates %s', async (_what, statements, decision, matched) => {
    const { EvaluationResults: [result] = [] } = await open(...statements).simulate();
    expect([result?.EvalDecision, result?.MatchedStatements?.map((one) => one.SourcePolicyId)]).toEqual([
      decision,
      matched,
    ]);
  });

  it('evaluates each action on each resource, or on all resources if none is named, in pages', async () => {
    const { simulate } = open(passes(), allow('iam:GetRole'));
    const asked = { ActionNames: ['iam:PassRole', 'iam:GetRole'], ResourceArns: [ROLE, OTHER] };
    const all = [
      `iam:GetRole ${ROLE} allowed`,
      `iam:GetRole ${OTHER} allowed`,
      `iam:PassRole ${ROLE} allowed`,
      `iam:PassRole ${OTHER} implicitDeny`,
    ];
    expect((await decisions(simulate(asked)))?.toSorted()).toEqual(all.toSorted());
    expect(await decisions(simulate({ ActionNames: ['iam:GetRole'], ResourceArns: undefined }))).toEqual([
      'iam:GetRole * allowed',
    ]);
    const first = await simulate({ ...asked, MaxItems: 1 });
    expect([first.EvaluationResults?.length, first.IsTruncated]).toEqual([1, true]);
    expect(await simulate({ ...asked, Marker: first.Marker })).toMatchObject({
      IsTruncated: false,
      EvaluationResults: [{}],
    });
  });

  it.each([
    ['action', [['*', 'explicitDeny', [ROLE, OTHER, `${OTHER}-2`]]]],
    [
      'resource',
      [
        [ROLE, 'explicitDeny', [ROLE]],
        [OTHER, 'explicitDeny', [OTHER]],
        [`${OTHER}-2`, 'explicitDeny', [`${OTHER}-2`]],
      ],
    ],
  ] as const)('answers by %s, with the strictest decision above', async (simulationResults, expected) => {
    const { world, simulate } = open(passes(), { ...denied, Resource: OTHER });
    world.knobs.simulationResults = simulationResults;
    const { EvaluationResults: results = [] } = await simulate({ ResourceArns: [ROLE, OTHER, `${OTHER}-2`] });
    expect(
      results.map(({ EvalResourceName, EvalDecision, ResourceSpecificResults: each = [] }) => [
        EvalResourceName,
        EvalDecision,
        each.map((one) => one.EvalResourceName),
      ]),
    ).toEqual(expected);
    expect(await decisions(simulate({ ResourceArns: [ROLE, OTHER, `${OTHER}-2`] }))).toEqual([
      `iam:PassRole ${ROLE} allowed`,
      `iam:PassRole ${OTHER} explicitDeny`,
      `iam:PassRole ${OTHER}-2 implicitDeny`,
    ]);
  });

  it.each([
    ['evaluated', []],
    ['policies', ['s3:prefix', 'aws:username']],
  ] as const)(
    'reports keys of statements about other actions, or does not: %s',
    async (simulationMissingKeys, expected) => {
      const { world, simulate } = open(
        passes(),
        allow('s3:ListBucket', '*', { StringEquals: { 's3:prefix': 'a' } }),
        allow('s3:GetObject', 'arn:aws:s3:::shared/${aws:username}/*'),
      );
      world.knobs.simulationMissingKeys = simulationMissingKeys;
      const { EvaluationResults: [result] = [] } = await simulate();
      expect(result?.ResourceSpecificResults?.[0]).toMatchObject({
        EvalResourceDecision: 'allowed',
        MissingContextValues: expected,
      });
    },
  );

  it('reports context keys that the policies use and the call does not provide', async () => {
    const { EvaluationResults: [result] = [] } = await open(passes()).simulate({ ContextEntries: [] });
    expect(result).toMatchObject({ EvalDecision: 'implicitDeny', MissingContextValues: [] });
    expect(result?.ResourceSpecificResults?.[0]?.MissingContextValues?.map((key) => key.toLowerCase())).toContain(
      'iam:passedtoservice',
    );
    const { EvaluationResults: [everything] = [] } = await open(passes({ Resource: '*' })).simulate({
      ContextEntries: [],
      ResourceArns: undefined,
    });
    expect(everything?.MissingContextValues?.map((key) => key.toLowerCase())).toContain('iam:passedtoservice');
  });

  it('accepts several values of a key', async () => {
    const several = passes({ Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', 'b'] } } });
    const keys = (ContextKeyValues: string[]) => ({
      ContextEntries: [{ ContextKeyName: 'aws:TagKeys', ContextKeyType: 'stringList' as const, ContextKeyValues }],
    });
    expect(await decisions(open(several).simulate(keys(['a', 'b'])))).toEqual([`iam:PassRole ${ROLE} allowed`]);
    expect(await decisions(open(several).simulate(keys(['a', 'c'])))).toEqual([`iam:PassRole ${ROLE} implicitDeny`]);
  });

  it.each([
    ['allows it too', [passes()], 'allowed', true],
    ['does not contain it', [passes({ Action: 'iam:GetRole' })], 'implicitDeny', false],
    ['denies it', [passes(), denied], 'explicitDeny', false],
    ['is unknown', undefined, 'implicitDeny', false],
  ])('applies a permissions boundary that %s', async (_what, Statement, decision, allowed) => {
    const { world, simulate } = open(passes());
    const role = world.accounts.get(ACCOUNT)!.roles.get('plan-function')!;
    role.permissionsBoundary = {
      arn: `arn:aws:iam::${ACCOUNT}:policy/bound`,
      ...(Statement ? { document: JSON.stringify({ Version: '2012-10-17', Statement }) } : {}),
    };
    const detail = { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: allowed } };
    expect((await simulate()).EvaluationResults).toMatchObject([
      { EvalDecision: decision, ...detail, ResourceSpecificResults: [{ EvalResourceDecision: decision, ...detail }] },
    ]);
    delete role.permissionsBoundary;
    expect((await simulate()).EvaluationResults![0]).not.toHaveProperty('PermissionsBoundaryDecisionDetail');
  });

  it('does not allow by a boundary what the role itself does not allow', async () => {
    const { world, simulate } = open(passes({ Resource: OTHER }));
    world.accounts.get(ACCOUNT)!.roles.get('plan-function')!.permissionsBoundary = {
      arn: `arn:aws:iam::${ACCOUNT}:policy/bound`,
      document: JSON.stringify({ Version: '2012-10-17', Statement: passes() }),
    };
    expect((await simulate()).EvaluationResults).toMatchObject([
      { EvalDecision: 'implicitDeny', PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: true } },
    ]);
  });

  const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/plan-function/x`;
  const missing = (name: string) =>
    ['NoSuchEntityException', 404, `The role with name ${name} cannot be found.`] as const;
  it.each<[string, string, string, number, string]>([
    ['a missing role', `arn:aws:iam::${ACCOUNT}:role/gone`, ...missing('gone')],
    ['a role of another account', 'arn:aws:iam::444455556666:role/far', ...missing('far')],
    [
      'a session',
      SESSION,
      'InvalidInputException',
      400,
      `Invalid Entity Arn: ${SESSION} does not clearly define entity type and name.`,
    ],
  ])('rejects %s', (_what, PolicySourceArn, name, httpStatusCode, message) =>
    expectFailure(open().simulate({ PolicySourceArn }), httpStatusCode, name, message),
  );

  it('is denied to every caller with the knob deny', async () => {
    const { world, simulate } = open(passes());
    world.knobs.simulatePrincipalPolicy = 'deny';
    await expectFailure(
      simulate(),
      403,
      'AccessDenied',
      `User: arn:aws:sts::${ACCOUNT}:assumed-role/operator/sandbox is not authorized to perform: iam:SimulatePrincipalPolicy on resource: ${FUNCTION_ROLE} because no identity-based policy allows the iam:SimulatePrincipalPolicy action`,
    );
  });

  it.each(['action', 'resource'] as const)(
    'answers the service before it passes a role: %s',
    async (simulationResults) => {
      const asked = async (statements: object[], service = 'pods.eks.amazonaws.com') => {
        const { world, iam } = open(...statements);
        world.knobs.simulationResults = simulationResults;
        const found = await new AwsRoles(iam).simulate({
          principalArn: FUNCTION_ROLE,
          actions: ['iam:PassRole'],
          resources: [ROLE, OTHER],
          context: { 'iam:PassedToService': [service], 'iam:AssociatedResourceArn': [CLUSTER] },
        });
        expect(found.map(({ resource }) => resource)).toEqual([ROLE, OTHER]);
        return found.map(({ allowed }) => allowed);
      };
      expect([await asked([passes()]), await asked([passes(), denied])]).toEqual([
        [true, false],
        [false, false],
      ]);
      expect(await asked([passes()], 'eks.amazonaws.com')).toEqual([false, false]);
    },
  );
});
