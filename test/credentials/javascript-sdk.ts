/** The AWS SDK for JavaScript in the containers of pods, in the process of the test. */
import { openEndpoints } from '../../conformance/pods/endpoints.ts';
import type { KubeContainer, KubePod } from '../../conformance/pods/kube-pod.ts';
import { type Observation, openObserver } from '../../conformance/pods/observe.ts';
import type { Outcome } from '../../conformance/pods/outcome.ts';
import { openChain } from '../../conformance/pods/sdks/javascript-chain.ts';

export interface JavaScriptSdk {
  /** Returns what the SDK does in each world of a container. */
  observe: (pod: KubePod, container: KubeContainer) => Promise<Observation[]>;
  /** Returns what it does if nothing exists that may be missing. */
  outcomeOf: (pod: KubePod, container: KubeContainer) => Promise<Outcome>;
  close: () => Promise<void>;
}

/** Directs all connections of this process to played endpoints, until it is closed. */
export async function openJavaScriptSdk(): Promise<JavaScriptSdk> {
  const endpoints = await openEndpoints();
  const chain = openChain(endpoints);
  const { observe, close } = openObserver(async (_, { env }) => ({ reply: await chain.ask(env) }), ['javascript']);
  return {
    observe,
    outcomeOf: async (pod, container) => (await observe(pod, container))[0]?.outcomes.javascript ?? 'none',
    close: async () => {
      close();
      chain.close();
      await endpoints.close();
    },
  };
}
