import { describe, expect, it } from 'vitest';
import { Times } from '../../../../conformance/kubernetes/bridge/times.ts';

const MACHINE = Date.parse('2026-11-29T10:00:00.500Z');
const WORLD = Date.parse('2026-01-15T09:00:00Z');

const open = () => {
  const clocks = { machine: MACHINE, world: WORLD };
  const times = new Times({ now: () => clocks.world, machine: () => clocks.machine });
  const pass = (machine: number, world: number): void => {
    clocks.machine += machine * 1000;
    clocks.world += world * 1000;
    times.observe();
  };
  return { times, pass };
};

describe("times of a real server in the world's time", () => {
  it('has the time of the world at the end of that second', () => {
    const { times, pass } = open();
    pass(1, 60);
    pass(1, 600);
    expect(times.inWorld('2026-11-29T10:00:00Z')).toBe('2026-01-15T09:00:00Z');
    expect(times.inWorld('2026-11-29T10:00:01Z')).toBe('2026-01-15T09:01:00Z');
    expect(times.inWorld('2026-11-29T10:00:02Z')).toBe('2026-01-15T09:11:00Z');
  });

  it.each(['2026-11-29T09:59:59Z', '2026-11-29T10:09:00Z', '2025-03-04T09:45:00Z', 'nginx', ''])(
    'leaves %j, which is no time of the run',
    (text) => expect(open().times.inWorld(text)).toBe(text),
  );

  it('keeps the time at which an object was first seen, whatever the server says later', () => {
    const { times, pass } = open();
    pass(1, 60);
    const object = { metadata: { uid: 'u', creationTimestamp: '2026-11-29T10:00:00Z' } };
    expect(times.translate(object).metadata.creationTimestamp).toBe('2026-01-15T09:01:00Z');
    pass(5, 300);
    expect(times.translate(object).metadata.creationTimestamp).toBe('2026-01-15T09:01:00Z');
  });

  it('gives an object of the scenario its own age', () => {
    const { times } = open();
    times.noteCreated('u', '2025-03-04T09:45:00Z');
    const object = { items: [{ metadata: { uid: 'u', creationTimestamp: '2026-11-29T10:00:00Z' } }] };
    expect(times.translate(object).items[0]?.metadata.creationTimestamp).toBe('2025-03-04T09:45:00Z');
  });

  it('ends the grace period of a deletion in the world', () => {
    const { times, pass } = open();
    pass(1, 60);
    const metadata = { uid: 'u', deletionTimestamp: '2026-11-29T10:00:31Z', deletionGracePeriodSeconds: 30 };
    expect(times.translate({ metadata }).metadata.deletionTimestamp).toBe('2026-01-15T09:01:30Z');
  });

  it('has the time that a kubelet gave a condition, as long as its status is that one', () => {
    const { times, pass } = open();
    times.noteConditions('u', [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-15T09:00:12Z' }]);
    pass(1, 60);
    const pod = (status: string) => ({
      metadata: { uid: 'u' },
      status: { conditions: [{ type: 'Ready', status, lastTransitionTime: '2026-11-29T10:00:01Z' }] },
    });
    expect(times.translate(pod('True')).status.conditions[0]?.lastTransitionTime).toBe('2026-01-15T09:00:12Z');
    expect(times.translate(pod('False')).status.conditions[0]?.lastTransitionTime).toBe('2026-01-15T09:01:00Z');
  });
});
