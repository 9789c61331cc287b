import { Switch as Base } from '@base-ui/react/switch'

interface Props {
  id: string
  checked: boolean
  onChange: (checked: boolean) => void
}

export function Switch({ id, checked, onChange }: Props) {
  return (
    <Base.Root
      id={id}
      checked={checked}
      onCheckedChange={onChange}
      className="relative flex h-6 w-10 items-center shrink-0 rounded-full border border-control bg-sunken transition-colors data-[checked]:border-transparent data-[checked]:bg-primary"
    >
      <Base.Thumb className="block size-4 translate-x-[3px] rounded-full bg-muted transition-transform duration-200 ease-spring data-[checked]:translate-x-[19px] data-[checked]:bg-primary-ink" />
    </Base.Root>
  )
}
