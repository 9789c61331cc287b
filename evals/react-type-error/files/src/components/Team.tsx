interface Member {
  name: string
  role?: string
  since: number
}

const members: Member[] = [
  { name: 'Ines', role: 'baker', since: 2014 },
  { name: 'Tomás', role: 'miller', since: 2019 },
  { name: 'Ada', since: 2025 },
]

function inYears(years: number): string {
  return years === 1 ? 'one year' : `${years} years`
}

/** Who works here, and for how long at the end of 2026. */
export function Team() {
  return (
    <section className="section" aria-label="Team">
      <ul className="wrap">
        {members.map((member) => (
          <li key={member.name}>
            {member.name}, {member.role.toLowerCase()}, {inYears((2026 - member.since).toFixed(0))}
          </li>
        ))}
      </ul>
    </section>
  )
}
