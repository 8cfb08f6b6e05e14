/**
 * Writes the templates of deployments that differ in what they are made of, for tools that read templates: `node
 * test/lib/write-templates.ts FOLDER [CONFIGURATION...]`, by the names of `CONFIGURATIONS` or by those of its files; all
 * where none is named. It prints the path of each template. With `--assemblies`, it writes a folder with the whole cloud
 * assembly of each instead, without the assets.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONFIGURATIONS } from './configurations.ts';
import { type Configuration, withApp } from './synthesised.ts';

const fileName = (name: string): string => name.replaceAll(/\W+/g, '-');

/** Returns the paths of the templates that it has written. */
const write = (folder: string, name: string, configuration: Configuration, assemblies: boolean): string[] =>
  withApp(configuration, (app, outdir) => {
    const { stacks } = app.synth();
    const to = assemblies ? join(folder, fileName(name)) : folder;
    mkdirSync(to, { recursive: true });
    if (assemblies) cpSync(outdir, to, { recursive: true });
    return stacks.map(({ stackName, templateFile, template }) => {
      if (assemblies) return join(to, templateFile);
      const path = join(to, `${stackName}-${fileName(name)}.template.json`);
      writeFileSync(path, `${JSON.stringify(template)}\n`);
      return path;
    });
  });

const {
  positionals: [folder, ...names],
  values: { assemblies = false },
} = parseArgs({ allowPositionals: true, options: { assemblies: { type: 'boolean' } } });
const all = Object.entries(CONFIGURATIONS);
const unknown = names.find((name) => !all.some(([known]) => known === name || fileName(known) === name));
if (folder === undefined || unknown !== undefined) {
  const problem = folder === undefined ? 'No folder is named' : `There is no configuration ${unknown ?? ''}`;
  process.stderr.write(
    `${problem}.\nUse: node test/lib/write-templates.ts FOLDER [${all.map(([name]) => fileName(name)).join(' | ')}]\n`,
  );
  process.exitCode = 2;
} else
  for (const [name, configuration] of all)
    if (names.length === 0 || names.includes(name) || names.includes(fileName(name)))
      for (const path of write(folder, name, configuration, assemblies)) process.stdout.write(`${path}\n`);
