/** A picture drawn in the colours of the theme. It means nothing, so it is hidden from screen readers. */
export function Sunrise() {
  return (
    <svg className="sunrise" viewBox="0 0 480 420" aria-hidden="true">
      <rect className="sky" width="480" height="420" />
      <circle className="halo" cx="240" cy="244" r="158" />
      <circle className="sun" cx="240" cy="244" r="92" />
      <path className="far" d="M0 282c70-34 130-40 210-14s150 20 270-28v180H0z" />
      <path className="middle" d="M0 326c90-40 170-30 250-6s150 18 230-18v118H0z" />
      <path className="near" d="M0 384c110-36 200-24 280-10s140 6 200-16v62H0z" />
    </svg>
  )
}
