/** What parts of code are, for colouring it. Loaded with the first piece of code on screen, as it is large. */
import { javascriptLanguage } from '@codemirror/lang-javascript'
import { pythonLanguage } from '@codemirror/lang-python'
import { StreamLanguage } from '@codemirror/language'
import { shell } from '@codemirror/legacy-modes/mode/shell'
import { highlightCode, tagHighlighter, tags } from '@lezer/highlight'

export interface Token {
  text: string
  /** A class name; empty for plain text. */
  look: string
}

const PARSERS = {
  python: pythonLanguage.parser,
  javascript: javascriptLanguage.parser,
  shell: StreamLanguage.define(shell).parser,
}

const LOOKS = tagHighlighter([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], class: 'font-medium text-live' },
  { tag: [tags.string, tags.special(tags.string)], class: 'text-good' },
  { tag: [tags.number, tags.bool, tags.null], class: 'text-wait' },
  { tag: tags.comment, class: 'text-muted italic' },
  { tag: [tags.function(tags.variableName), tags.definition(tags.variableName)], class: 'font-medium' },
])

/** Colouring text of any length would hold up the page. */
const LONGEST = 100_000

/** The tokens of code, whose texts together are the code again; one plain token if the language is unknown. */
export function tokensOf(code: string, language: string): Token[] {
  if (!isKnown(language) || code.length > LONGEST) return [{ text: code, look: '' }]
  const tokens: Token[] = []
  const put = (text: string, look: string) => {
    const last = tokens.at(-1)
    if (last?.look === look) last.text += text
    else tokens.push({ text, look })
  }
  highlightCode(code, PARSERS[language].parse(code), LOOKS, put, () => put('\n', ''))
  return tokens
}

function isKnown(language: string): language is keyof typeof PARSERS {
  return Object.hasOwn(PARSERS, language)
}
