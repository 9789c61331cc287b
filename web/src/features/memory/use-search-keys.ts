import { type RefObject, useEffect, useRef } from 'react'

/**
 * The keys of a search: `/` goes to the box, the arrows from hit to hit, left and right fold and unfold the reasons of
 * one. Enter opens a hit since it is a link.
 */
export function useSearchKeys(
  box: RefObject<HTMLInputElement | null>,
  hits: RefObject<HTMLElement | null>,
  onExplain: (chunk: string, open: boolean) => void,
): void {
  const explain = useRef(onExplain)
  explain.current = onExplain
  useEffect(() => {
    function keys(event: KeyboardEvent) {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      const at = document.activeElement
      if (event.key === '/' && !isTyping(at)) {
        event.preventDefault()
        box.current?.focus()
        box.current?.select()
        return
      }
      const columns = [...(hits.current?.querySelectorAll<HTMLElement>('[data-hits]') ?? [])]
      // Of two columns a narrow screen shows one.
      const column = at?.closest('[data-hits]') ?? columns.find((one) => one.offsetParent !== null)
      const links = [...(column?.querySelectorAll<HTMLElement>('[data-hit]') ?? [])]
      const place = at instanceof HTMLElement ? links.indexOf(at) : -1
      if (place < 0 && at !== box.current) return
      const target = targetOf(event.key, place, links, box.current)
      if (target) {
        event.preventDefault()
        target.focus()
      } else if (place >= 0 && (event.key === 'ArrowRight' || event.key === 'ArrowLeft')) {
        event.preventDefault()
        explain.current(links[place]?.dataset.hit ?? '', event.key === 'ArrowRight')
      }
    }
    addEventListener('keydown', keys)
    return () => removeEventListener('keydown', keys)
  }, [box, hits])
}

/** Where a key leads from a hit, or from the box, which has the place before the first. */
function targetOf(
  key: string,
  place: number,
  links: HTMLElement[],
  box: HTMLElement | null,
): HTMLElement | null | undefined {
  if (key === 'ArrowDown') return links[place + 1]
  if (place < 0) return null
  if (key === 'ArrowUp') return place === 0 ? box : links[place - 1]
  if (key === 'Home') return links[0]
  if (key === 'End') return links.at(-1)
  return key === 'Escape' ? box : null
}

function isTyping(element: Element | null): boolean {
  return (
    element instanceof HTMLElement &&
    (element.isContentEditable || /^(textarea|select)$/i.test(element.tagName) || isTextInput(element))
  )
}

function isTextInput(element: HTMLElement): boolean {
  return element instanceof HTMLInputElement && element.type !== 'range' && element.type !== 'checkbox'
}
