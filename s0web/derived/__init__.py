"""Sources whose wire is the station itself: what they tell is made of what others told.

Each has the contract of model.Source, and is made as (sections, inside, clock, totals): `sections`
has one entry, its own name -> its options, with `house` ([house]) and `zone` among them.
"""
