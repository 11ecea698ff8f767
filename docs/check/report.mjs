// Collects problems and prints each once, however many views of a page show it.

import path from 'node:path';

export class Report {
  constructor() {
    this.problems = new Map();
  }

  // `view` names the width and theme that showed the problem, where it matters.
  add(page, rule, sentence, view) {
    const key = `${path.relative('.', page)}: ${rule}: ${sentence.trim().replace(/\s+/g, ' ')}`;
    if (!this.problems.has(key)) this.problems.set(key, new Set());
    if (view) this.problems.get(key).add(view);
  }

  lines() {
    const lines = [...this.problems].map(([text, views]) => {
      // The widths are looked at side by side; parseInt reads the width.
      const inOrder = [...views].sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
      return views.size ? `${text} (${inOrder.join(', ')})` : text;
    });
    return lines.sort();
  }
}
