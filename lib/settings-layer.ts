import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import {
  type DeploymentSettings,
  deploymentSettings,
  LAYER_FOLDER,
  SETTINGS_FILE_NAME,
} from '../lambdas/domain/settings/deployment.ts';
import type { Config } from './config.ts';
import { portable } from './role-pattern.ts';
import { settings } from './settings.ts';

/** Path of the settings file in a function with the layer. */
export const SETTINGS_FILE = `${LAYER_FOLDER}/${SETTINGS_FILE_NAME}`;

/** Folder within the cloud assembly with a folder for each such file, which the CDK copies as an asset. */
export const SETTINGS_FOLDER = '.settings';

const isDefault = (name: keyof DeploymentSettings, value: unknown): boolean =>
  JSON.stringify(value) === JSON.stringify(settings.shape[name].safeParse(undefined).data);

/**
 * Returns the part of the configuration that can become large. It is the same wherever the service is deployed. What the
 * file need not have is left out if it has its default.
 */
export function deploymentSettingsOf(config: Config): DeploymentSettings {
  const { shape } = deploymentSettings;
  const names = Object.keys(shape) as (keyof DeploymentSettings)[];
  const stated = names.filter((name) => !shape[name].safeParse(undefined).success || !isDefault(name, config[name]));
  const all = Object.fromEntries(stated.map((name) => [name, config[name]]));
  const text = JSON.stringify(all, (_, value: unknown) => (typeof value === 'string' ? portable(value) : value));
  return JSON.parse(text) as DeploymentSettings;
}

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
