import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests over plain data and fakes: they share no state, so their files can share a process. */
const PURE = ['test/lambdas/**/*.test.ts', 'test/lib/**/*.test.ts', 'test/fuzz/**/*.test.ts'];
/** Exhaustive: faults at each call, combinations of everything. CI runs them. */
const GRIDS = ['test/**/*.grid.test.ts'];
/** They start real programs: aws, kubectl, Python, Chromium, the bundled functions, the command line. CI runs them. */
const PROCESSES = ['test/**/*.process.test.ts'];

/**
 * The files that take the longest, first: the last one would run alone, and in a process that has run all others of
 * `npm test` several times as long.
 */
const LONGEST = [
  'test/simulation/promises.test.ts',
  'test/end-to-end/accepted.process.test.ts',
  'test/cli/served-principals.process.test.ts',
  'test/package.process.test.ts',
  'test/end-to-end/remedies.process.test.ts',
  'test/end-to-end/restore-commands.process.test.ts',
  'test/end-to-end/aws-cli.process.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const first = LONGEST.flatMap((name) => sorted.filter(({ moduleId }) => moduleId.endsWith(name)));
    return [...first, ...sorted.filter((file) => !first.includes(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/closing-reporter.ts'],
    globalSetup: ['./test/global-setup.ts'],
    // Tests never wait for real time; the bounds only end a hang. No test has a lower one: a busy machine would reach it.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    maxWorkers: 2,
    // The SDK may look for credentials after a test has ended, and would find those of the machine.
    env: { AWS_EC2_METADATA_DISABLED: 'true' },
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
      { extends: true, test: { name: 'grids', include: GRIDS } },
      { extends: true, test: { name: 'processes', include: PROCESSES } },
    ],
  },
});
