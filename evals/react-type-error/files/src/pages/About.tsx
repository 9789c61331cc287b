import { Team } from '../components/Team'
import content from '../content.json'
// atelier:imports

export function AboutPage() {
  return (
    <>
      <article className="wrap prose">
        <h1>{content.about.title}</h1>
        {content.about.paragraphs.map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
      </article>
      <Team />
      {/* atelier:sections */}
    </>
  )
}
