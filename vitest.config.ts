import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import type { Budgets } from './scripts/budgets/judge.ts';

/** Tests over plain data and fakes: they share no state, so their files can share a process. */
const PURE = ['test/lambdas/**/*.test.ts', 'test/lib/**/*.test.ts', 'test/fuzz/**/*.test.ts'];
/** Exhaustive: faults at each call, combinations of everything. CI runs them. */
const GRIDS = ['test/**/*.grid.test.ts'];
/** Files whose properties have more runs in CI. */
const THOROUGH = globSync('test/**/*.test.ts', { cwd: import.meta.dirname }).filter((file) =>
  readFileSync(join(import.meta.dirname, file), 'utf8').includes("/runs.ts';"),
);
/** They start real programs: aws, kubectl, Python, Chromium, the bundled functions, the command line. CI runs them. */
const PROCESSES = ['test/**/*.process.test.ts'];

/** The recorded processor seconds of the files that take the longest. */
const { files } = JSON.parse(readFileSync(join(import.meta.dirname, 'budgets.json'), 'utf8')) as Budgets;
const SECONDS = new Map(Object.values(files).flatMap((recorded) => Object.entries(recorded)));

/** The longest first: last, a file would run alone. Files of one project stay together, because they share processes. */
class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const secondsOf = ({ moduleId }: TestSpecification): number =>
      SECONDS.get(relative(import.meta.dirname, moduleId)) ?? 0;
    const sorted = await super.sort(specifications);
    return sorted.sort((a, b) => {
      if (a.project.name !== b.project.name) return a.project.name < b.project.name ? -1 : 1;
      return secondsOf(b) - secondsOf(a);
    });
  }
}

// Workers and the programs that tests start compile each module once. npm ci removes the cache.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/closing-reporter.ts'],
    globalSetup: ['./test/global-setup.ts'],
    setupFiles: process.env['MEASUREMENTS'] === undefined ? [] : ['./test/measure.ts'],
    // Tests never wait for real time; the bounds only end a hang. No test has a lower one: a busy machine would reach it.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    maxWorkers: 2,
    // The SDK may look for credentials after a test has ended, and would find those of the machine.
    env: { AWS_EC2_METADATA_DISABLED: 'true' },
    // Node strips types by itself; Vite's transformation makes every import an access to a property, which costs a sixth.
    experimental: { viteModuleRunner: false },
    coverage: { provider: 'v8', include: ['bin/**', 'lib/**', 'lambdas/**', 'cli/**', 'sandbox/**'] },
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, exclude: [...GRIDS, ...PROCESSES], isolate: false } },
      {
        extends: true,
        test: {
          name: 'rest',
          include: ['test/**/*.test.ts'],
          exclude: [...PURE, ...GRIDS, ...PROCESSES],
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'grids', include: [...GRIDS, ...THOROUGH], env: { THOROUGH: 'yes' }, isolate: false },
      },
      { extends: true, test: { name: 'processes', include: PROCESSES } },
    ],
  },
});
