import type { ReactNode } from 'react'
import ReactMarkdown from 'react-markdown'
import remarkGfm from 'remark-gfm'
import { cn } from '@/lib/cn'
import '@/styles/prose.css'

interface Props {
  text: string
  /** Draws an image, or says why it does not. No address in a text is ever fetched. */
  renderImage: (source: string, alt: string) => ReactNode
  className?: string
}

/** Markdown that somebody else wrote. HTML inside it is left out, links open elsewhere and tell nobody where they were followed from. */
export default function Markdown({ text, renderImage, className }: Props) {
  return (
    <div className={cn('prose', className)}>
      <ReactMarkdown
        remarkPlugins={[remarkGfm]}
        skipHtml
        components={{
          a: ({ href, children }) => (
            <a href={href} target="_blank" rel="noopener noreferrer nofollow">
              {children}
            </a>
          ),
          // What is wider than the page scrolls, and what scrolls must be reached by keyboard.
          // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
          pre: ({ children }) => <pre tabIndex={0}>{children}</pre>,
          // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
          table: ({ children }) => <table tabIndex={0}>{children}</table>,
          img: ({ src, alt }) => renderImage(typeof src === 'string' ? src : '', alt ?? ''),
        }}
      >
        {text}
      </ReactMarkdown>
    </div>
  )
}
