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
const run = (change: Partial<Snapshot>): string[][] => argumentsOf(handOffCommands(target, aSnapshot(change)));
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
    expect(calls.map((call) => call.slice(0, call[1] === 'wait' ? 3 : 2).join(' '))).toEqual(['eks describe-addon', 'eks delete-addon', 'eks wait addon-deleted', 'eks create-addon', 'eks wait addon-active']);
    for (const call of calls) expect([option(call, '--region'), option(call, '--cluster-name'), option(call, '--addon-name')]).toEqual([target.region, target.cluster, ADDON]);
    expect(calls[1]).toContain('--preserve');
  });

  it('creates with version, role, raw configuration, namespace and tags', () => {
    const configurationValues = `{"note": "it's \\"raw\\" $HOME"}\n# a comment\n`;
    const create = run({ addon: anAddon({ configurationValues, namespace: 'storage', tags: { team: "o'hara & co" } }) })[3];
    expect(option(create, '--addon-version')).toBe(VERSION);
    expect(option(create, '--service-account-role-arn')).toBe(ROLE);
    expect(option(create, '--configuration-values')).toBe(configurationValues);
    expect(option(create, '--namespace-config')).toBe('namespace=storage');
    expect(JSON.parse(option(create, '--tags') ?? '')).toEqual({ team: "o'hara & co" });
    expect(option(create, '--resolve-conflicts')).toBe('OVERWRITE');
  });

  it('leaves out what it did not have', () => {
    const create = run({ addon: anAddon({ configurationValues: undefined, serviceAccountRoleArn: undefined, tags: {} }) })[3] ?? [];
    expect(create.filter((word) => word.startsWith('--'))).toEqual(['--region', '--cluster-name', '--addon-name', '--addon-version', '--resolve-conflicts']);
  });

  it('brings owned associations back with the add-on and stand-alone ones after it', () => {
    const calls = run({ associations: [anAssociation({ id: 'a-1', ownerArn: addonArn(1), serviceAccount: 'owned-sa' }), anAssociation({ id: 'a-2' })] });
    expect(option(calls[3], '--pod-identity-associations')).toBe(`serviceAccount=owned-sa,roleArn=${ROLE}`);
    expect(calls).toHaveLength(6);
    expect(calls[5]?.slice(0, 2)).toEqual(['eks', 'create-pod-identity-association']);
    expect([option(calls[5], '--namespace'), option(calls[5], '--service-account'), option(calls[5], '--role-arn')]).toEqual(['kube-system', 'ebs-csi-controller-sa', ROLE]);
  });
});
