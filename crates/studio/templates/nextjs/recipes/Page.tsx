import type { Metadata } from 'next'
// atelier:imports

export const metadata: Metadata = { title: {title:json} }

export default function {Name}Page() {
  return (
    <>
      <article className="wrap prose">
        <h1>{{title:json}}</h1>
        <p>{'This page is new. Say what belongs here.'}</p>
      </article>
      {/* atelier:sections */}
    </>
  )
}
