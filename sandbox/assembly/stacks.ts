/** Reads the files of a CDK cloud assembly. Source: `aws-cdk-lib/cloud-assembly-schema`. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SPOKE_STACK } from '../../lambdas/domain/access/spokes.ts';
import { AssemblyError } from './error.ts';
import { isObject, type Json } from '../json.ts';
import { Resolver } from './resolver.ts';
import type { Environment } from './environment.ts';

export interface AssemblyOptions {
  /** For stacks whose environment the assembly leaves unspecified. */
  account: string;
  region: string;
}

export interface Stack {
  resolver: Resolver;
  /** Directory of each asset by its key in the template's code, such as `<hash>.zip`. */
  assets: Map<string, string>;
  /** The template's text, unparsed. */
  templateText: string;
  /** Tags of the stack, according to the assembly. */
  tags: Record<string, string>;
}

/**
 * Returns a fingerprint that changes whenever a file of the assembly does; the assets next to them have their hash in
 * their name.
 */
export const fingerprintOf = (directory: string): string => {
  if (!existsSync(directory)) return '';
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const { mtimeMs, size } = statSync(join(directory, file));
      return `${file} ${mtimeMs} ${size}`;
    })
    .join('\n');
};

const read = (directory: string, file: string): { text: string; json: Json } => {
  const path = join(directory, file);
  if (!existsSync(path))
    throw new AssemblyError(`no file ${file} in ${directory}; build the project first (npm run build)`, {
      template: file,
    });
  try {
    const text = readFileSync(path, 'utf8');
    const json: unknown = JSON.parse(text);
    if (isObject(json)) return { text, json };
  } catch {
    // Reported below.
  }
  throw new AssemblyError(`content that is not a JSON object (${path})`, { template: file });
};

const readJson = (directory: string, file: string): Json => read(directory, file).json;

interface Artifact {
  id: string;
  type: string;
  environment: string;
  displayName: string;
  properties: Json;
}

const artifactsOf = (manifest: Json): Artifact[] =>
  Object.entries(isObject(manifest['artifacts']) ? manifest['artifacts'] : {}).map(([id, artifact]) => {
    const { type, environment, displayName, properties } = isObject(artifact) ? artifact : {};
    return {
      id,
      type: String(type),
      environment: typeof environment === 'string' ? environment : '',
      displayName: typeof displayName === 'string' ? displayName : id,
      properties: isObject(properties) ? properties : {},
    };
  });

/** `aws://unknown-account/unknown-region` leaves both unspecified. */
const environmentOf = (text: string, { account, region }: AssemblyOptions): AssemblyOptions => {
  const [, ownAccount = '', ownRegion = ''] = /^aws:\/\/([^/]+)\/([^/]+)$/.exec(text) ?? [];
  return {
    account: /^\d{12}$/.test(ownAccount) ? ownAccount : account,
    region: /-\d$/.test(ownRegion) ? ownRegion : region,
  };
};

const assetsOf = (directory: string, artifacts: Artifact[]): Map<string, string> => {
  const assets = new Map<string, string>();
  for (const { properties } of artifacts.filter(({ type }) => type === 'cdk:asset-manifest')) {
    const { files } = readJson(directory, String(properties['file']));
    for (const asset of Object.values(isObject(files) ? files : {})) {
      if (!isObject(asset) || !isObject(asset['source']) || !isObject(asset['destinations'])) continue;
      const { path } = asset['source'];
      if (typeof path !== 'string') continue;
      for (const destination of Object.values(asset['destinations'])) {
        if (isObject(destination) && typeof destination['objectKey'] === 'string')
          assets.set(destination['objectKey'], resolve(directory, path));
      }
    }
  }
  return assets;
};

const tagsOf = ({ properties: { tags } }: Artifact): Record<string, string> =>
  Object.fromEntries(
    Object.entries(isObject(tags) ? tags : {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );

const isStack = ({ type }: Artifact): boolean => type === 'aws:cloudformation:stack';

const templateOf = (
  directory: string,
  { id, type, properties }: Artifact,
): { file: string; template: Json; templateText: string } => {
  const file = properties['templateFile'];
  if (typeof file !== 'string')
    throw new AssemblyError(`a stack ${id} of type ${type} without a templateFile`, { template: 'manifest.json' });
  const { text, json } = read(directory, file);
  return { file, template: json, templateText: text };
};

/** Changes a stack's deployment environment: its account, region, partition and name. */
export type Elsewhere = (environment: Environment) => Environment;
const unchanged: Elsewhere = (environment) => environment;

/**
 * Returns a function that resolves the stack for other accounts in a given location; undefined if the application has
 * no such stack. No exports are available to it.
 */
export const spokeStackOf = (
  directory: string,
  elsewhere = unchanged,
): ((location: AssemblyOptions, parameters: Readonly<Record<string, string>>) => Stack) | undefined => {
  const artifact = artifactsOf(readJson(directory, 'manifest.json')).find(
    (each) => isStack(each) && each.id === SPOKE_STACK,
  );
  if (!artifact) return undefined;
  const { file, template, templateText } = templateOf(directory, artifact);
  const { account, region } = environmentOf(artifact.environment, { account: '', region: '' });
  if (account !== '' || region !== '')
    throw new AssemblyError(`a stack ${SPOKE_STACK} that is bound to one account or region`, {
      template: 'manifest.json',
    });
  return (location, parameters) => ({
    assets: new Map(),
    templateText,
    tags: tagsOf(artifact),
    resolver: new Resolver(
      file,
      template,
      elsewhere({ ...location, partition: partitionOf(location.region), stackName: artifact.displayName }),
      () => undefined,
      parameters,
    ),
  });
};

/** Returns all stacks of the assembly except the one for other accounts, in the manifest's order. */
export const loadStacks = (directory: string, options: AssemblyOptions, elsewhere = unchanged): Stack[] => {
  const artifacts = artifactsOf(readJson(directory, 'manifest.json'));
  const assets = assetsOf(directory, artifacts);
  const stacks: Stack[] = [];
  const importValue = (name: string): string | undefined => {
    for (const { resolver } of stacks) {
      const value = resolver.exported(name);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  for (const artifact of artifacts.filter((each) => isStack(each) && each.id !== SPOKE_STACK)) {
    const { environment, displayName, properties } = artifact;
    const { file, template, templateText } = templateOf(directory, artifact);
    const { account, region } = environmentOf(environment, options);
    const stackName = typeof properties['stackName'] === 'string' ? properties['stackName'] : displayName;
    stacks.push({
      assets,
      templateText,
      tags: tagsOf(artifact),
      resolver: new Resolver(
        file,
        template,
        elsewhere({ account, region, partition: partitionOf(region), stackName }),
        importValue,
      ),
    });
  }
  if (stacks.length === 0) throw new AssemblyError(`no stack (${directory})`, { template: 'manifest.json' });
  return stacks;
};
