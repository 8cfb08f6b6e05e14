import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import {
  type DeploymentSettings,
  LAYER_FOLDER,
  ROLLBACK_CLAIM_DAYS,
  SETTINGS_FILE_NAME,
} from '../lambdas/domain/settings/deployment.ts';
import type { Config } from './config.ts';
import { portable } from './role-pattern.ts';

/** Path of the settings file in a function with the layer. */
export const SETTINGS_FILE = `${LAYER_FOLDER}/${SETTINGS_FILE_NAME}`;

/** Folder within the cloud assembly with a folder for each such file, which the CDK copies as an asset. */
export const SETTINGS_FOLDER = '.settings';

/** Returns the part of the configuration that can become large. It is the same wherever the service is deployed. */
export const deploymentSettingsOf = ({
  accounts,
  passableRoleArns,
  repairableRoleArns,
  roleGrants,
  rollbackClaimDays,
  regions,
  changeWindow,
}: Config): DeploymentSettings => ({
  accounts,
  passableRoleArns: passableRoleArns.map(portable),
  ...(repairableRoleArns ? { repairableRoleArns: repairableRoleArns.map(portable) } : {}),
  ...(roleGrants.length > 0
    ? { roleGrants: roleGrants.map((grant) => ({ ...grant, roles: grant.roles.map(portable) })) }
    : {}),
  ...(rollbackClaimDays === ROLLBACK_CLAIM_DAYS ? {} : { rollbackClaimDays }),
  ...(regions ? { regions } : {}),
  ...(changeWindow ? { changeWindow } : {}),
});

/**
 * Creates the layer with the settings that would not fit into a function's environment. A published version of a
 * function keeps its layer even after CloudFormation has deleted the layer's own resource (Lambda API Reference,
 * DeleteLayerVersion), so that an execution in flight ends with the settings that it started with.
 */
export function createSettingsLayer(scope: Construct, id: string, config: Config): lambda.LayerVersion {
  const text = `${JSON.stringify(deploymentSettingsOf(config), null, 2)}\n`;
  // One folder for each content: the CDK copies a folder only once, and an app may have several hubs.
  const name = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const folder = join(Stage.of(scope)?.outdir ?? '', SETTINGS_FOLDER, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, SETTINGS_FILE_NAME), text);
  return new lambda.LayerVersion(scope, id, {
    code: lambda.Code.fromAsset(folder),
    description: 'Settings of the service that its functions read.',
  });
}
