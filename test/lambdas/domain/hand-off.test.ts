import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handOffCommands, shellWord } from '../../../lambdas/domain/hand-off.ts';
import type { Snapshot } from '../../../lambdas/domain/model.ts';
import { ADDON, addonArn, anAddon, anAssociation, aSnapshot, ROLE, target, VERSION } from '../fixtures.ts';

const sh = (script: string): string => execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', env: { HOME: '/somewhere', LC_ALL: 'C.UTF-8' } });

/** The arguments that each `aws` of a script would get. */
function argumentsOf(commands: string[]): string[][] {
  const calls = sh(`aws() { printf '%s\\0' "$@"; printf '\\001'; }\n${commands.join('\n')}`).split('\u0001').slice(0, -1);
  return calls.map((call) => call.split('\0').slice(0, -1));
}
const run = (change: Partial<Snapshot>, made?: string[]): string[][] => argumentsOf(handOffCommands(target, aSnapshot(change), made));
const named = (calls: string[][], name: string): string[] | undefined => calls.find((call) => call[1] === name);
/** `--option value` pairs of a call. */
const option = (call: string[] | undefined, name: string): string | undefined => call?.[call.indexOf(name) + 1];

describe('shellWord', () => {
  it('leaves plain words as they are', () => {
    for (const word of ['aws', '--region', ROLE, VERSION, 'a=b,c']) expect(shellWord(word)).toBe(word);
  });
  it('quotes the rest', () => {
    expect(shellWord('')).toBe("''");
    expect(shellWord("it's")).toBe("'it'\\''s'");
    expect(shellWord('$HOME `id` *')).toBe("'$HOME `id` *'");
  });
  it('comes through a shell unchanged', () => {
    const hostile = ["'", "''", '~', '$HOME', '`id`', '$(id)', '\\', '\n', 'a b', '*', '-n', '#x', '!', '{a,b}', '"', ';', '&', '', '\t', '=x', "'; rm -rf /; '"];
    const text = fc.string({ unit: fc.oneof(fc.constantFrom(...`'"\\$\`!*?~#&|;<>(){}[] \n\t=-`.split('')), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })) });
    const words = [...hostile, ...fc.sample(text, { numRuns: 500, seed: 7 }).map((word) => word.replaceAll('\0', ''))];
    expect(sh(`printf '%s\\0' ${words.map(shellWord).join(' ')}`).split('\0').slice(0, -1)).toEqual(words);
  });
});

describe('handOffCommands', () => {
  it('looks, removes with preserve, creates as it was and waits, in this order', () => {
    const calls = run({});
    expect(calls.map((call) => call.slice(0, call[1] === 'wait' ? 3 : 2).join(' '))).toEqual(['eks describe-addon', 'eks delete-addon', 'eks wait addon-deleted', 'eks list-pod-identity-associations', 'eks create-addon', 'eks wait addon-active']);
    for (const call of calls) expect([option(call, '--region'), option(call, '--cluster-name')]).toEqual([target.region, target.cluster]);
    for (const call of calls.filter((one) => one[1] !== 'list-pod-identity-associations')) expect(option(call, '--addon-name')).toBe(ADDON);
    expect(calls[1]).toContain('--preserve');
  });

  it('deletes what the migration made before the add-on is created again', () => {
    const calls = run({}, ['a-made0000000000001']).map((call) => call.slice(0, 2).join(' '));
    expect(calls.indexOf('eks delete-pod-identity-association')).toBeGreaterThan(calls.indexOf('eks delete-addon'));
    expect(calls.indexOf('eks delete-pod-identity-association')).toBeLessThan(calls.indexOf('eks create-addon'));
    expect(option(named(run({}, ['a-made0000000000001']), 'delete-pod-identity-association'), '--association-id')).toBe('a-made0000000000001');
  });

  it('creates with version, role, raw configuration, namespace and tags', () => {
    const configurationValues = `{"note": "it's \\"raw\\" $HOME"}\n# a comment\n`;
    const create = named(run({ addon: anAddon({ configurationValues, namespace: 'storage', tags: { team: "o'hara & co" } }) }), 'create-addon');
    expect(option(create, '--addon-version')).toBe(VERSION);
    expect(option(create, '--service-account-role-arn')).toBe(ROLE);
    expect(option(create, '--configuration-values')).toBe(configurationValues);
    expect(option(create, '--namespace-config')).toBe('namespace=storage');
    expect(JSON.parse(option(create, '--tags') ?? '')).toEqual({ team: "o'hara & co" });
    expect(option(create, '--resolve-conflicts')).toBe('OVERWRITE');
  });

  it('leaves out what it did not have', () => {
    const create = named(run({ addon: anAddon({ configurationValues: undefined, serviceAccountRoleArn: undefined, tags: {} }) }), 'create-addon') ?? [];
    expect(create.filter((word) => word.startsWith('--'))).toEqual(['--region', '--cluster-name', '--addon-name', '--addon-version', '--resolve-conflicts']);
  });

  it('brings owned associations back with the add-on and stand-alone ones after it', () => {
    const calls = run({ associations: [anAssociation({ id: 'a-1', ownerArn: addonArn(1), serviceAccount: 'owned-sa' }), anAssociation({ id: 'a-2' })] });
    expect(option(named(calls, 'create-addon'), '--pod-identity-associations')).toBe(`serviceAccount=owned-sa,roleArn=${ROLE}`);
    const last = calls.at(-1);
    expect(last?.slice(0, 2)).toEqual(['eks', 'create-pod-identity-association']);
    expect([option(last, '--namespace'), option(last, '--service-account'), option(last, '--role-arn')]).toEqual(['kube-system', 'ebs-csi-controller-sa', ROLE]);
  });
});
