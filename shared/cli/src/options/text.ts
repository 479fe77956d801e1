import type { Option } from '@shared/database'

/** What an option takes, in short; times in ms. */
export function takes(option: Option): string {
  switch (option.kind) {
    case 'integer':
      return `${grouped(option.min)} to ${grouped(option.max)}`
    case 'time':
      return `ms, ${grouped(option.min)} or more${option.never ? ', Infinity: never' : ''}`
    case 'boolean':
      return 'true, false'
    case 'choice':
      return option.choices.join(', ')
    case 'text':
      return `text, ${grouped(option.maxBytes)} bytes at most`
  }
}

/** The default of an option as it is read, or what holds where there is none. */
export function defaultOf(option: Option): string {
  if (option.kind === 'text') return option.unset
  return typeof option.default === 'number' ? grouped(option.default) : String(option.default)
}

/** Everything of an option in one paragraph: what an editor shows of it. */
export function describeOption(option: Option): string {
  const bounds =
    option.kind === 'integer' ? ` ${takes(option)}.` : option.kind === 'time' ? ` In ${takes(option)}.` : ''
  return `${option.sentence}${bounds} Default: ${defaultOf(option)}.`
}

const grouped = (number: number): string => String(number).replace(/\B(?=(?:\d{3})+$)/g, ' ')
