import content from '../content.json'
import { Link } from '../router'

export function NotFoundPage() {
  return (
    <article className="wrap prose">
      <h1>{content.notFound.title}</h1>
      <p>{content.notFound.text}</p>
      <p>
        <Link to="/">{content.notFound.back}</Link>
      </p>
    </article>
  )
}
