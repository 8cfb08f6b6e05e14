import { describe, expect, it } from 'vitest';
import type { StepProgress } from '../../cli/history.ts';
import { startProgress } from '../../cli/progress.ts';
import { collector } from './fixtures.ts';

const startedAt = new Date('2026-01-15T09:00:00.000Z');
const step = (change: Partial<StepProgress> = {}): StepProgress => ({
  id: 1,
  step: 'plan',
  name: change.step ?? 'plan',
  startedAt,
  tries: 1,
  ...change,
});
const after = (seconds: number): Date => new Date(startedAt.getTime() + seconds * 1000);

describe('progress', () => {
  it('has a line for each step that begins and ends, in order, with the time that passed in its world', async () => {
    const output = collector();
    const progress = startProgress(output, { simulated: true });
    progress.update([step()]);
    progress.update([step({ endedAt: after(1) }), step({ id: 2, step: 'await-deleted', tries: 4 })]);
    progress.update([
      step({ endedAt: after(1) }),
      step({ id: 2, step: 'await-deleted', tries: 4, endedAt: after(42) }),
    ]);
    await progress.close();
    const lines = output.text().split('\n');
    const at = (text: string): number => lines.findIndex((line) => line.includes(text));
    expect(at('Run the checks and create the plan (1 s simulated)')).toBeGreaterThan(-1);
    expect(at('Wait until the add-on is gone (42 s simulated, 4 tries)')).toBeGreaterThan(at('create the plan (1 s'));
  });

  it('shows the error that a step ended with', async () => {
    const output = collector();
    const progress = startProgress(output, { simulated: false });
    progress.update([step({ step: 'create-addon', endedAt: after(2), error: 'AccessDenied' })]);
    await progress.close();
    expect(output.text()).toMatch(/Create the add-on with its Pod Identity associations \(2 s\).*AccessDenied/);
  });

  it('prints other messages after the steps before them', async () => {
    const output = collector();
    const progress = startProgress(output, { simulated: false });
    progress.update([step({ endedAt: after(2) })]);
    progress.say('The execution has stopped.');
    progress.update([step({ endedAt: after(2) }), step({ id: 2, step: 'take-over', endedAt: after(90) })]);
    await progress.close();
    expect(output.text()).toMatch(
      /create the plan \(2 s\)[^]*The execution has stopped\.\n[^]*Take over the migration/,
    );
  });

  it('can be closed while a step is still running', async () => {
    const output = collector();
    const progress = startProgress(output, { simulated: false });
    progress.update([step({ step: 'begin' })]);
    await progress.close();
    expect(output.text()).toContain('Take the locks and store the snapshot (still running)');
  });
});
