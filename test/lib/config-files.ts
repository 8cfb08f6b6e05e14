/** Configurations as tests give them: in files of their own, and in the context. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RootConstruct } from 'constructs';
import { afterAll, expect } from 'vitest';
import { stringify } from 'yaml';
import type { Config } from '../../lib/config.ts';
import { ConfigurationError } from '../../lib/config-error.ts';
import { configOfProperties } from '../../lib/properties.ts';
import { type ReadOptions, readSettings } from '../../lib/read-settings.ts';

/** Roles that a file may name. */
export const ROLES = { passableRoleArns: ['role/eks-addons/*'] };
export const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:told';
export const WINDOW = { schedule: '0 22 * * SUN', durationMinutes: 240, timeZone: 'Europe/Berlin' };

/** What that context comes to. A bare root stands for the app, which would make a folder for its assembly. */
export function configOf(context: Record<string, unknown>, options: ReadOptions = {}): Config {
  const { node } = new RootConstruct();
  for (const [key, value] of Object.entries(context)) node.setContext(key, value);
  return configOfProperties('Hub', readSettings(node, options), options.forEveryRole ?? false);
}

type Content = string | Uint8Array | object;

/** A folder for the configuration files of one file of tests, removed after them, and what is read from these. */
export function configFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'config-files-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  const fileWith = (content: Content): string => {
    files += 1;
    const file = join(folder, `${files}.yaml`);
    writeFileSync(file, typeof content === 'string' || content instanceof Uint8Array ? content : stringify(content));
    return file;
  };
  const read = (content: Content, context: Record<string, unknown> = {}): Config =>
    configOf({ config: fileWith(content), ...context });
  /** All that is printed; empty where nothing is refused. Other errors than those for people are thrown on. */
  const messageOf = (content: Content, context: Record<string, unknown> = {}): string => {
    try {
      read(content, context);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      return error.message.replaceAll(/\S+\/\d+\.yaml/g, 'FILE');
    }
    return '';
  };
  /** The message without its first line, which says where to look. */
  const refusal = (content: Content, context: Record<string, unknown> = {}): string[] => {
    const [first, ...lines] = messageOf(content, context).split('\n');
    expect(first).toBe(
      'The configuration is invalid. See docs/configuration.md for the allowed values of each setting.',
    );
    return lines;
  };
  return { folder, fileWith, read, messageOf, refusal };
}
