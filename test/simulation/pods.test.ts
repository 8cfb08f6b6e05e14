/** Tests that what a spec wants for pods happens, and that the watchers of a run see it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { brokenPromises } from './promises.ts';
import { simulate } from './run.ts';
import type { PodsSpec, RunSpec } from './spec.ts';

let assembly = '';
beforeAll(async () => void (assembly = (await ensureAssembly()).directory));

const run = async (scenario: string, pods: PodsSpec, more: Partial<RunSpec> = {}) => {
  const result = await simulate({ scenario, seed: 1, faults: [], pods, ...more }, assembly);
  expect(await brokenPromises(result)).toEqual([]);
  const [{ record, migrationId } = {}] = result.migrations;
  return {
    result,
    end: [record?.outcome, record?.verified],
    failure: record?.failure?.name,
    warnings: record?.warnings.map(({ id }) => id) ?? [],
    claims: result.claims.claims,
    evidence: await result.ledger.getEvidence(migrationId ?? '', 'latest'),
  };
};
const RESTART = { afterSeconds: 15, times: 1, everySeconds: 20 } as const;

describe('an SDK that is too old', () => {
  it.each(['sdk-crashes', 'crashes'] as const)('is rolled back if its software exits (%s)', async (without) => {
    const { end, failure, claims, result } = await run('in-place', { oldSdk: { container: 'first', without } });
    expect([[...end, failure], claims]).toEqual([['rolled-back', 'injected', 'PodsFailing'], []]);
    // EKS Auth has judged: the pods had no credentials in between, and have some again.
    const gaps = result.credentials.gaps.filter(({ why }) => why === 'SdkTooOld');
    expect(gaps.length).toBeGreaterThan(0);
    expect(gaps.every(({ to }) => to !== undefined)).toBe(true);
  });

  it('is called ready if its software hides it', async () => {
    const { end, claims } = await run('in-place', { oldSdk: { container: 'first', without: 'logs' } });
    expect([end, claims.map(({ of }) => of)]).toEqual([
      ['migrated', 'ready'],
      ['pods', 'migration'],
    ]);
    for (const { evidence, lacking } of claims) {
      expect([...lacking.values()]).toContain('SdkTooOld');
      expect(lacking.size).toBe(evidence.filter(({ level }) => level === 'ready').length);
    }
  });

  it('stays if the request does not have the pods observed', async () => {
    const { end, claims } = await run(
      'in-place',
      { oldSdk: { container: 'first', without: 'logs' } },
      { verification: 'injected' },
    );
    expect([end, claims]).toEqual([['migrated', 'injected'], []]);
  });
});

describe('containers that restart', () => {
  it('once lead to a second observation', async () => {
    const { end, evidence, result } = await run('in-place', { restarts: { pods: 'one', ...RESTART } });
    expect(end).toEqual(['migrated', 'ready']);
    expect(evidence.map(({ restarts }) => restarts)).toContain(1);
    const lines = await result.ledger.listSteps(result.migrations[0]!.migrationId);
    expect(lines.map(({ name }) => name)).toContain('confirm-ready-2');
  });

  it('again and again lead to a rollback', async () => {
    const { end, failure } = await run('in-place', { restarts: { pods: 'one', ...RESTART, times: 12 } });
    expect([...end, failure]).toEqual(['rolled-back', 'injected', 'PodsFailing']);
  });
});

describe('pods and nodes', () => {
  it('that joined are not called ready', async () => {
    const { end, evidence } = await run('daemon-set', { node: { does: 'joins', afterSeconds: 15 } });
    expect(end).toEqual(['migrated', 'ready']);
    expect(evidence.filter(({ level }) => level === 'ready')).toHaveLength(3);
    expect(evidence.filter(({ level }) => level === 'injected')).toHaveLength(1);
  });

  it('that are lost are named', async () => {
    const { end, warnings } = await run('service-account', { node: { does: 'is-lost', afterSeconds: 15 } });
    expect(end).toEqual(['migrated', 'ready']);
    expect(warnings).toContain('pods-on-unready-nodes');
  });

  it('that did not work before keep nothing from being migrated', async () => {
    const { end, result, warnings } = await run('service-account', { brokenBefore: 'replaced' });
    expect([[...result.before.broken], end]).toEqual([['payments/api'], ['migrated', 'ready']]);
    expect(warnings).toContain('pods-below-ready');
  });

  it('whose source of credentials turns out unknown are warned about', async () => {
    const { end, evidence, warnings } = await run('service-account', { mutated: true });
    expect(end).toEqual(['migrated', 'ready']);
    expect(new Set(evidence.map(({ identity }) => identity))).toEqual(new Set(['unknown']));
    expect(warnings).toContain('credentials-unknown');
  });

  it('are observed once the API server answers again', async () => {
    const { end, result } = await run('in-place', { unreachable: { afterSeconds: 15, seconds: 900 } });
    expect(end).toEqual(['migrated', 'ready']);
    const failed = result.sandbox.world.log.calls.filter(
      ({ service, status }) => service === 'kubernetes' && status >= 500,
    );
    expect(failed.length).toBeGreaterThan(0);
  });
});
