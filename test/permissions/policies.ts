/** Every policy that a deployment has, as CloudFormation would make it: of the service's stack, and of other accounts'. */
import { join } from 'node:path';
import { SPOKE_STACK } from '../../lambdas/domain/access/spokes.ts';
import { documentsIn, isRecord, typesOf } from '../../scripts/permissions/template.ts';
import { SAMPLE, SAMPLE_OTHER } from '../../scripts/permissions/names.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { resourcesOfType } from '../../sandbox/assembly/resources.ts';
import { loadStacks, spokeStackOf, type Stack } from '../../sandbox/assembly/stacks.ts';
import { type Configuration, withApp } from '../lib/synthesised.ts';
import type { Policy, PolicyKind } from './reference.ts';

/** A permission of a function is a policy statement in other words. */
const permissionOf = ({
  Action,
  FunctionName,
  SourceArn,
  SourceAccount,
  ...others
}: Record<string, unknown>): unknown => ({
  Statement: [
    {
      Effect: 'Allow',
      Principal: others['Principal'],
      Action,
      // An alias or a version is named by its ARN too; a name alone is no resource of a policy.
      ...(String(FunctionName).startsWith('arn:') ? { Resource: FunctionName } : {}),
      Condition: {
        ...(SourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': SourceArn } }),
        ...(SourceAccount === undefined ? {} : { StringEquals: { 'aws:SourceAccount': SourceAccount } }),
      },
    },
  ],
});

const TRUST = 'AssumeRolePolicyDocument';

const documentsOf = (type: string, properties: Record<string, unknown>): { kind: PolicyKind; document: unknown }[] => {
  if (type === 'AWS::Lambda::Permission') return [{ kind: 'resource', document: permissionOf(properties) }];
  const { [TRUST]: trust, ...others } = properties;
  const kind = type.startsWith('AWS::IAM::') ? 'identity' : 'resource';
  return [
    ...documentsIn(trust).map((document) => ({ kind: 'trust' as const, document })),
    ...documentsIn(others).map((document) => ({ kind: kind as PolicyKind, document })),
  ];
};

const policiesOfStack = (stack: Stack, where: string): Policy[] =>
  typesOf(stack).flatMap((type) =>
    resourcesOfType(stack, type).flatMap(({ logicalId, properties }) =>
      documentsOf(type, isRecord(properties) ? properties : {}).map(({ kind, document }) => ({
        where: `${where}, ${logicalId} (${type})`,
        kind,
        document,
      })),
    ),
  );

/**
 * Returns those in a cloud assembly: of the service's stacks, and of that of other accounts if there is one, in the region
 * of its roles. `name` says of which deployment.
 */
export const policiesIn = (outdir: string, name: string): Policy[] => {
  const { outputs } = loadAssembly(outdir, SAMPLE);
  const spoke = spokeStackOf(outdir)?.(
    { account: SAMPLE_OTHER, region: SAMPLE.region },
    { ...outputs, RolesRegion: SAMPLE.region },
  );
  return [
    ...loadStacks(outdir, SAMPLE).flatMap((stack) =>
      policiesOfStack(stack, join(name, stack.resolver.environment.stackName)),
    ),
    ...(spoke ? policiesOfStack(spoke, join(name, SPOKE_STACK)) : []),
  ];
};

export const policiesOf = (name: string, configuration: Configuration): Policy[] =>
  withApp(configuration, (app, outdir) => {
    app.synth();
    return policiesIn(outdir, name);
  });
