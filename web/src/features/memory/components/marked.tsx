import { Fragment } from 'react'
import { piecesOf } from '../matches'
import type { AnsweredWord } from '../wire'

/** A text in which what answers the query stands out. */
export function Marked({ text, words }: { text: string; words: readonly AnsweredWord[] }) {
  return piecesOf(text, words).map((piece) =>
    piece.isMatch ? (
      <mark key={piece.at} className="rounded-xs bg-primary-soft font-medium text-ink">
        {piece.text}
      </mark>
    ) : (
      <Fragment key={piece.at}>{piece.text}</Fragment>
    ),
  )
}
