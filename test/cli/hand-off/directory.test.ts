import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDirectory } from '../../../cli/hand-off/directory.ts';
import { errorOf } from '../fixtures.ts';
import { words } from '../../words.ts';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'hand-off-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const put = (path: string, text: string | Buffer): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const paths = (): string[] => readDirectory(folder).map(({ path }) => path);

describe('a directory of Terraform code', () => {
  it('is its own files, without those that Terraform ignores', () => {
    for (const name of ['main.tf', 'b.tf.json', 'a.tf', 'notes.md', '.hidden.tf', 'main.tf~', '#main.tf', 'b.tofu'])
      put(name, '');
    mkdirSync(join(folder, 'folder.tf'));
    put('.terraform/modules/eks/main.tf', '');
    put('other/main.tf', '');
    expect(paths()).toEqual(['a.tf', 'b.tf.json', 'b.tofu', 'main.tf']);
  });

  it('has the values of its variables, and the versions of its providers', () => {
    for (const name of ['main.tf', 'terraform.tfvars', 'a.auto.tfvars.json', '.terraform.lock.hcl', '.hidden.tfvars'])
      put(name, '');
    expect(paths()).toEqual(['.terraform.lock.hcl', 'a.auto.tfvars.json', 'main.tf', 'terraform.tfvars']);
  });

  it('has the modules below it that it names, and those that they name, once', () => {
    put('main.tf', 'module "a" {\n  source = "./modules/a"\n}\nmodule "again" {\n  source = "./modules/a/"\n}\n');
    put('more.tf.json', '{"module": {"b": {"source": "./modules/b"}, "gone": {"source": "./gone"}}}');
    put('modules/a/main.tf', 'module "c" { source = "./c" }\nmodule "up" { source = "../b" }\n');
    put('modules/a/c/main.tf', 'module "outside" { source = "./../../../../x" }\n');
    put('modules/b/main.tf', '');
    put('modules/unused/main.tf', '');
    expect(paths()).toEqual(words`main.tf more.tf.json modules/a/main.tf modules/b/main.tf modules/a/c/main.tf`);
  });

  it('has the files that its code reads by name, if they are below it and are text', () => {
    put('main.tf', 'a = file("${path.module}/a.json")\nb = file("b.json")\nc = file("c.json")\nd = file("d.json")\n');
    put('more.tf', 'e = file("../outside.json")\nf = file("/etc/hosts")\nm = "./m" # file("${path.root}/b.json")\n');
    put('source.tf', 'module "m" {\n  source = "./m"\n}\n');
    put('m/main.tf', 'g = file("${path.module}/policy.json")\n');
    for (const name of ['a.json', 'b.json', 'm/policy.json', 'unused.json']) put(name, '{}');
    put('c.json', Buffer.from([0xff, 0xfe]));
    symlinkSync('/etc/hostname', join(folder, 'gone.json'));
    expect(paths()).toEqual(['main.tf', 'more.tf', 'source.tf', 'm/main.tf', 'a.json', 'b.json', 'm/policy.json']);
  });

  it('is read byte for byte: byte order mark, line ends, and no final newline', () => {
    const text = '\uFEFFresource "a" "b" {\r\n}\r\n# ü';
    put('main.tf', text);
    const [code] = readDirectory(folder);
    expect(code?.text).toBe(text);
    expect(Buffer.from(code?.text ?? '')).toEqual(code?.bytes);
  });

  it('has the permissions of a file, and whether it is a link', () => {
    put('a.tf', '');
    chmodSync(join(folder, 'a.tf'), 0o640);
    symlinkSync('a.tf', join(folder, 'b.tf'));
    expect(readDirectory(folder).map(({ path, mode, isLink }) => ({ path, mode, isLink }))).toEqual([
      { path: 'a.tf', mode: 0o640, isLink: false },
      { path: 'b.tf', mode: 0o640, isLink: true },
    ]);
  });
});

describe('a directory that cannot be read as code', () => {
  const refused = (directory = folder) => errorOf(() => readDirectory(directory));

  it('does not exist', () => {
    const error = refused(join(folder, 'gone'));
    expect(error).toMatchObject({ name: 'CodeDirectory', exitCode: 2 });
    expect(error.message).toMatch(/^--terraform .*gone does not exist$/);
    expect(error.hint).toContain('the one with its *.tf files');
  });

  it('is a file', () => {
    put('main.tf', '');
    expect(refused(join(folder, 'main.tf')).message).toMatch(/main\.tf is not a directory$/);
  });

  it('has no code', () => {
    put('README.md', '');
    put('terraform.tfvars', '');
    expect(refused().message).toMatch(/has no \*\.tf or \*\.tf\.json file$/);
  });

  it('has a file that is not UTF-8', () => {
    put('main.tf', Buffer.from([0x23, 0x20, 0xfc, 0x0a]));
    expect(refused()).toMatchObject({ exitCode: 2 });
    expect(refused().message).toMatch(/main\.tf is not UTF-8, which Terraform requires; nothing was changed$/);
  });

  it('has a file that is too large', () => {
    put('main.tf', Buffer.alloc(2 * 1024 * 1024 + 1, 0x20));
    expect(refused().message).toMatch(/main\.tf is too large: it has 2097153 bytes, and at most 2097152 are read/);
  });

  it('has a link to nothing', () => {
    symlinkSync('gone', join(folder, 'a.tf'));
    expect(refused().message).toMatch(/a\.tf cannot be read: ENOENT/);
  });
});
