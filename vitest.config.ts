import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/closing-reporter.ts'],
    globalSetup: ['./test/global-setup.ts'],
    // Tests never wait for real time; the bound only catches a hang (a build in the set-up, a child process).
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['bin/**', 'lib/**', 'lambdas/**', 'cli/**', 'sandbox/**'] },
  },
});
