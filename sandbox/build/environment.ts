/** A scenario's containers and their environment variables, in the form of Kubernetes. */
import type { ContainerTemplate, EnvVar } from '../objects/objects.ts';
import type { ScenarioContainer, ScenarioExtraEnv } from '../scenario/scenario-containers.ts';

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
const environmentOf = (variables: readonly Variable[]): { env?: EnvVar[] } =>
  variables.length > 0 ? { env: variables.map(variableOf) } : {};

/** Returns a container's SDK and probe; the probe has the fields that the API server adds. */
export const containerSoftwareOf = ({
  sdk,
  livenessProbe,
}: Pick<ScenarioContainer, 'sdk' | 'livenessProbe'>): Pick<ContainerTemplate, 'sdk' | 'livenessProbe'> => ({
  ...(sdk ? { sdk } : {}),
  ...(livenessProbe
    ? {
        livenessProbe: {
          httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' },
          timeoutSeconds: 1,
          ...livenessProbe,
          successThreshold: 1,
        },
      }
    : {}),
});

export const containerTemplateOf = ({ name, image, env, ...software }: ScenarioContainer): ContainerTemplate => ({
  name,
  image,
  ...environmentOf(env),
  ...containerSoftwareOf(software),
});
