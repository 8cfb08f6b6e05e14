/**
 * Makes a synthesised template independent of the CDK: the assets come from a bucket that parameters name, instead of
 * the one of `cdk bootstrap`.
 */
import { isObject, type Json } from '../../sandbox/json.ts';

export const BUCKET = 'AssetBucket';
export const PREFIX = 'AssetPrefix';

const PARAMETERS = {
  [BUCKET]: {
    Type: 'String',
    AllowedPattern: '[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]',
    ConstraintDescription: 'must be the name of a bucket',
    Description: 'Bucket with the .zip files of the release, in the region of the stack.',
  },
  [PREFIX]: {
    Type: 'String',
    Default: '',
    AllowedPattern: '([\\w.-]+/)*',
    ConstraintDescription: 'must be empty, or end with a slash',
    Description: 'Prefix of the keys of the .zip files in the bucket, such as pod-identity-migrator/.',
  },
};

/** What the CDK adds to check that `cdk bootstrap` has run. */
const BOOTSTRAP = { parameter: 'BootstrapVersion', rule: 'CheckBootstrapVersion' };

const without = (all: unknown, name: string): Json | undefined => {
  const rest = Object.entries(isObject(all) ? all : {}).filter(([key]) => key !== name);
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
};

/** Returns the location of an asset in the parameters' bucket. Throws an `Error` for one that is not a .zip file. */
function location(key: unknown): Json {
  if (typeof key !== 'string' || !/^[0-9a-f]{64}\.zip$/.test(key))
    throw new Error(`The template names the asset ${JSON.stringify(key)}. A release can only have .zip files.`);
  return { S3Bucket: { Ref: BUCKET }, S3Key: { 'Fn::Sub': `\${${PREFIX}}${key}` } };
}

/** Returns the value with each asset at its location in the parameters' bucket. */
function relocated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocated);
  if (!isObject(value)) return value;
  const { S3Bucket: bucket, S3Key: key, ...rest } = value;
  const inner = Object.fromEntries(Object.entries(rest).map(([name, one]) => [name, relocated(one)]));
  return bucket === undefined
    ? { ...inner, ...(key === undefined ? {} : { S3Key: key }) }
    : { ...inner, ...location(key) };
}

/** Returns the resource without the CDK's metadata, such as paths of the machine that synthesised it. */
function withoutMetadata(resource: unknown): unknown {
  if (!isObject(resource)) return resource;
  const { Metadata: metadata, ...rest } = resource;
  const own = Object.entries(isObject(metadata) ? metadata : {}).filter(([name]) => !name.startsWith('aws:'));
  return own.length === 0 ? rest : { ...rest, Metadata: Object.fromEntries(own) };
}

/** Returns the template with assets from the parameters' bucket. Nothing else of its resources and outputs changes. */
export function releaseTemplate(template: Json): Json {
  const { Parameters: parameters, Rules: rules, Resources: resources, ...rest } = template;
  const otherRules = without(rules, BOOTSTRAP.rule);
  const otherParameters = without(parameters, BOOTSTRAP.parameter);
  const result = {
    ...rest,
    Parameters: { ...PARAMETERS, ...otherParameters },
    ...(otherRules ? { Rules: otherRules } : {}),
    Resources: Object.fromEntries(
      Object.entries(isObject(resources) ? resources : {}).map(([id, one]) => [id, relocated(withoutMetadata(one))]),
    ),
  };
  if (JSON.stringify(result).includes('cdk-hnb659fds'))
    throw new Error(
      'The template still names a resource of cdk bootstrap. Teach scripts/release/template.ts about it.',
    );
  return result;
}

/** Returns the spoke's template, which has no assets, without the CDK's metadata. */
export const releaseSpoke = ({ Resources: resources, ...rest }: Json): Json => ({
  ...rest,
  Resources: Object.fromEntries(
    Object.entries(isObject(resources) ? resources : {}).map(([id, one]) => [id, withoutMetadata(one)]),
  ),
});
