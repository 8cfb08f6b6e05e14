/**
 * What a service account that is no add-on's, and what an add-on, can come to in the state machines: each keeps to its
 * own steps.
 */
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { type Edge, type Machine, machines, migrateAddon, stepOf, calling } from './definition.ts';
import { words } from '../words.ts';

const OF_ADDONS = words`
  delete-addon await-deleted create-addon update-addon await-active carry-over assess-rollback restore-addon
`;
const OF_ACCOUNTS = ['create-association', 'annotate-service-account'];
const NO_STANDALONE = { createsStandalone: false };

type Variables = Record<string, unknown>;
const [SUBJECT, ADDON] = ['payments/api', 'aws-ebs-csi-driver'];
const withAttempt = (subject: string, strategy: string, more: Variables = {}): Variables => ({
  subject,
  attempts: [{ strategy, preserve: false }],
  attempt: 0,
  ...more,
});

/**
 * Which ways out of its choices a machine takes with these variables; a choice that asks for anything else may take
 * each.
 */
async function followed(machine: Machine, variables: Variables): Promise<(edge: Edge) => boolean> {
  const next = new Map<string, string>();
  for (const [name, { Choices = [], Default }] of machine.ofType('Choice')) {
    const conditions = Choices.map(({ Condition }) => Condition.slice(2, -2));
    const isKnown = conditions.every((condition) =>
      [...condition.replaceAll(/'[^']*'/g, '').matchAll(/\$(\w+)(?!\w|\()/g)].every(
        ([, variable = '']) => variable in variables,
      ),
    );
    if (!isKnown) continue;
    const answers = await Promise.all(conditions.map((condition) => jsonata(condition).evaluate({}, variables)));
    next.set(name, Choices[answers.findIndex((answer) => answer === true)]?.Next ?? Default!);
  }
  return ({ from, to }) => !next.has(from) || next.get(from) === to;
}
async function reached(machine: Machine, variables: Variables): Promise<{ states: Set<string>; steps: string[] }> {
  const states = machine.reachableFrom(machine.definition.StartAt, await followed(machine, variables));
  return {
    states,
    steps: [...new Set(machine.tasks.filter(([name]) => states.has(name)).map(([, state]) => stepOf(state)))],
  };
}

describe.each(machines)('$name', (machine) => {
  it.each([true, false])(
    'never comes to a step of add-ons with a service account, whether or not its annotation goes: %s',
    async (removesAnnotation) => {
      const { states, steps } = await reached(
        machine,
        withAttempt(SUBJECT, 'associate', { removesAnnotation, ...NO_STANDALONE }),
      );
      expect(steps.filter((step) => OF_ADDONS.includes(step))).toEqual([]);
      expect(steps).toEqual(expect.arrayContaining(['restore-associations', 'verify-pods', 'restart-pods', 'finish']));
      expect(steps.includes('annotate-service-account')).toBe(removesAnnotation);
      expect(states).toContain('WaitForFormerIdentity');
    },
  );

  it.each(['in-place', 'recreate'])('comes to no step of service accounts with an add-on, %s', async (strategy) => {
    const { states, steps } = await reached(
      machine,
      withAttempt(ADDON, strategy, { removesAnnotation: false, ...NO_STANDALONE }),
    );
    expect(steps.filter((step) => OF_ACCOUNTS.includes(step))).toEqual([]);
    expect(steps).toEqual(expect.arrayContaining(['assess-rollback', 'restore-addon', 'restore-associations']));
    expect(
      [...states].filter((name) =>
        ['WaitForWebhook', 'IsAnnotationToRestore', 'RestoreAnnotation', 'AnnotateServiceAccount'].includes(name),
      ),
    ).toEqual([]);
  });

  it('has no step that neither of them comes to', async () => {
    const ways = [
      withAttempt(SUBJECT, 'associate', { removesAnnotation: true }),
      ...['in-place', 'recreate'].map((strategy) => withAttempt(ADDON, strategy)),
    ];
    const all = await Promise.all(ways.map((variables) => reached(machine, variables)));
    expect(new Set(all.flatMap(({ states }) => [...states]))).toEqual(new Set(Object.keys(machine.states)));
  });
});

describe('the workflow of a service account', () => {
  const { states } = migrateAddon;

  it("associates it, waits until EKS's webhook knows the association, and verifies the pods", () => {
    expect(states.CreateAssociation).toMatchObject(
      calling('WaitForWebhook', { attempt: '{% $attempt %}', fence: '{% $fence %}', subject: '{% $subject %}' }),
    );
    expect(states.WaitForWebhook).toEqual({ Type: 'Wait', Seconds: 15, Next: 'VerifyPods' });
    expect(migrateAddon.edges.filter(({ to }) => to === 'CreateAssociation')).toMatchObject([
      { from: 'WhichStrategy', onFailure: false },
    ]);
  });

  it('comes behind the locks, the agent and the trust', () => {
    for (const before of ['Begin', 'IsAgentToInstall', 'IsTrustToRepair'])
      expect(
        migrateAddon.reachableFrom(migrateAddon.definition.StartAt, ({ to }) => to !== before),
        `without ${before}`,
      ).not.toContain('CreateAssociation');
  });

  it('takes the annotation off after the verification alone, where the plan says so, and is migrated then', () => {
    expect(states.IsAnnotationToRemove).toEqual({
      Type: 'Choice',
      Choices: [{ Condition: '{% $removesAnnotation %}', Next: 'AnnotateServiceAccount' }],
      Default: 'RecordMigrated',
    });
    expect(states.AnnotateServiceAccount).toMatchObject(
      calling('RecordMigrated', { towards: 'pod-identity', fence: '{% $fence %}' }),
    );
    expect(migrateAddon.edges.filter(({ to }) => to === 'IsAnnotationToRemove')).toMatchObject([
      { from: 'AreThePodsVerified', onFailure: false },
      { from: 'ArePodsStable', onFailure: false },
    ]);
    expect(states.Plan!.Assign).toMatchObject({
      subject: '{% $states.result.Payload.subject %}',
      removesAnnotation: '{% $states.result.Payload.removesAnnotation %}',
    });
  });

  it('has one way: none is left behind it', async () => {
    const condition = async (strategy: string, attempt: number): Promise<unknown[]> =>
      Promise.all(
        states.WhichStrategy!.Choices!.map(({ Condition }) =>
          jsonata(Condition.slice(2, -2)).evaluate({}, { attempts: [{ strategy }], attempt }),
        ),
      );
    expect((await condition('associate', 0)).filter(Boolean)).toHaveLength(1);
    expect(await condition('associate', 1)).toEqual([false, false, false]);
    expect(states.WhichStrategy!.Default).toBe('RollBack');
  });
});

describe.each(machines)('the rollback of a service account in $name', (machine) => {
  it('starts without reading an add-on, and ends only when the pods have their former credentials', async () => {
    const follow = await followed(machine, withAttempt(SUBJECT, 'associate', { removesAnnotation: true }));
    const order = words`
      RollBack WhatToRollBack IsAnnotationToRestore RestoreAnnotation RestoreAssociations IsAddonRestored
      WaitForFormerIdentity VerifyRestored AreThePodsRestored
    `;
    const after = (name: string): string[] =>
      machine.edges.filter((edge) => edge.from === name && !edge.onFailure && follow(edge)).map(({ to }) => to);
    // Whether the webhook has to be waited for, the step before says: of a service account it always does.
    for (const [index, name] of order.slice(0, -1).entries())
      expect(after(name).sort(), `after ${name}`).toEqual(
        name === 'IsAddonRestored' ? ['VerifyRestored', 'WaitForFormerIdentity'] : [order[index + 1]],
      );
    expect(machine.reachableFrom('RollBack', (edge) => follow(edge) && edge.to !== 'VerifyRestored')).not.toContain(
      'RecordRolledBack',
    );
  });

  it('asks for a person whatever fails in it', () => {
    for (const name of ['RestoreAnnotation', 'RestoreAssociations', 'VerifyRestored'])
      expect(machine.catchersOf(name).at(-1)).toEqual([['States.ALL'], 'RecordNeedsHuman']);
  });
});
