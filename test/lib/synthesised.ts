/**
 * The app as CDK's command line would deploy it, by its configuration. Synthesising takes a third of a second, and many
 * tests read the same few deployments: each is made once in a process, and is frozen, so that no test can change what
 * another one reads.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';
import { SETTINGS_FILE_NAME } from '../../lambdas/domain/settings/deployment.ts';
import { SPOKE_STACK } from '../../lambdas/domain/access/spokes.ts';
import { createApp } from '../../lib/app.ts';
import { SETTINGS_FOLDER } from '../../lib/settings-layer.ts';
import { Deployment, lambdaDirectory, type Resource, type Template } from './definition.ts';
import { textsIn } from './texts.ts';

export interface SpokeTemplate {
  Parameters: Record<string, { Type: string; Default?: unknown }>;
  Resources: Record<string, Resource & { Condition?: string }>;
  Outputs?: Record<string, unknown>;
  Rules?: unknown;
}

/** What has to be in every context. */
export const REQUIRED = { passableRoleArns: 'role/eks-addons/*' };

/** A cloud assembly without its assets. */
export interface Synthesised {
  hub: Template;
  /** Throws an Error where the configuration names no other account, so that there is no such stack. */
  spoke: () => SpokeTemplate;
  /** What ships with the functions, in the layer's file. */
  settings: unknown;
  /** Names of its files. */
  files: string[];
  /** Writes them into that folder, for what reads an assembly. */
  writeTo: (folder: string) => void;
}

/** No asset is copied: the templates name them by their content either way. */
const WITHOUT_ASSETS = { 'aws:cdk:disable-asset-staging': true };

const freeze = <Of>(value: Of): Of => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const entry of Object.values(value)) freeze(entry);
  }
  return value;
};

/** What an app is made of. */
export interface Configuration {
  context: Record<string, unknown>;
  /** In a file. */
  settings?: object;
  everyRole?: boolean;
}

/**
 * Passes an app of that configuration to `use`, with the folder that its cloud assembly goes to, which is there only as
 * long as `use` runs. `checked`: as `createApp` takes it.
 */
export function withApp<Result>(
  { context, settings = {}, everyRole = false }: Configuration,
  use: (app: App, outdir: string) => Result,
  checked = false,
): Result {
  const folder = mkdtempSync(join(tmpdir(), 'synthesised-'));
  try {
    const [config, outdir] = [join(folder, 'settings.json'), join(folder, 'out')];
    writeFileSync(config, JSON.stringify(settings));
    const given = { ...WITHOUT_ASSETS, config, ...context };
    return use(createApp({ lambdaDirectory, outdir, everyRole, checked, context: given }), outdir);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The file of the only hub's settings in an assembly. */
function settingsFileIn(outdir: string): string {
  const [folder = ''] = readdirSync(join(outdir, SETTINGS_FOLDER));
  return join(outdir, SETTINGS_FOLDER, folder, SETTINGS_FILE_NAME);
}

/** The same as `synthesised`, made again at each call. */
export const synthesiseAgain = (context: Record<string, unknown>, settings: object = {}): Synthesised =>
  withApp({ context: { ...REQUIRED, ...context }, settings }, (app, outdir) => {
    app.synth();
    const texts = textsIn(outdir);
    const read = (stack: string): unknown => {
      const text = texts[`${stack}.template.json`];
      if (text === undefined) throw new Error(`The app has no stack ${stack}.`);
      return freeze(JSON.parse(text) as unknown);
    };
    let spoke: unknown;
    return {
      hub: read('PodIdentityMigrator') as Template,
      spoke: () => (spoke ??= read(SPOKE_STACK)) as SpokeTemplate,
      settings: freeze(JSON.parse(readFileSync(settingsFileIn(outdir), 'utf8')) as unknown),
      files: Object.keys(texts),
      writeTo: (to) => {
        mkdirSync(to, { recursive: true });
        for (const [name, text] of Object.entries(texts)) writeFileSync(join(to, name), text);
      },
    };
  });

const known = new Map<string, Synthesised>();

/**
 * Both templates with that context, in addition to what has to be in it, and with these settings in a file. Throws
 * ConfigurationError for a configuration that is not right.
 */
export function synthesised(context: Record<string, unknown>, settings: object = {}): Synthesised {
  // A key without a value takes a required one away, which JSON does not tell.
  const key = JSON.stringify([{ ...REQUIRED, ...context }, settings]);
  const made = known.get(key) ?? synthesiseAgain(context, settings);
  known.set(key, made);
  return made;
}

/** The service's own stack with that configuration, read. */
export const synthesiseWith = (context: Record<string, unknown>, settings: object = {}): Deployment =>
  new Deployment(synthesised(context, settings).hub);
