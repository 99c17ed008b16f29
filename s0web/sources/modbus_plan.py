"""In which requests one meter is read, and how many registers it gives at once.

A manual may allow more than a meter's firmware does: what refuses a long block, or keeps silent at
it while it answers shorter ones, is asked for shorter blocks from then on. A block that is refused
for what is in it is halved, again and again: what the rest holds is not lost.
"""

from collections.abc import Collection, Iterable

from ..meters.registers import Block, Meter, Register

PROOFS = 2  # sweeps in which a long block must stay silent: a single one may be a disturbed line

Key = tuple[int, int]  # address and count of a block
Blocks = tuple[Block, ...]


class Plan:
    def __init__(self, meter: Meter, most_registers: int = 0) -> None:
        """`most_registers` 0: what the model allows."""
        self._meter = meter
        self._least = max(register.words for register in meter.registers)
        self.size = max(most_registers or meter.most, self._least)  # registers at once
        self._longest = 0  # that were answered since the meter was met
        self._silent: dict[Key, int] = {}  # in how many sweeps
        self._pieces: dict[Block, Blocks] = {}  # what a refused block is divided into
        self._refused: set[str] = set()  # quantities, for a while

    def blocks(self, quantities: Collection[str]) -> Blocks:
        """The requests for these, without those that the meter refused for good."""
        wanted = frozenset(quantities) - self._refused
        return tuple(self._in_pieces(self._meter.blocks(self.size, wanted)))

    def describe(self, quantities: Collection[str]) -> str:
        count = len(self.blocks(quantities))
        return f"{count} request{'s' * (count != 1)} of up to {self.size} registers"

    def forget(self) -> None:
        """Another meter may be there now; the sizes that were found stay."""
        self._longest = 0
        self._silent.clear()
        self.pardon()

    def pardon(self) -> None:
        """Ask again for what was refused: a meter may refuse while it starts."""
        self._refused.clear()
        self._pieces.clear()

    def answered(self, block: Block) -> None:
        self._longest = max(self._longest, block.count)
        self._silent.pop(_key(block), None)

    def refused(self, block: Block, rest: Iterable[Block]) -> Blocks:
        """The meter refused this block: what to ask in place of it and the rest of the sweep; ()
        if nothing shorter can be asked.
        """
        if block.count > self._longest and self._step_down(block.count):
            return self._anew(block, *rest)
        addresses = sorted({register.address for register in block.registers})
        if len(addresses) == 1:
            self._refused |= {register.quantity for register in block.registers}
            return ()
        cut = addresses[len(addresses) // 2]
        pieces = self._pieces[block] = (
            _block(r for r in block.registers if r.address < cut),
            _block(r for r in block.registers if r.address >= cut),
        )
        return (*pieces, *rest)

    def silent(self, block: Block, rest: Iterable[Block]) -> Blocks:
        """The meter, alive else, did not answer this block; return as `refused`."""
        if block.count <= self._longest:
            return ()  # it gave longer ones: the length is not the reason
        key = _key(block)
        self._silent[key] = self._silent.get(key, 0) + 1
        stepped = self._silent[key] >= PROOFS and self._step_down(block.count)
        return self._anew(block, *rest) if stepped else ()

    def _anew(self, *blocks: Block) -> Blocks:
        """The same quantities by the plan as it is now."""
        return self.blocks({r.quantity for block in blocks for r in block.registers})

    def _step_down(self, count: int) -> bool:
        """To the next size at which a block so long is divided, if there is one."""
        sizes = [size for size in self._meter.sizes if self._least <= size < min(count, self.size)]
        if sizes:
            self.size = max(sizes)
            self._silent.clear()
        return bool(sizes)

    def _in_pieces(self, blocks: Iterable[Block]) -> Iterable[Block]:
        for block in blocks:
            if pieces := self._pieces.get(block):
                yield from self._in_pieces(pieces)
            else:
                yield block


def _key(block: Block) -> Key:
    return block.address, block.count


def _block(registers: Iterable[Register]) -> Block:
    """The shortest block that holds these."""
    held = tuple(registers)
    first = min(register.address for register in held)
    return Block(first, max(register.end for register in held) - first, held)
