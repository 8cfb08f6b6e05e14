/** What a build of the control plane requires and explains: Go's version, its output, its failures. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  argumentsOf,
  failureText,
  keyOf,
  NO_PROGRESS,
  problemWithGo,
  requiredGo,
  withLine,
} from '../../../conformance/build/go.ts';
import { goModFor } from '../../../conformance/kubernetes/build/kubernetes-module.ts';
import { printTo } from '../../../conformance/build/print.ts';
import { KUBERNETES_VERSIONS, programsOf } from '../../../conformance/kubernetes/build/tools.ts';

const programs = KUBERNETES_VERSIONS.flatMap((version) => Object.values(programsOf(version)));
const apiServer = programsOf('1.35').apiServer;

describe('the programs', () => {
  it.each(programs)('$name $release is a tool of its module, in that release', ({ module, package: name, release }) => {
    const goMod = readFileSync(join(module, 'go.mod'), 'utf8');
    expect(existsSync(join(module, 'go.sum'))).toBe(true);
    expect(goMod).toMatch(new RegExp(`^(tool )?\\s*${name}$`, 'm'));
    const required = [...goMod.matchAll(/^\s*(?:require )?(\S+) (v\S+)/gm)].find(([, path]) =>
      `${name}/`.startsWith(`${path}/`),
    );
    expect(required?.[2]).toBe(`v${release}`);
  });

  it.each(programs.filter(({ package: name }) => name.startsWith('k8s.io/')))(
    'the modules of $name $release are all of that release',
    ({ module, release }) => {
      const goMod = readFileSync(join(module, 'go.mod'), 'utf8');
      const replaced = [...goMod.matchAll(/^\s*(k8s\.io\/\S+) => (\S+) (\S+)/gm)];
      expect(replaced.length).toBeGreaterThan(20);
      for (const [, path, target, version] of replaced) {
        expect([target, version]).toEqual([path, `v0.${release.slice('1.'.length)}`]);
      }
    },
  );

  it('share etcd and KWOK, and nothing else', () =>
    expect(new Set(programs.map(({ path }) => path)).size).toBe(2 + 3 * KUBERNETES_VERSIONS.length));
});

describe('the module of a new version', () => {
  it('replaces what Kubernetes develops in its own repository, and nothing else', () => {
    const goMod = [
      'require (',
      '\tk8s.io/api v0.0.0',
      '\tk8s.io/kube-openapi v0.0.0-20250910181357-589584f1c912',
      ')',
      'replace (',
      '\tk8s.io/client-go => ./staging/src/k8s.io/client-go',
      '\tk8s.io/api => ./staging/src/k8s.io/api',
      ')',
    ].join('\n');
    const text = goModFor('1.36.2', goMod);
    expect(text).toContain('\nrequire k8s.io/kubernetes v1.36.2\n');
    expect(text).toContain(
      '\nreplace (\n\tk8s.io/api => k8s.io/api v0.36.2\n\tk8s.io/client-go => k8s.io/client-go v0.36.2\n)\n',
    );
  });

  it.each(programs.filter(({ package: name }) => name.startsWith('k8s.io/')))(
    'has $name as a tool',
    ({ package: name }) => expect(goModFor('1.36.2', '')).toContain(`\n\t${name}\n`),
  );
});

describe('Go', () => {
  it('is required in the newest version that a module asks for', () =>
    expect(requiredGo(['module a\n\ngo 1.26.0\n', 'module b\n\ngo 1.9\n'])).toBe('1.26'));

  it.each(['go1.26', 'go1.26.8', 'go1.30.1', 'go2.0', 'devel go1.28-a1b2c3'])('%s builds them', (found) =>
    expect(problemWithGo(found, '1.26')).toBeUndefined(),
  );

  it.each([
    ['go1.25.9', '"go" in PATH is 1.25.9'],
    ['go1.9', '"go" in PATH is 1.9'],
    [undefined, 'no program "go" in PATH'],
  ])('%s does not', (found, problem) => {
    const text = problemWithGo(found, '1.26');
    for (const part of [problem, 'Go 1.26 or newer']) expect(text).toContain(part);
    expect(text?.split('\n').at(-1)).toMatch(/^Install it from https:\/\/go\.dev\/dl/);
  });
});

describe('what a built program depends on', () => {
  const key = keyOf(apiServer, 'mod', 'sum');
  it.each([
    ['go.mod', keyOf(apiServer, 'mod2', 'sum')],
    ['go.sum', keyOf(apiServer, 'mod', 'sum2')],
    ['the boundary between them', keyOf(apiServer, 'mods', 'um')],
    ['a source of its own', keyOf(apiServer, 'mod', 'sum', ['package main'])],
    ['the version that it reports', keyOf({ ...apiServer, variables: {} }, 'mod', 'sum')],
  ])('%s', (_, other) => expect(other).not.toBe(key));

  it('not the directory of the project', () =>
    expect(keyOf({ ...apiServer, path: '/elsewhere/kube-apiserver', module: '/elsewhere' }, 'mod', 'sum')).toBe(key));

  it('is what the API server reports at /version', () =>
    expect(argumentsOf(apiServer, 'out').join(' ')).toContain('-X k8s.io/component-base/version.gitVersion=v1.35.4'));
});

describe('the output of go build', () => {
  const after = (...lines: string[]) => lines.reduce(withLine, NO_PROGRESS);

  it('is counted', () => {
    const lines = ['go: downloading k8s.io/api v0.35.4', 'internal/goarch', 'k8s.io/api/core/v1', ''];
    expect(after(...lines)).toEqual({ downloaded: 1, compiled: 2, messages: [] });
  });

  it('keeps the last lines that are messages', () => {
    const { messages } = after(...Array.from({ length: 40 }, (_, index) => `problem number ${index}`), 'a/package');
    expect(messages).toHaveLength(15);
    expect(messages.at(-1)).toBe('problem number 39');
  });

  it.each([
    ['go: k8s.io/api@v0.35.4: Get "https://proxy/k8s.io": dial tcp: lookup proxy: no such host', 'go env GOPROXY'],
    ['reading https://proxy/k8s.io/api/@v/v0.35.4.zip: 403 Forbidden', 'go env GOPROXY'],
    ['/usr/local/go/pkg/tool/linux_amd64/link: signal: killed', 'out of memory'],
    ['write $WORK/b001/_pkg_.a: no space left on device', 'Free about 8 GB'],
    ['verifying module: checksum mismatch', 'do not use it'],
    ['main.go:1:1: undefined: x', 'Run this command'],
  ])('explains %s', (line, remedy) => {
    const text = failureText(apiServer, '/b/kube-apiserver', 'ended with exit code 1', after(line));
    const lines = text.split('\n');
    expect(lines[0]).toBe('Building kube-apiserver 1.35.4 failed: go build ended with exit code 1.');
    expect(lines[1]).toBe(line);
    expect(text).toContain('cd conformance/kubernetes/tools/kubernetes-1.35 && CGO_ENABLED=0');
    expect(lines.at(-1)).toContain(remedy);
  });
});

describe('progress', () => {
  const written = (isTTY: boolean, times: number[]): string => {
    const texts: string[] = [];
    const write = (text: string) => texts.push(text) > 0;
    const stream = { isTTY, columns: 12, write } as unknown as NodeJS.WriteStream;
    const print = printTo(stream, () => times.shift() ?? 0);
    print('building');
    print('building, 1 package', true);
    print('building, 2 packages', true);
    print('built');
    return texts.join('');
  };

  it('replaces transient lines on a terminal, without a line break', () =>
    expect(written(true, [])).toBe('\r\u001b[Kbuilding\n\r\u001b[Kbuilding, 1\r\u001b[Kbuilding, 2\r\u001b[Kbuilt\n'));

  it('prints few of them elsewhere', () =>
    expect(written(false, [0, 0, 10_000, 45_000, 45_000, 50_000])).toBe('building\nbuilding, 2 packages\nbuilt\n'));
});
