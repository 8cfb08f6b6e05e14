/** The tests that each built-in scenario has. */
import { expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { identityOf, mutationsOf } from './fixture.ts';
import type { Row } from './scenario-rows.ts';
import { run } from './scenario-runs.ts';

/** Ends after which the code is known, or was not changed. */
const WITH_HAND_OFF = new Set(['migrated', 'rolled-back', 'already-migrated']);

const serviceAccounts = (associations: { serviceAccount: string }[]): string[] =>
  associations.map((one) => one.serviceAccount).sort();
const attemptOf = ({ applied }: MigrationReport): string | undefined =>
  applied && `${applied.strategy}${applied.preserve ? '+preserve' : ''}`;

/** Defines the tests of these scenarios: what the rows expect of their ends. */
export const describeRows = (rows: readonly Row[]): void => {
  it.each(rows)(
    '%s, %j',
    async (
      name,
      request,
      {
        outcome,
        verdict,
        blockedBy = {},
        failure,
        applied,
        warnings = [],
        purged = [],
        created = [],
        restored = [],
        mutations,
      },
    ) => {
      const ended = await run(name, request);
      const { report } = ended;
      expect(report.failure?.name).toBe(failure);
      expect(report.outcome).toBe(outcome);
      expect(report.plan?.verdict === 'keep-irsa' ? 'keep-irsa' : undefined).toBe(verdict);
      expect(attemptOf(report)).toBe(applied);
      expect(report.warnings.map(({ id }) => id)).toEqual(warnings);
      const blocking = report.plan!.checks.filter(({ status }) => status === 'fail' || status === 'unknown');
      expect([...new Set(blocking.map(({ id }) => id))]).toEqual(Object.keys(blockedBy));
      for (const { id, message } of blocking) expect(message).toMatch(blockedBy[id]!);
      expect({
        purged: serviceAccounts(report.associations.purged),
        created: serviceAccounts(report.associations.created),
        restored: serviceAccounts(report.associations.restored),
      }).toEqual({ purged, created, restored });
      expect(mutationsOf(ended)).toEqual(mutations);
    },
  );

  it.each(rows)('%s, %j: the hand-off at its end describes the account', async (name, request) => {
    const { report, handOff } = await run(name, request);
    expect(report.handOff !== undefined).toBe(WITH_HAND_OFF.has(report.outcome));
    expect(handOff).toEqual({ ofReport: [], found: [] });
  });

  it.each(rows.filter(([, { addon }, { outcome }]) => addon !== undefined && outcome === 'migrated'))(
    '%s, %j: the add-on only changes its identity, and its pods have the new one',
    async (name, request, { created = [] }) => {
      const { cluster, before } = await run(name, request);
      const { version, configurationValues, tags } = before(cluster.name, request.addon ?? '');
      const now = cluster.addons.get(request.addon ?? '')!;
      expect(now).toMatchObject({ status: 'ACTIVE', version, tags });
      expect(now.configurationValues).toBe(configurationValues);
      expect(now.serviceAccountRoleArn).toBeUndefined();
      expect(created.map((serviceAccount) => [...new Set(identityOf(cluster, serviceAccount))])).toEqual(
        created.map(() => ['pod-identity']),
      );
    },
  );

  it.each(rows.filter(([, , { outcome }]) => outcome === 'blocked'))(
    '%s, %j: nothing has changed',
    async (name, request) => {
      const { cluster, before } = await run(name, request);
      expect(cluster.addons.get(request.addon ?? '')).toEqual(before(cluster.name, request.addon ?? ''));
    },
  );
};
