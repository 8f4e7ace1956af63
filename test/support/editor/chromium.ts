import { chromium } from 'playwright-core';
import type { Browser as RunningBrowser } from 'playwright-core';
import type { Browser } from '../setup/browser.ts';

/** Starts a headless Chromium with a fresh profile and nothing of this process's environment but what it needs. */
export function startBrowser(browser: Browser, home: string): Promise<RunningBrowser> {
  return chromium.launch({
    // Playwright would end this process at once; whoever started the editor ends it in order.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    executablePath: browser.executable,
    headless: true,
    chromiumSandbox: process.getuid?.() !== 0,
    env: { HOME: home, PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', ...browser.env },
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
}
