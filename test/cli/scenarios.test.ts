/** Scenarios that come with the program, by name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openScenario } from '../../cli/open-scenario.ts';
import { findScenario, fileOfScenario, scenarioNames, similarNames } from '../../cli/scenarios.ts';
import { matching } from '../lambdas/matchers.ts';

const NAME = 'ebs-csi-irsa';

describe('a scenario', () => {
  it.each(scenarioNames())('%s is found by its name', async (name) => {
    expect(findScenario(name)).toEqual({ file: fileOfScenario(name) });
    expect((await openScenario(name)).accounts.length).toBeGreaterThan(0);
  });

  it.each(['ebs-csi-irsa.json', './ebs-csi-irsa', 'a/b', '/tmp/x.json'])('%s is always a file', (argument) =>
    expect(findScenario(argument)).toEqual({ file: argument }),
  );

  it('is a file in the working directory if no scenario has the name', () => {
    const folder = mkdtempSync(join(tmpdir(), 'scenarios-'));
    try {
      const file = join(folder, 'mine');
      writeFileSync(file, '{}');
      writeFileSync(join(folder, NAME), '{}');
      expect(findScenario('mine', folder)).toEqual({ file });
      expect(findScenario(NAME, folder)).toEqual({ file: fileOfScenario(NAME) });
      expect(findScenario(`${NAME}.json`, folder)).toEqual({ file: `${NAME}.json` });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('with a mistyped name is refused, and similar names are listed', async () => {
    expect(similarNames('ebs-irsa', scenarioNames())[0]).toBe(NAME);
    await expect(openScenario('ebs-irsa')).rejects.toMatchObject({
      name: 'ScenarioError',
      message: 'ebs-irsa is neither a scenario of this program nor a file in this directory',
      hint: matching(/^Similar scenarios: ebs-csi-irsa\b/),
    });
    await expect(openScenario('zzz')).rejects.toMatchObject({
      hint: matching(/^Name a file, or one of these scenarios: .*ebs-csi-irsa.*$/),
    });
  });
});
