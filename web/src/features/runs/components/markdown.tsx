import type { ReactNode } from 'react'
import ReactMarkdown from 'react-markdown'
import remarkGfm from 'remark-gfm'
import '@/styles/prose.css'

interface Props {
  text: string
  /** Draws an image, or says why it does not. No address in a text is ever fetched. */
  renderImage: (source: string, alt: string) => ReactNode
}

/** A report. HTML inside it is left out, links open elsewhere and tell nobody where they were followed from. */
export default function Markdown({ text, renderImage }: Props) {
  return (
    <div className="prose p-6 sm:p-8">
      <ReactMarkdown
        remarkPlugins={[remarkGfm]}
        skipHtml
        components={{
          a: ({ href, children }) => (
            <a href={href} target="_blank" rel="noopener noreferrer nofollow">
              {children}
            </a>
          ),
          img: ({ src, alt }) => renderImage(typeof src === 'string' ? src : '', alt ?? ''),
        }}
      >
        {text}
      </ReactMarkdown>
    </div>
  )
}
