/** Runs Debian's Chromium, and opens pages from files in it, without network. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { words } from '../words.ts';

const CHROMIUM = '/usr/bin/chromium';
/** Chromium runs as root in containers, and must not check for updates. */
const FLAGS = words`
  --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
  --disable-component-update --disable-sync
`;

/**
 * Returns why these tests can't run here; `undefined` if they can. In CI they always run, and fail without Chromium.
 */
export const reasonToSkip = (): string | undefined => {
  if (existsSync(CHROMIUM) || process.env['CI'] === 'true') return undefined;
  const reason = `skipped: there is no ${CHROMIUM} (apt-get install chromium)`;
  process.stderr.write(`${reason}\n`);
  return reason;
};

export interface Opened {
  page: Page;
  /** Messages of the console, errors and dialogs of the page, and requests for anything but its own file. */
  heard: string[];
}

/** Ends hangs only. Replaces Playwright's 30 seconds, which a busy machine may exceed. */
export const PATIENCE = 300_000;

export class Files {
  readonly folder = mkdtempSync(join(tmpdir(), 'sweep-page-'));
  private readonly browser: Browser;

  private constructor(browser: Browser) {
    this.browser = browser;
  }
  static async begin(): Promise<Files> {
    return new Files(await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, timeout: PATIENCE }));
  }
  async end(): Promise<void> {
    await this.browser.close();
    rmSync(this.folder, { recursive: true });
  }

  /** Writes the page to a file and opens the file, at `hash`, in a context of its own. */
  async open(html: string, { hash = '', ...options }: BrowserContextOptions & { hash?: string } = {}): Promise<Opened> {
    const file = join(this.folder, 'report.html');
    writeFileSync(file, html);
    const url = pathToFileURL(file).href;
    const context = await this.browser.newContext({
      offline: true,
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const heard: string[] = [];
    page.on('console', (message) => heard.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => heard.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      heard.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (request.url().split('#')[0] !== url && !request.url().startsWith('data:'))
        heard.push(`request: ${request.url()}`);
    });
    await page.goto(url + hash);
    return { page, heard };
  }
}
