/**
 * Changes the text of a pg_hba.conf so that the role, and nobody else, may replicate from this machine, and that it may
 * do nothing else. A text that says so already comes back as it is.
 */
export function admitStandbys(rules: string, role: string): string {
  const ours = [
    `host    all             ${role}     127.0.0.1/32            reject`,
    `host    replication     ${role}     127.0.0.1/32            scram-sha-256`,
  ]
  // initdb's own lines let everybody replicate who has the attribute, the superuser too.
  const others = rules.split('\n').filter((line) => {
    const [type, database = '', user = ''] = line.trim().split(/\s+/)
    return type?.startsWith('#') || (database !== 'replication' && user !== role)
  })
  // The first line that fits decides, so these come before what is there for all.
  const first = others.findIndex((line) => /^\s*(local|host)/.test(line))
  return others.toSpliced(first === -1 ? others.length : first, 0, ...ours).join('\n')
}
