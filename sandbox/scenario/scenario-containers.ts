/** Containers of a scenario: their images, environment variables, SDKs and probes. */
import { z } from 'zod';
import { floorOf, hasDates, isVersionOf, SDK_NAMES } from '../objects/sdks.ts';
import { kubernetesName } from './kubernetes-names.ts';

const variableFields = {
  name: z
    .string()
    .regex(/^[A-Za-z_][\w.-]*$/, 'must be the name of an environment variable')
    .describe('Its name.'),
  value: z.string().optional().describe('Its value; omitted if it comes from a Secret.'),
  secret: z
    .strictObject({
      name: kubernetesName.describe('Name of the Secret; the sandbox has no Secrets.'),
      key: z.string().min(1).describe('Key in the Secret.'),
      optional: z.boolean().default(false).describe('Whether the variable is left out if the Secret does not exist.'),
    })
    .meta({ id: 'SecretKey', description: 'A key of a Secret.' })
    .optional()
    .describe('The source of its value instead (`valueFrom.secretKeyRef`).'),
};

export const extraEnv = z
  .strictObject({
    workload: kubernetesName.optional().describe("Name of the add-on's workload; if omitted, all."),
    container: kubernetesName.optional().describe('Name of the container; if omitted, all.'),
    ...variableFields,
  })
  .meta({
    id: 'ExtraEnv',
    description:
      "An environment variable that was added to an add-on's containers, for example through configuration values.",
  });
export type ScenarioExtraEnv = z.infer<typeof extraEnv>;

const sdk = z
  .strictObject({
    name: z.enum(SDK_NAMES).describe('Name of the SDK; `botocore` is also that of boto3 and the AWS CLI.'),
    version: z
      .string()
      .min(1)
      .describe('Its version: `1.44.0`; for `go-v2` and `rust` the date of the release: `2023-10-12`.'),
  })
  .superRefine(({ name, version }, context) => {
    if (!isVersionOf(name, version))
      context.addIssue({
        code: 'custom',
        path: ['version'],
        message: hasDates(name)
          ? `must be the date of a release of ${name}, such as 2023-11-14`
          : `must be a version of ${name}, such as ${floorOf(name)}`,
      });
  })
  .meta({
    id: 'Sdk',
    description:
      'The AWS SDK in an image. One that is older than the version from which EKS Pod Identity is supported refuses the address of the agent.',
  });

const livenessProbe = z
  .strictObject({
    periodSeconds: z.number().int().min(1).max(3600).default(10).describe('Time between two probes.'),
    failureThreshold: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe('Failures until the container is restarted.'),
  })
  .meta({ id: 'LivenessProbe', description: 'A liveness probe of a container. The sandbox does not run it.' });

const softwareFields = {
  sdk: sdk
    .optional()
    .describe('The AWS SDK in this image; if omitted, a recent one that is read like `go-v2`. No API shows it.'),
  livenessProbe: livenessProbe.optional().describe('Its liveness probe; if omitted, none.'),
};

export const software = z
  .strictObject({
    workload: kubernetesName.optional().describe("Name of the add-on's workload; if omitted, all."),
    container: kubernetesName.optional().describe('Name of the container; if omitted, all.'),
    image: z.string().min(1).optional().describe("Its image; if omitted, the catalogue's. Nothing is pulled."),
    ...softwareFields,
  })
  .meta({ id: 'Software', description: "What containers of an add-on run in place of the catalogue's images." });
export type ScenarioSoftware = z.infer<typeof software>;

export const container = z
  .strictObject({
    name: kubernetesName.describe('Name of the container.'),
    image: z.string().min(1).describe('Its image; nothing is pulled.'),
    ...softwareFields,
    env: z
      .array(
        z.strictObject(variableFields).meta({ id: 'EnvVar', description: 'An environment variable of a container.' }),
      )
      .default([])
      .describe('Environment variables.'),
  })
  .meta({ id: 'Container', description: 'A container of a workload.' });
export type ScenarioContainer = z.infer<typeof container>;
