import { useEffect, useRef, useState } from 'react'

/**
 * What is being typed or dragged, told to `onSettle` in its normal form once the hand rests. A value that comes from
 * elsewhere takes its place. `normal` must be the same function at each call.
 */
export function useSettled<T>(
  value: T,
  onSettle: (value: T) => void,
  ms: number,
  normal: (draft: T) => T = same,
): [draft: T, setDraft: (draft: T) => void, settleNow: () => void] {
  const [draft, setDraft] = useState(value)
  const settle = useRef(onSettle)
  settle.current = onSettle
  // What was told last comes back as the value; what was typed meanwhile stays.
  const told = useRef(value)
  useEffect(() => {
    if (value === told.current) return
    told.current = value
    setDraft(value)
  }, [value])
  useEffect(() => {
    if (normal(draft) === told.current) return
    const timer = setTimeout(() => tell(told, normal(draft), settle.current), ms)
    return () => clearTimeout(timer)
  }, [draft, ms, normal])
  return [draft, setDraft, () => tell(told, normal(draft), settle.current)]
}

function same<T>(draft: T): T {
  return draft
}

function tell<T>(told: { current: T }, next: T, onSettle: (value: T) => void): void {
  if (next === told.current) return
  told.current = next
  onSettle(next)
}
