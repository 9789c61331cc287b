import type { Metadata } from 'next'
import content from '@/content.json'
// atelier:imports

export const metadata: Metadata = { title: content.about.label }

export default function AboutPage() {
  return (
    <>
      <article className="wrap prose">
        <h1>{content.about.title}</h1>
        {content.about.paragraphs.map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
      </article>
      {/* atelier:sections */}
    </>
  )
}
