/** Compares how the sandbox reads containers, which judges the service, with what the AWS SDK for JavaScript does in them. */
import { assert, asyncProperty, constantFrom } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admitted } from '../../conformance/pods/admitted.ts';
import { isPlayed, isPossible } from '../../conformance/pods/compare.ts';
import { containerText } from '../../conformance/pods/describe.ts';
import { podsWith } from '../../conformance/pods/generate.ts';
import { containersOf } from '../../conformance/pods/kube-pod.ts';
import type { Outcome } from '../../conformance/pods/outcome.ts';
import { expectedBySandbox, readInSandbox } from '../../conformance/pods/read.ts';
import { REASONS } from '../../conformance/pods/reasons.ts';
import { Explainer } from '../../conformance/reasons.ts';
import { type JavaScriptSdk, openJavaScriptSdk } from './javascript-sdk.ts';

let sdk: JavaScriptSdk;
beforeAll(async () => void (sdk = await openJavaScriptSdk()));
afterAll(() => sdk.close());

describe('the sandbox reads a container as the AWS SDK for JavaScript', () => {
  it.each([true, false])(
    'in pods as the webhook changes them; only with variables that all SDKs read alike: %s',
    async (only) => {
      const seen = new Map<Outcome, number>();
      const explainer = new Explainer(REASONS);
      const readsAlike = asyncProperty(
        podsWith(only),
        constantFrom('association' as const, 'annotation' as const),
        async (given, by) => {
          const pod = admitted(given, by);
          if (!isPossible(pod)) return;
          const read = readInSandbox(pod, 'javascript');
          for (const container of containersOf(pod)) {
            for (const { outcomes } of (await sdk.observe(pod, container)).filter(isPlayed)) {
              const real = outcomes.javascript!;
              const sandbox = expectedBySandbox(read.get(container.name)!, real);
              const where = containerText(container);
              const { reason } = explainer.explain(where, { what: 'sandbox, JavaScript v3', sandbox, real });
              expect({ where, sandbox: reason === undefined ? sandbox : real }).toEqual({ where, sandbox: real });
              seen.set(real, (seen.get(real) ?? 0) + 1);
            }
          }
        },
      );
      const wanted = ['agent', 'irsa', 'ecs', 'none'] as const;
      // Four or five of 150 pods get their credentials from ECS, and sometimes none: then more are drawn.
      for (let round = 0; round === 0 || (round < 5 && wanted.some((one) => !seen.has(one))); round += 1)
        await assert(readsAlike, { numRuns: 150 });
      for (const outcome of wanted) expect(seen.get(outcome)).toBeGreaterThan(0);
    },
  );
});
