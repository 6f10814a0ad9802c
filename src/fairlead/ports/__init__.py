"""What Fairlead needs from other systems, as Protocols that make promises.

Every method may raise `SystemUnavailable` (nothing was done), `AnswerLost` (perhaps done),
`SystemRefused` (a person must look) or `EffectConflict` (something else has our key).
Amounts are exact and never negative, times are UTC. A method that writes takes the effect's
`key` and leaves it in the other system, where the matching `find_…` finds it; `find_…` returns
None only where the other system was asked and surely holds nothing under that key. No method
repeats a write by itself: repeating is the effect ledger's business.
"""
