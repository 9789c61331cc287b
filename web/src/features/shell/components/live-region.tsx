import { useEffect, useState } from 'react'
import { onAnnouncement } from '@/lib/announce'

/** The one place from which changes are read out. A zero-width mark makes a repeated text a new one. */
export function LiveRegion() {
  const [text, setText] = useState('')
  useEffect(
    () => onAnnouncement((next) => setText((before) => (before === next ? `${next}\u200b` : next))),
    [],
  )
  return (
    <div aria-live="polite" aria-atomic="true" className="sr-only">
      {text}
    </div>
  )
}
