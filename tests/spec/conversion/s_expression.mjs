// The S-expressions of a script: forms are {line, begin, end, items}, words and strings
// {line, begin, end, word | string}. Annotations are left out.

const kDelimiters = new Set([...'()"; \t\r\n']);

export function parseForms(text) {
  let at = 0;
  let line = 1;

  const fail = (what) => {
    throw new Error(`line ${line}: ${what}`);
  };
  const advance = (count) => {
    for (const end = at + count; at < end; ++at) if (text[at] === '\n') ++line;
  };

  function skipBlockComment() {
    let depth = 0;
    do {
      if (text.startsWith('(;', at)) {
        ++depth;
        advance(2);
      } else if (text.startsWith(';)', at)) {
        --depth;
        advance(2);
      } else {
        advance(1);
      }
    } while (depth > 0 && at < text.length);
  }

  function skipSpace() {
    while (at < text.length) {
      if (text.startsWith('(;', at)) {
        skipBlockComment();
      } else if (text.startsWith(';;', at)) {
        while (at < text.length && text[at] !== '\n' && text[at] !== '\r') ++at;
      } else if (' \t\r\n'.includes(text[at])) {
        advance(1);
      } else {
        return;
      }
    }
  }

  function parseString() {
    const token = { line, begin: at };
    advance(1);
    while (text[at] !== '"') {
      if (at >= text.length) fail('a string without an end');
      advance(text[at] === '\\' ? 2 : 1);
    }
    advance(1);
    token.end = at;
    token.string = text.slice(token.begin + 1, at - 1);
    return token;
  }

  function parseWord() {
    const token = { line, begin: at };
    if (text[at] === ';') ++at; // alone it has a place in annotations
    else while (at < text.length && !kDelimiters.has(text[at])) ++at;
    if (at === token.begin) fail(`unexpected ${JSON.stringify(text[at])}`);
    token.end = at;
    token.word = text.slice(token.begin, at);
    return token;
  }

  function parseForm() {
    const form = { line, begin: at, items: [] };
    advance(1);
    for (skipSpace(); text[at] !== ')'; skipSpace()) {
      if (at >= text.length) fail('a form without an end');
      parseItemInto(form.items);
    }
    advance(1);
    form.end = at;
    return form;
  }

  function parseItemInto(items) {
    const item = parseItem();
    if (!item.items?.[0]?.word?.startsWith('@')) items.push(item);
  }

  function parseItem() {
    if (text[at] === '(') return parseForm();
    if (text[at] === '"') return parseString();
    return parseWord();
  }

  const forms = [];
  for (skipSpace(); at < text.length; skipSpace()) parseItemInto(forms);
  return forms;
}

const kEscapes = { t: 9, n: 10, r: 13, '"': 34, "'": 39, '\\': 92 };

// The bytes that a string of the text format stands for.
export function bytesOf(string) {
  const parts = [];
  for (let at = 0; at < string.length; ) {
    if (string[at] !== '\\') {
      const next = string.indexOf('\\', at);
      const end = next < 0 ? string.length : next;
      parts.push(Buffer.from(string.slice(at, end), 'utf8'));
      at = end;
    } else if (string[at + 1] in kEscapes) {
      parts.push(Buffer.from([kEscapes[string[at + 1]]]));
      at += 2;
    } else if (string[at + 1] === 'u') {
      const end = string.indexOf('}', at);
      const code = parseInt(string.slice(at + 3, end).replaceAll('_', ''), 16);
      parts.push(Buffer.from(String.fromCodePoint(code), 'utf8'));
      at = end + 1;
    } else {
      parts.push(Buffer.from([parseInt(string.slice(at + 1, at + 3), 16)]));
      at += 3;
    }
  }
  return Buffer.concat(parts);
}
