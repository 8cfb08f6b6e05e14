/** `npm run conformance -- cloudformation`: the templates with cfn-lint, and their stacks in moto and in the sandbox. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Print } from '../build/build.ts';
import { printTo } from '../build/print.ts';
import { pythonEnvironment, type PythonEnvironment } from '../build/python.ts';
import { keepPartResults, type PlacedDifference, unexplained, writeWholeResults } from '../part-results.ts';
import { Explainer } from '../reasons.ts';
import { type Order, readOrder } from './arguments.ts';
import { lint } from './lint.ts';
import { NOT_CREATED } from './not-created.ts';
import { REASONS } from './reasons.ts';
import { compareDeployments } from './run.ts';
import { type Deployment, TemplateError, writeAssemblies } from './templates.ts';

/** cfn-lint takes up to ten seconds for a template, and moto has the other processor. */
const lintAll = async (
  { bin }: PythonEnvironment,
  deployments: readonly Deployment[],
  onTemplate: (where: string, found: number) => void,
): Promise<PlacedDifference[]> => {
  const found: PlacedDifference[] = [];
  for (const { name, templates } of deployments)
    for (const template of templates) {
      const where = `${name}: ${basename(template, '.template.json')}`;
      const findings = await lint(bin('cfn-lint'), template);
      found.push(...findings.map((finding) => ({ where, ...finding })));
      onTemplate(where, findings.length);
    }
  return found;
};

const shown = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text);

/** Returns the last line: what to do next. */
const nextLine = (open: readonly PlacedDifference[], unused: readonly string[]): string => {
  const [first] = open;
  if (first)
    return `${open.length} differences have no reason. Correct lib or sandbox/assembly, or add a reason to conformance/cloudformation/reasons.ts. One deployment again: npm run conformance -- cloudformation --only ${first.where.split(':')[0] ?? ''}`;
  if (unused.length > 0)
    return `${unused.length} entries explain nothing anymore. Remove them from conformance/cloudformation/reasons.ts or not-created.ts.`;
  return 'Every difference has a reason. Nothing to do.';
};

const compare = async (order: Order, folder: string, print: Print): Promise<number> => {
  const environment = await pythonEnvironment(
    { name: 'cloudformation', requirements: join(import.meta.dirname, 'requirements.txt') },
    print,
  );
  const started = Date.now();
  print('Synthesizing the deployments', true);
  const deployments = await writeAssemblies(folder, order.names);
  const templates = deployments.flatMap((one) => one.templates).length;
  const line = (where: string, text: string, differs: boolean): void => {
    if (differs || !order.brief) console.log(`${where}: ${text}`);
    else print(`${where}: ${text}`, true);
  };
  const [findings, stacks] = await Promise.all([
    order.lint
      ? lintAll(environment, deployments, (where, found) => line(where, `cfn-lint: ${found} findings`, found > 0))
      : [],
    order.moto ? compareDeployments(environment.python, deployments, line) : undefined,
  ]);
  const explainer = new Explainer(REASONS);
  const differences = [...findings, ...(stacks?.differences ?? [])].map((one) => explainer.explain(one.where, one));
  const open = unexplained(differences);
  for (const { where, what, real, sandbox } of open)
    console.log(`${where}: ${what}\n  real:    ${shown(real)}\n  project: ${shown(sandbox)}`);
  const unused = order.whole ? [...explainer.unused(), ...(stacks?.unusedTypes ?? [])] : [];
  for (const one of unused) console.log(`explains nothing: ${one}`);
  const counts = {
    deployments: deployments.length,
    ...(order.lint ? { 'templates checked': templates } : {}),
    ...stacks?.counts,
  };
  console.log(
    Object.entries({ ...counts, 'accepted differences': differences.length - open.length, differences: open.length })
      .map(([what, count]) => `${count} ${what}`)
      .join(', '),
  );
  const found = {
    programs: { 'cfn-lint': environment.versionOf('cfn-lint'), moto: environment.versionOf('moto') },
    counts,
    differences,
    seconds: (Date.now() - started) / 1000,
  };
  writeWholeResults('cloudformation', { ...found, unused });
  if (order.whole && open.length === 0 && unused.length === 0)
    keepPartResults({
      part: 'cloudformation',
      ...found,
      notRun: Object.entries(NOT_CREATED).map(([type, { reason }]) => ({ what: `creation of ${type}`, why: reason })),
    });
  console.log(nextLine(open, unused));
  return open.length === 0 && unused.length === 0 ? 0 : 1;
};

/** Runs the part, and returns the exit code. Throws a BuildError if Python or a package is missing. */
export const run = async (args: readonly string[]): Promise<number> => {
  const order = readOrder(args);
  const folder = mkdtempSync(join(tmpdir(), 'conformance-cloudformation-'));
  try {
    return await compare(order, folder, printTo(process.stderr));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    console.error(error.message);
    if (error.unusable) return 2;
    console.error('The deployments could not be synthesized. Run: npm test -- test/lib');
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
