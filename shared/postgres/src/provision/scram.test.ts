import { expect, test } from 'bun:test'
import { matchesVerifier, scramVerifier } from './scram.ts'

test('the verifier is the one PostgreSQL makes of the same password and salt', () => {
  // From RFC 7677, section 3: password "pencil", 4096 iterations.
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  expect(scramVerifier('pencil', salt)).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
})

test('a verifier matches its password and no other', () => {
  const verifier = scramVerifier('right')
  expect({
    right: matchesVerifier('right', verifier),
    wrong: matchesVerifier('wrong', verifier),
    none: matchesVerifier('right', null),
    md5: matchesVerifier('right', 'md5d41d8cd98f00b204e9800998ecf8427e'),
  }).toEqual({ right: true, wrong: false, none: false, md5: false })
})
