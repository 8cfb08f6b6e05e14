import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSettingsFile } from '../../../lambdas/adapters/settings-file.ts';
import { anError } from '../matchers.ts';

const scratch = mkdtempSync(join(tmpdir(), 'settings-file-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const file = join(scratch, 'settings.json');
const readText = (text: string): unknown => {
  writeFileSync(file, text);
  return readSettingsFile(file);
};
const read = (settings: object): unknown => readText(JSON.stringify(settings));

const LEAST = { accounts: [], passableRoleArns: ['role/eks-addons/*'] };

describe('the settings file of a function', () => {
  it('has at least accounts and passable roles', () => expect(read(LEAST)).toEqual(LEAST));

  it('may have repairable roles, regions and a change window', () => {
    const all = {
      accounts: ['444455556666'],
      passableRoleArns: ['role/a', 'arn:aws:iam::111122223333:role/b'],
      repairableRoleArns: ['role/a'],
      regions: ['eu-west-1'],
      changeWindow: { schedule: '0 22 * * SUN', durationMinutes: 240, timeZone: 'UTC', waitAtMostHours: 24 },
    };
    expect(read(all)).toEqual(all);
  });

  it.each([
    ['is not JSON', '{'],
    ['is invalid: passableRoleArns', JSON.stringify({ accounts: [] })],
    ['is invalid: passableRoleArns', JSON.stringify({ ...LEAST, passableRoleArns: [] })],
    ['is invalid: accounts', JSON.stringify({ ...LEAST, accounts: '444455556666' })],
    ['is invalid: changeWindow.schedule', JSON.stringify({ ...LEAST, changeWindow: { schedule: 7 } })],
    ['is invalid: it', JSON.stringify({ ...LEAST, bucket: 'x' })],
    ['is invalid: it', '[]'],
  ])('that %s is refused, with its path and what to do: %s', (problem, text) => {
    const refusal = expect.objectContaining(
      anError(
        'BadInput',
        new RegExp(`^The settings file \\S+/settings\\.json of this function ${problem}.*Deploy the service again`),
      ),
    ) as Error;
    expect(() => readText(text)).toThrow(refusal);
  });

  it('that is not there is refused', () =>
    expect(() => readSettingsFile(join(scratch, 'none.json'))).toThrow(
      /none\.json of this function cannot be read \(ENOENT\)/,
    ));
});
