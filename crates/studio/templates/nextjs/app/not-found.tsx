import Link from 'next/link'
import content from '@/content.json'

export default function NotFoundPage() {
  return (
    <article className="wrap prose">
      <h1>{content.notFound.title}</h1>
      <p>{content.notFound.text}</p>
      <p>
        <Link href="/">{content.notFound.back}</Link>
      </p>
    </article>
  )
}
