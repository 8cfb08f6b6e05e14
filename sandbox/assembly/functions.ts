import type { AssemblyFunction } from './assembly.ts';
import { AssemblyError, type Where } from './error.ts';
import { isObject } from '../json.ts';
import { type ResolvedResource, resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

const numberOf = (value: unknown, fallback: number): number => (value === undefined ? fallback : Number(value));

const codeDirectoryOf = ({ assets }: Stack, { properties, where }: ResolvedResource): string => {
  const at: Where = { ...where, path: 'Properties.Code' };
  const code = isObject(properties['Code']) ? properties['Code'] : {};
  const key = code['S3Key'];
  if (typeof key !== 'string') throw new AssemblyError('code that is no asset of the assembly', at);
  const directory = assets.get(key);
  if (directory === undefined) throw new AssemblyError(`code from ${key}, which no asset manifest has`, at);
  return directory;
};

const environmentOf = (stack: Stack, { properties, where }: ResolvedResource): Record<string, string> => {
  const { Environment: environment } = properties;
  const variables = isObject(environment) && isObject(environment['Variables']) ? environment['Variables'] : {};
  const at = 'Properties.Environment.Variables';
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, stack.resolver.textOf(value, { ...where, path: `${at}.${name}` })]),
  );
};

/** The functions of a stack with their published versions and aliases. */
export const functionsOf = (stack: Stack): AssemblyFunction[] => {
  const { resolver } = stack;
  const published = ['AWS::Lambda::Version', 'AWS::Lambda::Alias'].flatMap((type) =>
    resourcesOfType(stack, type).map(({ logicalId, where }) => resolver.reference(logicalId, where)),
  );
  return resourcesOfType(stack, 'AWS::Lambda::Function').map((resource) => {
    const { logicalId, properties, where } = resource;
    const arn = resolver.attribute(logicalId, 'Arn', where);
    return {
      logicalId,
      name: resolver.reference(logicalId, where),
      arn,
      versionArns: published.filter((each) => each.startsWith(`${arn}:`)),
      handler: resolver.textOf(properties['Handler'], { ...where, path: 'Properties.Handler' }),
      // Lambda's own defaults.
      timeoutSeconds: numberOf(properties['Timeout'], 3),
      memoryMb: numberOf(properties['MemorySize'], 128),
      environment: environmentOf(stack, resource),
      roleArn: resolver.textOf(properties['Role'], { ...where, path: 'Properties.Role' }),
      codeDirectory: codeDirectoryOf(stack, resource),
    };
  });
};
