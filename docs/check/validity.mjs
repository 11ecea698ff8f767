// The rule `html`: the Nu Html Checker finds no error in the pages.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export function checkValidity(modules, pages, report) {
  const jar = path.join(modules, 'vnu-jar', 'build', 'dist', 'vnu.jar');
  const options = ['--errors-only', '--exit-zero-always', '--format', 'json', '--stdout'];
  const done = spawnSync('java', ['-Xss4m', '-XX:TieredStopAtLevel=1', '-jar', jar, ...options, ...pages],
    { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (done.error) throw new Error(`no java (Debian package default-jre-headless): ${done.error.message}`);
  if (done.status !== 0) throw new Error(`the HTML checker failed: ${done.stderr}`);
  for (const { url, lastLine, message } of JSON.parse(done.stdout).messages) {
    report.add(fileURLToPath(url), 'html', `line ${lastLine}: ${message}`);
  }
}
