// atelier:imports

export function {Name}Page() {
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
