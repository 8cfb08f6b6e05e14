/** `sandbox` as a process: how a signal ends it. */
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { ADDON, TARGET } from '../end-to-end/fixture.ts';
import { serve, type Served } from '../end-to-end/served.ts';
import { sdkOf } from './fixtures.ts';

describe('sandbox as a process', () => {
  const startMigration = async ({ environment, url, stateMachineArn }: Served): Promise<void> => {
    const stepFunctions = new SFNClient(sdkOf(environment, url));
    const input = JSON.stringify({
      migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
      request: { target: TARGET, addon: ADDON },
    });
    await stepFunctions.send(new StartExecutionCommand({ stateMachineArn, input }));
    stepFunctions.destroy();
  };

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends by itself after %s, with a migration running and a connection open',
    async (signal) => {
      const served = await serve(['--clock', 'real']);
      await startMigration(served);
      // fetch's pool keeps the connection alive.
      await fetch(served.url);
      const result = await served.stop(signal);
      expect(result).toMatchObject({ code: 0, err: expect.stringMatching(/Ctrl-C to stop it\.\n$/) });
      await expect(fetch(served.url)).rejects.toThrow('fetch failed');
    },
  );
});
