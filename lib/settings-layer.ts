import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { type DeploymentSettings, LAYER_FOLDER, SETTINGS_FILE_NAME } from '../lambdas/domain/settings/deployment.ts';
import type { Config } from './config.ts';
import { portable } from './role-pattern.ts';

/** Path of the settings file in a function with the layer. */
export const SETTINGS_FILE = `${LAYER_FOLDER}/${SETTINGS_FILE_NAME}`;

/** Folder within the cloud assembly to which the file is written, and from which the CDK copies it as an asset. */
export const SETTINGS_FOLDER = '.settings';

/** Returns the part of the configuration that can become large. It is the same wherever the service is deployed. */
export const deploymentSettingsOf = ({
  accounts,
  passableRoleArns,
  repairableRoleArns,
  roleGrants,
  regions,
  changeWindow,
}: Config): DeploymentSettings => ({
  accounts,
  passableRoleArns: passableRoleArns.map(portable),
  ...(repairableRoleArns ? { repairableRoleArns: repairableRoleArns.map(portable) } : {}),
  ...(roleGrants.length > 0
    ? { roleGrants: roleGrants.map((grant) => ({ ...grant, roles: grant.roles.map(portable) })) }
    : {}),
  ...(regions ? { regions } : {}),
  ...(changeWindow ? { changeWindow } : {}),
});

/**
 * Creates the layer with the settings that would not fit into a function's environment. A published version of a
 * function keeps its layer even after CloudFormation has deleted the layer's own resource (Lambda API Reference,
 * DeleteLayerVersion), so that an execution in flight ends with the settings that it started with.
 */
export function createSettingsLayer(scope: Construct, id: string, config: Config): lambda.LayerVersion {
  const folder = join(Stage.of(scope)?.outdir ?? '', SETTINGS_FOLDER);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, SETTINGS_FILE_NAME), `${JSON.stringify(deploymentSettingsOf(config), null, 2)}\n`);
  return new lambda.LayerVersion(scope, id, {
    code: lambda.Code.fromAsset(folder),
    description: 'Settings of the service that its functions read.',
  });
}
