/**
 * Whether a text can be read as Markdown in no time. A model can be made to say what takes a parser
 * minutes or more than its stack, and the answer is kept: the page must not break on it each time.
 */

/** The longest line that is read. */
const LONGEST_LINE = 8_000;

/** The most columns of a table. */
const MOST_COLUMNS = 100;

/** What no answer needs: quotes within quotes and lists within lists, very deep. */
const DEEP = [
  /^[ \t]*(?:>[ \t]*){20}/,
  /^[ \t]{80,}(?:[-*+]|\d+[.)])[ \t]/,
  /^[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+){20}/,
];

export function isTame(text: string): boolean {
  return text.split("\n").every((line) => line.length <= LONGEST_LINE && !isWild(line));
}

function isWild(line: string): boolean {
  return DEEP.some((deep) => deep.test(line)) || line.split("|").length > MOST_COLUMNS;
}
