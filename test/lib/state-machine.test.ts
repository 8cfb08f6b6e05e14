import { isFormerField } from '../../lambdas/domain/acceptance/former.ts';
import validate from 'asl-validator';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { stepSchemas, type StepName } from '../../lambdas/steps/schemas.ts';
import { OF_PREVIOUS_RELEASE } from '../../lib/migration/state-machine.ts';
import { allMachines, migrateAddon, stepOf, template, calling } from './definition.ts';
import { words } from '../words.ts';

const { states } = migrateAddon;

describe.each(allMachines)('definition of $name', (machine) => {
  it('is valid Amazon States Language in JSONata', () => {
    // A copy: the validator notes the language in each state.
    const result = validate(structuredClone(machine.definition));
    expect([result.errorsText(), result.isValid, machine.definition.QueryLanguage]).toEqual(['', true, 'JSONata']);
  });

  it('has no dead state', () => {
    for (const graph of machine.graphs)
      expect([...graph.reachableFrom(graph.startAt)].sort()).toEqual(Object.keys(graph.states).sort());
  });

  it('comes from each state to an end, and ends nowhere else', () => {
    for (const graph of machine.graphs) {
      for (const name of Object.keys(graph.states)) {
        expect(
          graph.edges.some(({ from }) => from === name),
          `from ${name}`,
        ).toBe(!graph.isEnd(name));
        expect(
          [...graph.reachableFrom(name)].some((reached) => graph.isEnd(reached)),
          `from ${name}`,
        ).toBe(true);
      }
    }
  });

  it('calls its steps and nothing else: it stops no execution', () => {
    for (const [, state] of machine.tasks)
      expect(state.Resource).toMatch(/^arn:aws:states:::lambda:invoke(\.waitForTaskToken)?$/);
  });

  it.each(machine.tasks)("gives %s the fields of its step's schema, and no other", (_, state) => {
    const { shape } = stepSchemas[stepOf(state) as Exclude<StepName, 'find-stranded' | 'api'>].input;
    const payload = state.Arguments!.Payload;
    // `pausing` is for the handler around the step (`pauses.test.ts`).
    const given = (
      typeof payload === 'string'
        ? [...payload.replace(/'pausing': \{[^}]*\}/, '').matchAll(/'(\w+)': /g)].map(([, field]) => field!)
        : Object.keys(payload)
    ).filter((field) => field !== 'pausing' && !isFormerField(field));
    expect(Object.keys(shape)).toEqual(expect.arrayContaining(given));
    const needed = Object.entries(shape).flatMap(([key, field]) => (field.safeParse(undefined).success ? [] : [key]));
    expect(given).toEqual(expect.arrayContaining(needed));
  });

  it.each(machine.tasks)('calls from %s a published version that stays when the next one comes', (_, state) =>
    expect(template.Resources[state.Arguments!.FunctionName.split(':').at(-1)!]).toMatchObject({
      Type: 'AWS::Lambda::Version',
      DeletionPolicy: 'Retain',
    }),
  );

  it('has a default in every Choice, which could not catch that nothing matched', () => {
    for (const [, state] of machine.graphs.flatMap((graph) => graph.ofType('Choice')))
      expect(state.Default).toBeTypeOf('string');
  });

  it('logs every event without its data, and is traced', () => {
    expect(machine.properties.LoggingConfiguration).toMatchObject({ Level: 'ALL', IncludeExecutionData: false });
    expect(machine.properties.TracingConfiguration).toEqual({ Enabled: true });
  });

  // But for the annotation of a service account, whose pods are verified and do without its going; for pods that are
  // verified and can't be observed further; and for a window that has closed, after which the next one is waited for.
  const mayGoOn = ({ from, to }: { from: string; to: string }): boolean =>
    (['AnnotateServiceAccount', 'ConfirmReady'].includes(from) && to === 'RecordMigrated') ||
    (from === 'Begin' && to === 'AwaitWindow');
  it.each(
    machine.graphs.flatMap((graph) =>
      graph.edges.filter((edge) => edge.onFailure && !mayGoOn(edge)).map((edge) => ({ ...edge, graph })),
    ),
  )('never succeeds after $from failed to $to', ({ to, graph }) =>
    expect([...graph.reachableFrom(to)].filter((name) => graph.states[name]!.Type === 'Succeed')).toEqual([]),
  );

  it.each([...machine.tasks, ...machine.ofType('Map')])('catches all last in %s, keeping the error', (name, state) => {
    expect(state.Catch?.at(-1)?.ErrorEquals).toEqual(['States.ALL']);
    for (const catcher of state.Catch!.slice(0, -1)) expect(catcher.ErrorEquals).not.toContain('States.ALL');
    // In what a Map runs under another name, which AWS wants.
    const variable = machine.states[name] === state ? 'failure' : 'locationFailure';
    for (const catcher of state.Catch!) expect(Object.keys(catcher.Assign!)).toEqual([variable]);
  });

  it.each(machine.tasks)('retries %s', (_, state) => expect(state.Retry!.length).toBeGreaterThanOrEqual(1));
});

it('state machines call every step, but for those that EventBridge, its Scheduler and API Gateway call', () => {
  const called = new Set(allMachines.flatMap(({ tasks }) => tasks.map(([, state]) => stepOf(state))));
  const byOthers = ['pause', 'find-stranded', 'publish-events', 'diagnose-denial', 'api', 'start-sweep'];
  expect([...called, ...byOthers, ...OF_PREVIOUS_RELEASE].sort()).toEqual(Object.keys(stepSchemas).sort());
});

describe('workflow of MigrateAddon', () => {
  const afterwards = (name: string): string[] =>
    migrateAddon.edges.filter(({ from, onFailure }) => from === name && !onFailure).map(({ to }) => to);

  it('takes the locks before anything changes', () => {
    const withoutLock = migrateAddon.reachableFrom(migrateAddon.definition.StartAt, ({ to }) => to !== 'Begin');
    expect([...withoutLock].sort()).toEqual(words`
      AlreadyMigrated AwaitWindow Blocked IsStillAsPlanned IsThereAWindow IsThereWork Plan PlanAgain Planned
      RecordBlocked RequestApproval Start
    `);
  });

  it('installs the agent where the plan says so, behind the locks and the snapshot, and before anything else changes', async () => {
    expect(afterwards('Begin')).toEqual(['IsAgentToInstall']);
    expect(states.IsAgentToInstall).toEqual({
      Type: 'Choice',
      Choices: [{ Condition: '{% $installsAgent %}', Next: 'InstallAgent' }],
      Default: 'IsTrustToRepair',
    });
    expect(afterwards('InstallAgent')).toEqual(['IsTrustToRepair']);
    expect(migrateAddon.edges.filter(({ to }) => to === 'InstallAgent')).toHaveLength(1);
    expect(states.Plan!.Assign).toMatchObject({ installsAgent: '{% $states.result.Payload.installsAgent %}' });
    // An installed agent is a change: it is not `blocked`, which says that nothing was changed.
    const isUnchanged = states.IsAnythingChanged!.Choices![0]!.Condition.slice(2, -2);
    for (const installsAgent of [true, false]) {
      const variables = { attempt: 0, repairsTrust: false, createsStandalone: false, installsAgent };
      await expect(jsonata(isUnchanged).evaluate({}, variables)).resolves.toBe(!installsAgent);
    }
  });

  it('creates standalone associations where the plan says so, before the first way, and waits until they are known', async () => {
    expect(states.IsStandaloneToCreate).toEqual({
      Type: 'Choice',
      Choices: [{ Condition: '{% $createsStandalone %}', Next: 'CreateStandaloneAssociations' }],
      Default: 'WhichStrategy',
    });
    expect(states.CreateStandaloneAssociations).toMatchObject(
      calling('WaitForStandaloneAssociations', { attempt: '{% $attempt %}', fence: '{% $fence %}' }),
    );
    expect(states.WaitForStandaloneAssociations).toEqual({ Type: 'Wait', Seconds: 15, Next: 'WhichStrategy' });
    // Nothing takes a role away before it, and no later way comes to it again.
    expect(migrateAddon.reachableFrom('NextAttempt')).not.toContain('CreateStandaloneAssociations');
    for (const change of ['DeleteAddon', 'UpdateAddon', 'CreateAddon'])
      expect(
        migrateAddon.reachableFrom(migrateAddon.definition.StartAt, ({ to }) => to !== 'IsStandaloneToCreate'),
      ).not.toContain(change);
    expect(states.Plan!.Assign).toMatchObject({ createsStandalone: '{% $states.result.Payload.createsStandalone %}' });
    // A created association is a change: the migration is not `blocked`.
    const isUnchanged = states.IsAnythingChanged!.Choices![0]!.Condition.slice(2, -2);
    for (const createsStandalone of [true, false]) {
      const variables = { attempt: 0, repairsTrust: false, installsAgent: false, createsStandalone };
      await expect(jsonata(isUnchanged).evaluate({}, variables)).resolves.toBe(!createsStandalone);
    }
  });

  it('goes in place without a delete, and by deletion with a new copy', () => {
    expect(states.WhichStrategy!.Choices).toEqual([
      { Condition: "{% $attempts[$attempt].strategy = 'in-place' %}", Next: 'UpdateAddon' },
      { Condition: "{% $attempts[$attempt].strategy = 'recreate' %}", Next: 'DeleteAddon' },
      { Condition: "{% $attempts[$attempt].strategy = 'associate' %}", Next: 'CreateAssociation' },
    ]);
    const chain = ['DeleteAddon', 'WaitForDeletion', 'AwaitDeleted', 'CreateAddon'];
    expect(chain.slice(0, -1).map(afterwards)).toEqual(chain.slice(1).map((next) => [next]));
    expect(
      words`UpdateAddon WaitForUpdate CreateAddon WaitForCreation AwaitActive CarryOver VerifyPods`.flatMap(afterwards),
    ).toEqual(words`WaitForUpdate AwaitActive WaitForCreation AwaitActive CarryOver VerifyPods AreThePodsVerified`);
  });

  it('takes no way that it does not know', () => {
    expect(states.WhichStrategy!.Default).toBe('RollBack');
    expect(Object.keys(states.WhichStrategy!.Assign!)).toEqual(['failure']);
  });

  it('continues with the next attempt only after the pods were checked, one attempt at a time', () => {
    expect(migrateAddon.edges.filter(({ to }) => to === 'NextAttempt')).toMatchObject([
      { from: 'AreThePodsVerified', onFailure: false },
    ]);
    expect(states.AreThePodsVerified).toMatchObject({
      Choices: [
        { Condition: "{% $states.input.verdict = 'verified' %}", Next: 'IsAnnotationToRemove' },
        { Condition: "{% $states.input.verdict = 'settle' %}", Next: 'WaitForStability' },
        { Condition: "{% $states.input.verdict = 'next-attempt' %}", Next: 'NextAttempt' },
      ],
      Default: 'RestartPods',
    });
    expect(states.NextAttempt).toEqual({
      Type: 'Pass',
      Assign: { attempt: '{% $attempt + 1 %}' },
      Next: 'WhichStrategy',
    });
  });

  it('observes verified pods after a wait of the length that the step answers, and verifies them again if need be', () => {
    expect(states.WaitForStability).toEqual({
      Type: 'Wait',
      Seconds: '{% $states.input.settleSeconds %}',
      Assign: { waitingSince: '{% $states.context.State.EnteredTime %}' },
      Next: 'ConfirmReady',
    });
    expect(states.ConfirmReady).toMatchObject({
      Next: 'ArePodsStable',
      Arguments: {
        Payload: {
          towards: 'ready',
          settling: '{% $settling %}',
          round: '{% $podRound %}',
          planHash: '{% $planHash %}',
          startedAt: '{% $waitingSince %}',
        },
      },
    });
    expect(states.ConfirmReady!.Arguments!.FunctionName).toBe(states.VerifyPods!.Arguments!.FunctionName);
    expect(states.ArePodsStable).toEqual({
      Type: 'Choice',
      Choices: [{ Condition: "{% $states.input.verdict = 'verified' %}", Next: 'IsAnnotationToRemove' }],
      Assign: { settling: '{% $settling + 1 %}' },
      Default: 'VerifyPods',
    });
    expect(states.VerifyPods!.Arguments!.Payload).toMatchObject({ settling: '{% $settling %}' });
    expect(migrateAddon.edges.filter(({ to }) => to === 'WaitForStability')).toMatchObject([
      { from: 'AreThePodsVerified', onFailure: false },
    ]);
  });

  it('records what the pods have reached if they cannot be observed, and rolls back only if they fail', () => {
    const [person, back, ...others] = states.ConfirmReady!.Catch!;
    expect(person).toMatchObject({ ErrorEquals: ['LockLost'], Next: 'RecordNeedsHuman' });
    expect(back).toMatchObject({ Next: 'RollBack' });
    expect(back!.ErrorEquals).toEqual(expect.arrayContaining(['PodsFailing', 'Cancelled', 'AssociationChanged']));
    expect(others).toMatchObject([{ ErrorEquals: ['States.ALL'], Next: 'RecordMigrated' }]);
  });

  it('restarts the count of rounds with each attempt', () => {
    for (const name of ['AwaitActive', 'CreateAssociation'])
      expect(states[name]!.Assign, `in ${name}`).toEqual({ podRound: 1, settling: 1, tries: 0 });
    expect(
      migrateAddon.reachableFrom('NextAttempt', ({ from }) => from !== 'AwaitActive' && from !== 'CreateAssociation'),
    ).not.toContain('VerifyPods');
  });

  it('is migrated only after the verification', () => {
    const unverified = migrateAddon.reachableFrom(migrateAddon.definition.StartAt, ({ to }) => to !== 'VerifyPods');
    expect(unverified).not.toContain('Migrated');
    expect(
      [...new Set(migrateAddon.edges.filter(({ to }) => to === 'RecordMigrated').map(({ from }) => from))].sort(),
    ).toEqual(['AnnotateServiceAccount', 'ConfirmReady', 'IsAnnotationToRemove']);
    for (const name of ['AnnotateServiceAccount', 'ConfirmReady', 'IsAnnotationToRemove'])
      expect(unverified).not.toContain(name);
  });

  it('says to verify and restart which identity is meant', () => {
    for (const name of ['VerifyPods', 'RestartPods'])
      expect(states[name]!.Arguments!.Payload).toMatchObject({ towards: 'pod-identity' });
  });
});
