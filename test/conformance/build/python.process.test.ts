/** Creates Python environments with the machine's own Python, from lists that download nothing. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BuildError } from '../../../conformance/build/go.ts';
import { pythonEnvironment } from '../../../conformance/build/python.ts';

let root: string;
let requirements: string;
const printed: string[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'python-test-'));
  requirements = join(root, 'requirements.txt');
  printed.length = 0;
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  vi.unstubAllEnvs();
});
const environment = (): ReturnType<typeof pythonEnvironment> =>
  pythonEnvironment({ name: 'test', requirements }, (line) => void printed.push(line), join(root, 'builds'));

describe('a Python environment', () => {
  it('is created once, and again after its list has changed, and is not complete if a package cannot be installed', async () => {
    writeFileSync(requirements, '# Nothing.\n');
    const { python, bin } = await environment();
    expect([printed[0], bin('python')]).toEqual(['Installing 0 Python packages for test', python]);
    const created = (): number => statSync(join(root, 'builds/python-test/pyvenv.cfg')).mtimeMs;
    const first = created();
    await environment();
    expect(created()).toBe(first);

    // No index, so that no package is found.
    vi.stubEnv('PIP_NO_INDEX', '1');
    vi.stubEnv('PIP_FIND_LINKS', root);
    writeFileSync(requirements, 'moto==5.2.5\n');
    const error: unknown = await environment().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BuildError);
    expect(String(error)).toMatch(/ended with exit code 1\.[^]*run the command again\.$/);
    expect(existsSync(join(root, 'builds/python-test/.installed'))).toBe(false);
  });

  it('needs a Python', async () => {
    writeFileSync(requirements, '# Nothing.\n');
    vi.stubEnv('PATH', root);
    await expect(environment()).rejects.toThrow('there is none in PATH');
  });
});
