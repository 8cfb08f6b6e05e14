/** Environment variables of a scenario's containers, in the form of Kubernetes. */
import type { EnvVar } from '../kubernetes/objects.ts';
import type { ScenarioExtraEnv } from './scenario-cluster.ts';

type Variable = Pick<ScenarioExtraEnv, 'name' | 'value' | 'secret'>;

export const variableOf = ({ name, value, secret }: Variable): EnvVar => ({
  name,
  ...(value === undefined ? {} : { value }),
  ...(secret === undefined
    ? {}
    : {
        valueFrom: {
          secretKeyRef: { name: secret.name, key: secret.key, ...(secret.optional ? { optional: true } : {}) },
        },
      }),
});

/** Returns the field `env` of a container; nothing for a container without variables. */
export const environmentOf = (variables: readonly Variable[]): { env?: EnvVar[] } =>
  variables.length > 0 ? { env: variables.map(variableOf) } : {};
