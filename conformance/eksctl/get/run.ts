/** Compares what eksctl prints with the state of the world, and with what the service reads of it. */
import { parse } from 'yaml';
import { fileOfScenario } from '../../../cli/scenarios.ts';
import { portsOf } from '../../../lambdas/runtime/wiring.ts';
import { readScenario } from '../../../sandbox/build/load.ts';
import { compareFacts } from '../../kubernetes/scenarios/compare.ts';
import type { Difference } from '../../reasons.ts';
import { openPeer, type Peer, type Ran } from '../driver.ts';
import { clusterOf } from '../measure.ts';
import { errorsOf, migrationArguments, untilSettled } from '../peer-run.ts';
import { type Reading, readingsOf, type Refusal, refusalsOf } from './commands.ts';
import { fieldsOf, type FieldFacts, under } from './facts.ts';
import { serviceFacts } from './service.ts';
import { rowsOf } from './table.ts';

/** What was compared in one scenario. */
export interface GetResult {
  scenario: string;
  /** The number of commands that were run, and of facts that they printed. */
  commands: number;
  facts: number;
  /** What differs, with the moment. */
  differences: (Difference & { where: string })[];
}

/** How eksctl prints a document. */
const FORMATS = ['json', 'yaml', 'table'] as const;
type Format = (typeof FORMATS)[number];

/** The world's time goes on while eksctl runs: a command is repeated if what it shows has changed meanwhile. */
const MOST_TRIES = 5;

/** A warning of eksctl's log. */
const WARNING = /\[!\] +(.*)$/;

const UNPARSED = 'not readable';

const withoutLog = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[/.test(line))
    .join('\n');

/** Returns a row of a table as a document: the first column names it, and a region if it has one. */
const namedRow = (row: Record<string, string>): object => {
  const { REGION: region } = row;
  return { Name: Object.values(row)[0], ...(region === undefined ? {} : { Region: region }), ...row };
};

const documentOf = ({ stdout }: Ran, format: Format): unknown => {
  try {
    if (format === 'json') return JSON.parse(stdout);
    return format === 'yaml' ? parse(withoutLog(stdout)) : rowsOf(stdout).map(namedRow);
  } catch {
    return UNPARSED;
  }
};

/** Returns how a command ended, apart from what it printed. */
const endOf = (ran: Ran): FieldFacts => {
  const warnings = `${ran.stdout}\n${ran.stderr}`.split('\n').flatMap((line) => WARNING.exec(line)?.[1] ?? []);
  const refused = ran.calls.flatMap(({ service, operation, error }) =>
    error === undefined ? [] : [`${service}:${operation} ${error}`],
  );
  return new Map([
    ['exit code', String(ran.exitCode)],
    ['errors', [...errorsOf(ran), ...warnings].join('; ')],
    ['refused calls', refused.join(', ')],
  ]);
};

const ENDS_WELL: FieldFacts = new Map([
  ['exit code', '0'],
  ['errors', ''],
  ['refused calls', ''],
]);

/** Returns the fields that a format must show. */
const requiredOf = (reading: Reading, format: Format): FieldFacts =>
  fieldsOf(format === 'table' ? reading.rows().map(namedRow) : reading.document());

interface Compared {
  facts: number;
  commands: number;
  differences: Difference[];
}

const compareReading = async (peer: Peer, reading: Reading, format: Format): Promise<Compared> => {
  for (let tries = 1; ; tries += 1) {
    const required = requiredOf(reading, format);
    const ran = await peer.run([...reading.args, '--output', format]);
    const changed = compareFacts(required, requiredOf(reading, format)).length > 0;
    if (changed && tries < MOST_TRIES) continue;
    const word = `${reading.title}${format === 'json' ? '' : ` as ${format}`}`;
    const real = under(word, new Map([...endOf(ran), ...fieldsOf(documentOf(ran, format))]));
    const differences = compareFacts(under(word, new Map([...ENDS_WELL, ...required])), real);
    return { commands: tries, facts: real.size, differences };
  }
};

const compareRefusal = async (peer: Peer, { title, args, error }: Refusal): Promise<Compared> => {
  const ran = await peer.run(args);
  const [, ...others] = endOf(ran);
  const real = under(title, new Map([['exit code', String(ran.exitCode)], ...others.slice(0, 1)]));
  const required = under(
    title,
    new Map([
      ['exit code', '1'],
      ['errors', error],
    ]),
  );
  return { commands: 1, facts: real.size, differences: compareFacts(required, real) };
};

/** The commands that show what the service reads too. */
const READ_BY_SERVICE: ReadonlySet<string> = new Set(['get cluster --name', 'get addon', 'get podidentityassociation']);

/** Its lists, of which the service must read every element. */
const READ_LISTS = /(?::| PodIdentityAssociations| Issues) names$/;

/** Compares what the service reads of the cluster with the same fields of what eksctl prints. */
const compareService = async (peer: Peer): Promise<Compared> => {
  const { sandbox } = peer.backend;
  const own = await serviceFacts(portsOf(sandbox.clients(), peer.target).eks);
  const real: FieldFacts = new Map();
  const readings = readingsOf(sandbox.world, clusterOf(sandbox, peer.target)).filter(({ title }) =>
    READ_BY_SERVICE.has(title),
  );
  for (const { title, args } of readings) {
    const printed = under(title, fieldsOf(documentOf(await peer.run([...args, '--output', 'json']), 'json')));
    for (const [name, value] of printed) if (own.has(name) || READ_LISTS.test(name)) real.set(name, value);
  }
  return {
    commands: readings.length,
    facts: own.size,
    differences: compareFacts(own, real).map((one) => ({ ...one, what: `${one.what}, read by the service` })),
  };
};

/** Compares everything that can be asked at one moment. */
const compareMoment = async (peer: Peer): Promise<Compared> => {
  const { sandbox } = peer.backend;
  const cluster = clusterOf(sandbox, peer.target);
  const all: Compared[] = [];
  for (const reading of readingsOf(sandbox.world, cluster))
    for (const format of FORMATS) all.push(await compareReading(peer, reading, format));
  for (const refusal of refusalsOf(cluster)) all.push(await compareRefusal(peer, refusal));
  all.push(await compareService(peer));
  return {
    commands: all.reduce((sum, { commands }) => sum + commands, 0),
    facts: all.reduce((sum, { facts }) => sum + facts, 0),
    differences: all.flatMap(({ differences }) => differences),
  };
};

/** Compares a scenario as it begins, and again once EKS has done what eksctl's own migration asked it to. */
export const compareScenario = async (name: string): Promise<GetResult> => {
  const peer = await openPeer(await readScenario(fileOfScenario(name)));
  try {
    const before = await compareMoment(peer);
    await peer.run(migrationArguments(peer.target));
    await untilSettled(peer);
    const after = await compareMoment(peer);
    const placed = (moment: string, { differences }: Compared) =>
      differences.map((one) => ({ ...one, where: `${name}, ${moment}` }));
    return {
      scenario: name,
      commands: before.commands + after.commands,
      facts: before.facts + after.facts,
      differences: [...placed('as it begins', before), ...placed("after eksctl's migration", after)],
    };
  } finally {
    await peer.close();
  }
};
