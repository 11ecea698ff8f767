// Checks the rendered pages of the book.
//
//     node docs/check/pages.mjs BOOK MODULES BROWSER
//
// BOOK is the folder of the pages, MODULES the node_modules folder with the
// packages of package.json, BROWSER the Chromium to look with. The rules stand
// at the top of source.mjs, views.mjs and validity.mjs. Each problem is a line
// `page: rule: sentence` on stderr; any makes the exit status 1.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { Report } from './report.mjs';
import { SourceRules, readFacts } from './source.mjs';
import { checkValidity } from './validity.mjs';
import { WIDTHS, checkView, openTab } from './views.mjs';

// The browser and its library keep their files in a folder of this run, for the
// home directory may be read-only.
async function withBrowser(modules, executablePath, work) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'pages-'));
  const { chromium } = createRequire(modules)('playwright-core');
  let browser;
  try {
    browser = await chromium.launch({
      executablePath,
      // No sandbox: containers and root cannot have one, and the pages are our own.
      args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND'],
      env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    });
    return await work(browser);
  } finally {
    await browser?.close();
    fs.rmSync(home, { recursive: true, force: true });
  }
}

async function sourceFacts(browser, pages) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const tab = await context.newPage();
  const facts = new Map();
  for (const page of pages) facts.set(page, await readFacts(tab, page));
  await context.close();
  return facts;
}

// One tab for each width, all at work at once.
async function checkViews(browser, modules, facts, report) {
  await Promise.all(WIDTHS.map(async (width) => {
    const view = await openTab(browser, modules, report, width);
    for (const [page, { text }] of facts) await checkView(view, page, text);
  }));
}

async function check(book, modules, browserPath) {
  const pages = fs.readdirSync(book).filter((name) => name.endsWith('.html')).sort()
    .map((name) => path.resolve(book, name));
  if (pages.length === 0) throw new Error(`no page in ${book}`);
  const report = new Report();
  await withBrowser(modules, browserPath, async (browser) => {
    const facts = await sourceFacts(browser, pages);
    const rules = new SourceRules(book, facts, report);
    for (const page of pages) rules.check(page);
    await checkViews(browser, modules, facts, report);
  });
  checkValidity(modules, pages, report);
  return { pages, report };
}

const [book, modules, browserPath] = process.argv.slice(2).map((name) => path.resolve(name));
const { pages, report } = await check(book, modules, browserPath);
for (const line of report.lines()) console.error(line);
console.log(`${pages.length} pages, ${WIDTHS.length} widths: ${report.lines().length} problems`);
process.exitCode = report.lines().length ? 1 : 0;
