/**
 * Updates the lockfile of tools/openapi to its package.json, and writes it with each package on a line, where npm writes a
 * dozen: `npm run lock --prefix tools/openapi`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonText } from '../json-text.ts';

const TOOLS = join(import.meta.dirname, '../../tools/openapi');
const LOCK = join(TOOLS, 'package-lock.json');

execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'], {
  cwd: TOOLS,
  stdio: 'inherit',
});
writeFileSync(LOCK, jsonText(JSON.parse(readFileSync(LOCK, 'utf8'))));
