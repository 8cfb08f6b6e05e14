/**
 * Writes the templates of deployments that differ in what they are made of, for cfn-lint: `node
 * test/lib/write-templates.ts FOLDER [CONFIGURATION...]`, by the names of `CONFIGURATIONS`; all where none is named. It
 * prints the path of each template.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIGURATIONS } from './configurations.ts';
import { withApp } from './synthesised.ts';

const [folder, ...names] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name the folder to write to: node test/lib/write-templates.ts FOLDER.');
for (const name of names.length > 0 ? names : Object.keys(CONFIGURATIONS)) {
  const { [name]: configuration } = CONFIGURATIONS;
  if (!configuration)
    throw new Error(`There is no configuration ${name}. There are: ${Object.keys(CONFIGURATIONS).join('; ')}.`);
  withApp(configuration, (app) => {
    for (const { stackName, template } of app.synth().stacks) {
      const path = join(folder, `${stackName}-${name.replaceAll(/\W+/g, '-')}.template.json`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, `${JSON.stringify(template)}\n`);
      process.stdout.write(`${path}\n`);
    }
  });
}
