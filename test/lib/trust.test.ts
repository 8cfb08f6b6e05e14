/** What writes trust policies: there only by consent, and then nowhere but in two steps. */
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { retireTrustSchema } from '../../lambdas/steps/retire-trust/schema.ts';
import {
  type Machine,
  machines,
  migrateAddon,
  resourcesOf,
  retire,
  type State,
  stepOf,
  statementsOf,
  statementsOfRole,
  template,
  calling,
} from './definition.ts';
import { synthesised, synthesiseWith } from './synthesised.ts';
import { words } from '../words.ts';

const WRITES = 'iam:UpdateAssumeRolePolicy';
const PATTERN = 'arn:aws:iam::111122223333:role/eks-addons/*';
const without = synthesiseWith({});
const narrowed = synthesiseWith({ repairableRoleArns: PATTERN });

/** A definition without the versions in its ARNs, which differ with every asset. */
const comparable = (states: Record<string, State>): unknown =>
  JSON.parse(JSON.stringify(states).replaceAll(/CurrentVersion[0-9A-Za-z]+/g, '')) as unknown;
const unconditionally = ({ edges }: Machine, name: string): string[] =>
  edges.filter(({ from, onFailure }) => from === name && !onFailure).map(({ to }) => to);

describe('a deployment that names no repairable roles', () => {
  it('has no Lambda, no role, no state machine and no output for trust policies', () => {
    expect(without.steps()).not.toEqual(expect.arrayContaining(['repair-trust']));
    expect(without.steps()).toHaveLength(resourcesOf('AWS::Lambda::Function').length - 2);
    expect(without.resourcesOf('AWS::StepFunctions::StateMachine')).toHaveLength(3);
    expect(without.template.Outputs).not.toHaveProperty('RetireStateMachineArn');
    expect(JSON.stringify(without.template).match(/UpdateAssumeRolePolicy|RetireTrust|RepairTrust/g)).toBeNull();
    expect(synthesised({}).settings).not.toHaveProperty('repairableRoleArns');
  });

  it('has no way to start a retirement: neither a right to, nor the name of what would', () => {
    for (const step of ['api', 'find-stranded'])
      expect(without.variablesOf(step)).not.toHaveProperty('RETIRE_STATE_MACHINE_ARN');
    expect(JSON.stringify(without.template)).not.toMatch(/stateMachine:\w*Retire/);
  });

  it('lets no step read a role that it need not', () =>
    expect(without.statementsOfRole(without.roleOf('finish')).flatMap(({ actions }) => actions)).not.toContain(
      'iam:GetRole',
    ));

  it.each(['MigrateAddon', 'Recover'])('has the states of %s that are not for trust policies, and no other', (name) => {
    const ofTrust = new Set(['IsTrustToRepair', 'RepairTrust', 'WaitForTrust', 'IsTrustToRestore', 'RestoreTrust']);
    const { states } = without.machine(name);
    const here = machines.find((machine) => machine.name === name)!.states;
    expect(Object.keys(states).sort()).toEqual(
      Object.keys(here)
        .filter((state) => !ofTrust.has(state))
        .sort(),
    );
    // But for the ways around these states, the variable that they read, and the poll for what they wrote.
    const text = JSON.stringify(
      comparable(Object.fromEntries(Object.entries(here).filter(([state]) => !ofTrust.has(state)))),
    )
      .replace('"Default":"IsTrustToRepair"', '"Default":"IsStandaloneToCreate"')
      .replace('"Next":"IsTrustToRepair"', '"Next":"IsStandaloneToCreate"')
      .replace('"Default":"IsTrustToRestore"', '"Default":"RecordRolledBack"')
      .replace('"Next":"IsTrustToRestore"', '"Next":"RecordRolledBack"')
      .replace(' and $not($repairsTrust)', '')
      .replaceAll(',"repairsTrust":"{% $states.result.Payload.repairsTrust %}"', '')
      .replaceAll(
        '{"ErrorEquals":["TrustNotSeenYet"],"IntervalSeconds":10,"MaxAttempts":12,"BackoffRate":1,"JitterStrategy":"NONE"},',
        '',
      );
    expect(comparable(states)).toEqual(JSON.parse(text));
  });

  it('still asks what the plan says of roles', () => {
    expect(without.statementsOfRole(without.roleOf('plan')).flatMap(({ actions }) => actions)).toEqual(
      expect.arrayContaining(['iam:SimulatePrincipalPolicy', 'iam:GetRolePolicy', 'eks:ListAddons']),
    );
    expect(without.variablesOf('plan')).toHaveProperty('CREATE_ADDON_ROLE_ARN');
  });
});

describe('a deployment that names repairable roles', () => {
  it('lets two steps write the trust of these roles, and no other role of the service anything', () => {
    const writing = narrowed.resourcesOf('AWS::IAM::Role').flatMap(([role]) =>
      narrowed
        .statementsOfRole(role)
        .filter(({ actions }) => actions.includes(WRITES))
        .map(({ resources }) => ({ role, resources })),
    );
    expect(writing).toEqual(
      ['repair-trust', 'retire-trust'].map((step) => ({ role: narrowed.roleOf(step), resources: [PATTERN] })),
    );
    for (const step of ['plan', 'begin', 'repair-trust', 'retire-trust'])
      expect(narrowed.variablesOf(step).SETTINGS_FILE).toBe('/opt/settings.json');
    expect(synthesised({ repairableRoleArns: PATTERN }).settings).toMatchObject({ repairableRoleArns: [PATTERN] });
  });

  it('lets the repair write these roles alone, and change nothing in EKS', () => {
    const statements = narrowed.statementsOfRole(narrowed.roleOf('repair-trust'));
    const ofAws = statements.filter(({ actions }) => actions.some((action) => !/^(logs|xray|dynamodb):/.test(action)));
    expect(ofAws).toContainEqual({ actions: ['iam:GetRole', WRITES], resources: [PATTERN], condition: undefined });
    // Who may be given the role is read directly before.
    expect(ofAws.flatMap(({ actions }) => actions).sort()).toEqual(words`
      eks:DescribeCluster eks:DescribePodIdentityAssociation eks:ListPodIdentityAssociations
      iam:GetOpenIDConnectProvider iam:GetRole ${WRITES}
    `);
  });

  it('reads the trust for restore commands of these roles alone', () =>
    expect(
      narrowed.statementsOfRole(narrowed.roleOf('finish')).filter(({ actions }) => actions.includes('iam:GetRole')),
    ).toEqual([{ actions: ['iam:GetRole'], resources: [PATTERN], condition: undefined }]));

  it('lets the state machine Retire call its step, and those that wait', () => {
    const role = (retire.properties.RoleArn as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0];
    const invoked = statementsOfRole(role)
      .filter(({ actions }) => actions.includes('lambda:InvokeFunction'))
      .flatMap(({ resources }) => resources);
    expect(invoked.length).toBeGreaterThan(0);
    expect(invoked.filter((resource) => !/Steps(RetireTrust|RequestApproval|AwaitWindow)/.test(resource))).toEqual([]);
    expect(Object.fromEntries(retire.tasks.map(([name, state]) => [name, stepOf(state)]))).toEqual({
      PlanRetirement: 'retire-trust',
      RequestApproval: 'request-approval',
      AwaitWindow: 'await-window',
      RecordRefusal: 'retire-trust',
      RetireTrust: 'retire-trust',
    });
  });

  it('is what the sandbox deploys, for every role of the account', () => {
    expect(
      statementsOf('repair-trust')
        .filter(({ actions }) => actions.includes(WRITES))
        .flatMap(({ resources }) => resources),
    ).toEqual(['arn:aws:iam::111122223333:role/*']);
    expect(JSON.stringify(template)).not.toMatch(/\b\d{12}\b/);
  });
});

describe('the repair in the workflow', () => {
  const { states } = migrateAddon;
  it('comes after the locks and the snapshot, before every change of the add-on, and waits until it is visible', () => {
    expect([states.Begin!.Next, states.IsAgentToInstall!.Default, states.InstallAgent!.Next]).toEqual([
      'IsAgentToInstall',
      'IsTrustToRepair',
      'IsTrustToRepair',
    ]);
    expect(states.IsTrustToRepair).toEqual({
      Type: 'Choice',
      Choices: [{ Condition: '{% $repairsTrust %}', Next: 'RepairTrust' }],
      Default: 'IsStandaloneToCreate',
    });
    expect(states.RepairTrust).toMatchObject(
      calling('WaitForTrust', { towards: 'pod-identity', fence: '{% $fence %}' }),
    );
    expect(states.WaitForTrust).toEqual({ Type: 'Wait', Seconds: 10, Next: 'IsStandaloneToCreate' });
    expect([...migrateAddon.reachableFrom(migrateAddon.definition.StartAt, ({ to }) => to !== 'Begin')]).not.toContain(
      'RepairTrust',
    );
  });

  it.each([true, false])('is taken where the plan says so: %s', async (repairsTrust) => {
    const evaluate = (expression: string): Promise<unknown> =>
      jsonata(expression.slice(2, -2)).evaluate(
        {},
        { repairsTrust, installsAgent: false, createsStandalone: false, attempt: 0 },
      );
    await expect(evaluate(states.IsTrustToRepair!.Choices![0]!.Condition)).resolves.toBe(repairsTrust);
    await expect(evaluate(states.IsTrustToRestore!.Choices![0]!.Condition)).resolves.toBe(repairsTrust);
    // A repaired trust is a change: it is not `blocked`, which says that nothing was changed.
    await expect(evaluate(states.IsAnythingChanged!.Choices![0]!.Condition)).resolves.toBe(!repairsTrust);
  });

  it.each(machines)('is undone in $name once pods have their old identity, before the end is recorded', (machine) => {
    expect(machine.states.IsTrustToRestore).toMatchObject({
      Choices: [{ Next: 'RestoreTrust' }],
      Default: 'RecordRolledBack',
    });
    expect(machine.states.RestoreTrust).toMatchObject(calling('RecordRolledBack', { towards: 'before' }));
    // Once the associations are back that wait for the pods, where there are any.
    expect(unconditionally(machine, 'AreThePodsRestored')).toContain('IsAnythingDeferred');
    expect(unconditionally(machine, 'IsAnythingDeferred').sort()).toEqual(['IsTrustToRestore', 'RestoreDeferred']);
    expect(unconditionally(machine, 'RestoreDeferred')).toEqual(['IsTrustToRestore']);
    expect(
      machine.edges
        .filter(({ to }) => to === 'RecordRolledBack')
        .map(({ from }) => from)
        .sort(),
    ).toEqual(['IsTrustToRestore', 'RestoreTrust']);
    expect(machine.catchersOf('RestoreTrust')).toEqual([[['States.ALL'], 'RecordNeedsHuman']]);
  });

  it('is known to Recover from the record', () => {
    const recover = machines[1]!;
    expect(recover.states.TakeOver!.Assign).toMatchObject({
      repairsTrust: '{% $states.result.Payload.repairsTrust %}',
    });
    expect(states.Plan!.Assign).toMatchObject({ repairsTrust: '{% $states.result.Payload.repairsTrust %}' });
  });
});

describe('Retire', () => {
  const REFUSED = ['RetireRefused', 'LockHeld', 'RoleLockHeld', 'BadInput'];
  it('decides, waits for the approval and the window that hold it back, and then writes', async () => {
    const { PlanRetirement, IsAnythingToWrite, RequestApproval, IsThereAWindow, AwaitWindow } = retire.states;
    expect([retire.definition.StartAt, PlanRetirement!.Next, RequestApproval!.Next, AwaitWindow!.Next]).toEqual(
      words`PlanRetirement IsAnythingToWrite IsThereAWindow RetireTrust`,
    );
    const after = async (next: object | undefined): Promise<string> => {
      for (const { Condition, Next } of IsAnythingToWrite!.Choices!)
        if (await jsonata(Condition.slice(2, -2)).evaluate({}, { states: { input: next ? { next } : {} } }))
          return Next;
      return IsAnythingToWrite!.Default!;
    };
    expect([
      await after(undefined),
      await after({ approval: true, window: true }),
      await after({ approval: false, window: true }),
      await after({ approval: false, window: false }),
      IsThereAWindow!.Default,
    ]).toEqual(words`Retired RequestApproval AwaitWindow RetireTrust RetireTrust`);
    // What ends a wait in vain is recorded.
    expect(retire.catchersOf('RequestApproval')).toEqual([
      [['States.Timeout'], 'RecordRefusal'],
      [['States.ALL'], 'RecordRefusal'],
    ]);
    expect(retire.catchersOf('AwaitWindow')).toEqual([[['States.ALL'], 'RecordRefusal']]);
  });

  it('ends under the name of what became of it', () => {
    expect(retire.states.RetireTrust!.Next).toBe('Retired');
    expect(retire.catchersOf('RetireTrust')).toEqual([
      [REFUSED, 'RetireRefused'],
      [['States.ALL'], 'RetireFailed'],
    ]);
    expect(retire.ofType('Succeed').map(([name]) => name)).toEqual(['Retired']);
    expect(Object.fromEntries(retire.ofType('Fail').map(([name, { Error }]) => [name, Error]))).toEqual({
      RetireRefused: 'RetireRefused',
      RetireFailed: 'RetireFailed',
    });
  });

  const MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
  it.each([
    { migrationId: MIGRATION_ID, action: 'retire', dryRun: false, soakDays: 0 },
    {
      migrationId: MIGRATION_ID,
      action: 'reinstate',
      dryRun: true,
      soakDays: 14,
      accept: ['consumer:SecretStore/shop/aws'],
      requestedBy: 'alice',
      reason: 'an old job',
    },
  ])('gives its step what its own input has, and no more: %o', async (input) => {
    const payload = (retire.states.RetireTrust!.Arguments!.Payload as string).slice(2, -2);
    const given: unknown = await jsonata(payload).evaluate(
      {},
      { approvedHash: '', states: { context: { Execution: { Id: 'arn:of:retire', Input: input } } } },
    );
    expect(given).toEqual({ ...input, stage: 'write', executionArn: 'arn:of:retire', unknownFields: [] });
    expect(retireTrustSchema.input.safeParse(given).success).toBe(true);
  });

  it.each(['RetireRefused', 'RetireFailed'])(
    'reports in %s what prevented the retirement, and which migration it belongs to',
    async (name) => {
      const failure = {
        Error: 'RetireRefused',
        Cause: JSON.stringify({ errorType: 'RetireRefused', errorMessage: 'Pod x still needs it.', trace: [] }),
      };
      const cause: unknown = await jsonata(retire.states[name]!.Cause!.slice(2, -2)).evaluate(
        {},
        { failure, states: { context: { Execution: { Input: { migrationId: MIGRATION_ID } } } } },
      );
      expect(cause).toMatch(
        new RegExp(
          `^The OIDC trust of migration ${MIGRATION_ID} .*RetireRefused: Pod x still needs it\\..* item ${MIGRATION_ID} of table \\S+\\.`,
        ),
      );
    },
  );

  it('is one of those whose executions are asked about when a lock is found', () => {
    const asked = statementsOf('find-stranded')
      .filter(({ actions }) => actions.includes('states:DescribeExecution'))
      .flatMap(({ resources }) => resources);
    expect(asked.some((resource) => resource.includes(retire.logicalId))).toBe(true);
  });
});
