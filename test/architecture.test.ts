/** Imports point in one direction, and files stay small: checked on the import lines of every source file. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { words } from './words.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDERS = ['bin', 'lib', 'lambdas', 'cli', 'sandbox', 'scripts', 'test', 'bench', 'conformance'];

const filesUnder = (folder: string): string[] => {
  try {
    return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
};

/** `import`, `export … from` and `import()`: relative ones as paths from the project's root, others unchanged. */
function importsOf(file: string, text: string): string[] {
  const specifiers = [
    ...text.matchAll(/(?:^(?:import|export|\})[^'"\n;]*?from\s*|^import\s*|\bimport\()['"]([^'"\n]+)['"]/gm),
  ].map((match) => match[1]!);
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier,
  );
}

interface Source {
  file: string;
  text: string;
  imports: string[];
}
// Without this file, whose samples resemble imports.
const sources: Source[] = FOLDERS.flatMap(filesUnder)
  .filter((file) => file !== 'test/architecture.test.ts')
  .map((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return { file, text, imports: importsOf(file, text) };
  });
const isLocal = (imported: string): boolean => FOLDERS.some((folder) => imported.startsWith(`${folder}/`));

/** Returns the files that are part of a circle of imports, or between two circles. Type imports count too. */
function inCircles(all: readonly Pick<Source, 'file' | 'imports'>[]): string[] {
  const known = new Set(all.map(({ file }) => file));
  let edges = all.flatMap(({ file, imports }) =>
    imports.filter((one) => known.has(one)).map((one) => [file, one] as const),
  );
  for (;;) {
    const importing = new Set(edges.map(([file]) => file));
    const imported = new Set(edges.map(([, one]) => one));
    // A file that imports nothing, or that nothing imports, is in no circle.
    const left = edges.filter(([file, one]) => imported.has(file) && importing.has(one));
    if (left.length === edges.length) return [...importing].toSorted();
    edges = left;
  }
}

/** Returns the entries of a folder, which are folders and loose files, with the other entries that each imports. */
const foldersIn = (root: string, all: readonly Pick<Source, 'file' | 'imports'>[]): typeof all => {
  const entryOf = (file: string): string[] =>
    file.startsWith(`${root}/`) ? [file.split('/')[root.split('/').length]!] : [];
  return all.flatMap(({ file, imports }) =>
    entryOf(file).map((entry) => ({
      file: entry,
      imports: imports.flatMap(entryOf).filter((other) => other !== entry),
    })),
  );
};

interface Rule {
  from: RegExp;
  /** Files of the project that these may import. */
  files: RegExp;
  /** Packages that these may import; any package if absent. */
  packages?: RegExp;
}
const STEPS = 'lambdas/steps/[\\w-]+';
/** `aws-lambda` contains only types. */
const NO_AWS = /^(?!@aws-sdk\/|@smithy\/|aws-cdk)/;

const rules: [string, Rule][] = [
  [
    'domain imports nothing outside it',
    {
      from: /^lambdas\/domain\//,
      files: /^lambdas\/domain\//,
      packages: /^(zod|yaml|croner|@cfworker\/json-schema|node:crypto)$/,
    },
  ],
  ['ports import only the domain', { from: /^lambdas\/ports\//, files: /^lambdas\/(domain|ports)\//, packages: /^$/ }],
  ['adapters implement ports', { from: /^lambdas\/adapters\//, files: /^lambdas\/(domain|ports|adapters)\// }],
  [
    "the report's page imports only the domain",
    { from: /^lambdas\/report-page\//, files: /^lambdas\/(domain|report-page)\//, packages: /^node:(crypto|fs)$/ },
  ],
  [
    'the runtime does not depend on AWS or on a use case',
    {
      from: /^lambdas\/runtime\/(?!wiring|callers|lambda\.ts)/,
      files: /^lambdas\/(domain|ports|runtime)\//,
      packages: NO_AWS,
    },
  ],
  [
    'use cases depend on ports and the domain',
    {
      from: /^lambdas\/use-cases\//,
      files: /^lambdas\/(domain|ports|report-page|use-cases|runtime\/(cancellation|failures|retry|utc)\.ts)/,
      packages: /^(zod|node:(crypto|util))$/,
    },
  ],
  [
    'only the wiring imports adapters',
    { from: /^lambdas\/runtime\/(wiring|callers|lambda)\.ts/, files: /^lambdas\/(domain|ports|adapters|runtime)\// },
  ],
  [
    "a step's schema is data",
    {
      from: new RegExp(`^${STEPS}/schema\\.ts`),
      files: /^lambdas\/(domain\/|runtime\/step(-settings)?\.ts|api\/proxy\.ts)/,
      packages: /^zod$/,
    },
  ],
  [
    'a handler depends on ports and the domain',
    {
      from: new RegExp(`^${STEPS}/handler\\.ts`),
      files: /^lambdas\/(domain|ports|api|use-cases|runtime\/(?!wiring|lambda\.ts)|steps\/[\w-]+\/schema\.ts)/,
      packages: /^zod$/,
    },
  ],
  [
    'the API depends on ports and the domain',
    {
      from: /^lambdas\/api\//,
      files: /^lambdas\/(domain|ports|api|use-cases|runtime\/(?!wiring|lambda\.ts|handler\.ts))/,
      packages: /^(zod|@middy\/http-router|aws-lambda)$/,
    },
  ],
  [
    'the registries hold steps',
    { from: /^lambdas\/steps\/\w+\.ts/, files: /^lambdas\/(steps|runtime\/step\.ts)/, packages: /^$/ },
  ],
  ['the CDK app builds on the Lambdas', { from: /^lib\//, files: /^(lib|lambdas)\// }],
  [
    "the sandbox's assembly reads templates",
    {
      from: /^sandbox\/assembly\//,
      files: /^(sandbox\/(assembly\/|function-arn\.ts|json\.ts)|lambdas\/domain\/)/,
      packages: /^(zod|croner|node:[\w/]+)$/,
    },
  ],
  ['the sandbox builds on the Lambdas', { from: /^sandbox\//, files: /^(sandbox|lambdas)\// }],
  ["the command line does not import the CDK's code", { from: /^cli\//, files: /^(cli|sandbox|lambdas|scripts)\// }],
  [
    'nothing that ships imports the tests',
    { from: /^(?!test\/|bench\/|conformance\/)/, files: /^(?!test\/|bench\/|conformance\/)/ },
  ],
  [
    'the conformance runs import no test',
    { from: /^conformance\//, files: /^(conformance|sandbox|lambdas|cli)\/|^scripts\/(schema-tables|json-text)\.ts$/ },
  ],
];

const POLICY = 'lambdas/domain/policy/';

/** Returns the imports that cross the boundary of the policy evaluator other than at its index. */
const pastPolicyIndex = ({ file, imports }: Pick<Source, 'file' | 'imports'>): string[] => {
  const isInside = file.startsWith(POLICY);
  return imports
    .filter((one) =>
      isInside
        ? !one.startsWith(POLICY)
        : one.startsWith(POLICY) && one !== `${POLICY}index.ts` && !file.startsWith(`test/${POLICY}`),
    )
    .map((one) => `${file} imports ${one}`);
};

describe('imports', () => {
  it.each(rules)('%s', (_, { from, files, packages }) => {
    const concerned = sources.filter(({ file }) => from.test(file));
    expect(concerned.length).toBeGreaterThan(0);
    const wrong = concerned.flatMap(({ file, imports }) =>
      imports
        .filter((one) => (isLocal(one) ? !files.test(one) : packages !== undefined && !packages.test(one)))
        .map((one) => `${file} imports ${one}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of each step stay with that step', () => {
    const wrong = sources.flatMap(({ file, imports }) => {
      const own = /^lambdas\/steps\/([\w-]+)\//.exec(file)?.[1];
      return own === undefined
        ? []
        : imports
            .filter((one) => one.startsWith('lambdas/steps/') && !one.startsWith(`lambdas/steps/${own}/`))
            .map((one) => `${file} imports ${one}`);
    });
    expect(wrong).toEqual([]);
  });

  it('of the policy evaluator stay inside it, and everything else imports only its index', () => {
    expect(sources.filter(({ imports }) => imports.includes(`${POLICY}index.ts`)).length).toBeGreaterThan(0);
    expect(sources.flatMap(pastPolicyIndex)).toEqual([]);
  });

  it.each([
    ['lambdas/domain/policy/x.ts', 'lambdas/domain/aws/arn.ts'],
    ['lambdas/domain/policy/x.ts', 'zod'],
    ['lambdas/domain/plan/x.ts', 'lambdas/domain/policy/wildcard.ts'],
    ['sandbox/iam/x.ts', 'lambdas/domain/policy/document.ts'],
    ['test/lambdas/x.test.ts', 'lambdas/domain/policy/trust.ts'],
  ])('of the policy evaluator may not be crossed: %s imports %s', (file, imported) =>
    expect(pastPolicyIndex({ file, imports: [imported] })).toEqual([`${file} imports ${imported}`]),
  );

  it('name existing files', () => {
    const there = new Set(sources.map(({ file }) => file));
    expect(
      sources.flatMap(({ file, imports }) =>
        imports
          .filter((one) => isLocal(one) && one.endsWith('.ts') && !there.has(one))
          .map((one) => `${file} imports ${one}`),
      ),
    ).toEqual([]);
  });

  it('form no circles of files, not even by types', () => expect(inCircles(sources)).toEqual([]));

  it.each(['lambdas/domain', 'lambdas/use-cases', 'cli', 'sandbox'])('form no circles of the folders in %s', (root) =>
    expect(inCircles(foldersIn(root, sources))).toEqual([]),
  );

  it('form a circle of folders if their files import each other', () => {
    const files = [
      { file: 'cli/a/one.ts', imports: ['cli/b/one.ts', 'cli/a/two.ts'] },
      { file: 'cli/b/two.ts', imports: ['cli/a/two.ts', 'zod'] },
      { file: 'cli/c.ts', imports: ['cli/a/one.ts', 'lib/app.ts'] },
    ];
    expect(inCircles(foldersIn('cli', files))).toEqual(['a', 'b']);
  });

  it('form a circle if files import each other', () => {
    const file = (name: string, ...imports: string[]) => ({ file: name, imports });
    const all = [file('top', 'a'), file('a', 'b', 'leaf'), file('b', 'c'), file('c', 'a', 'zod'), file('leaf')];
    expect([inCircles(all), inCircles([file('self', 'self')])]).toEqual([['a', 'b', 'c'], ['self']]);
    expect(inCircles([file('top', 'a', 'b'), file('a', 'b'), file('b')])).toEqual([]);
  });

  it('are all found by this test', () => {
    const text = [
      "import a from 'one';",
      "import type { b } from './two.ts';",
      "import 'three';",
      "import {\n  c,\n} from '../four.ts';",
      "export * from './five.ts';",
      "export type { d } from './six.ts';",
      "const e = await import('./seven.ts');",
      'const text = "taken from \'elsewhere\'";',
    ].join('\n');
    expect(importsOf('lambdas/domain/x.ts', text)).toEqual(words`
      one lambdas/domain/two.ts three lambdas/four.ts lambdas/domain/five.ts lambdas/domain/six.ts
      lambdas/domain/seven.ts
    `);
  });
});

it('files have at most 320 lines, tests 500, unless a script generates them', () => {
  const long = sources
    .filter(({ text }) => !text.startsWith('// Made by '))
    .map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }))
    .filter(({ file, lines }) => lines > (file.startsWith('test/') ? 500 : 320));
  expect(long).toEqual([]);
});
