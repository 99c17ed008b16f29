"""Things that can be switched; each is a model.Source that tells the state of one switch.

It is made as (sections, inside, clock, totals) with one section, its name -> its options. It obeys
`wish` (of the rules: value 1 or 0, and a reason) and what people say: `on` and `off` (value:
seconds for which that holds, 0: until another word), `auto`. What people say goes before wishes.
"""
