// The folded form of the legacy exception handling instructions, written flat:
//   (try $l (do …) (catch $e …))   is   try $l … catch $e … end

import { parseForms } from './s_expression.mjs';

export function unfoldTries(text) {
  const edits = []; // [begin, end, replacement], apart from each other
  parseForms(text).forEach((form) => collectEdits(form, edits));
  edits.sort(([left], [right]) => left - right);
  let at = 0;
  let result = '';
  for (const [begin, end, replacement] of edits) {
    result += text.slice(at, begin) + replacement;
    at = end;
  }
  return result + text.slice(at);
}

function collectEdits(form, edits) {
  if (!form.items) return;
  if (form.items[0]?.word === 'try') flatten(form, edits);
  form.items.forEach((item) => collectEdits(item, edits));
}

function flatten(form, edits) {
  const clauses = form.items.filter((item) => /^(do|catch|catch_all|delegate)$/.test(headOf(item)));
  const isDelegating = clauses.some((clause) => headOf(clause) === 'delegate');
  edits.push([form.begin, form.begin + 1, ' ']);
  for (const clause of clauses) {
    const head = clause.items[0];
    edits.push([clause.begin, clause.begin + 1, ' ']);
    if (head.word === 'do') edits.push([head.begin, head.end, ' ']);
    edits.push([clause.end - 1, clause.end, ' ']);
  }
  edits.push([form.end - 1, form.end, isDelegating ? ' ' : ' end ']);
}

function headOf(form) {
  return form.items?.[0]?.word;
}
