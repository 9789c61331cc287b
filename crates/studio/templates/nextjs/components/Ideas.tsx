interface IdeasProps {
  title: string
  text: string
  items: { title: string; text: string }[]
}

export function Ideas({ title, text, items }: IdeasProps) {
  return (
    <section className="section" id="ideas" aria-labelledby="ideas-title">
      <div className="wrap">
        <div className="section-head">
          <h2 id="ideas-title">{title}</h2>
          <p className="muted">{text}</p>
        </div>
        <div className="grid">
          {items.map((item) => (
            <div className="idea" key={item.title}>
              <h3>{item.title}</h3>
              <p>{item.text}</p>
            </div>
          ))}
        </div>
      </div>
    </section>
  )
}
